/**
 * The gate before the model: do the images fit the intended use? A refusal is a result, with facts (safety R2, R13). What
 * the header says comes first, then the geometry, then the pixels: the cheapest answer is the first.
 */
import type { SlicesInput } from '../../../contracts/generated/types.ts';
import type { Volume } from '../../assembly/volume.ts';
import { type Reason, reason, type Skipped } from '../../reasons.ts';
import { inputGrid } from '../input-grid.ts';
import type { ModelCard, VolumeInput } from '../model-package.ts';
import { beyondInput, outsideGeometry } from './geometry.ts';
import { outsideIntendedUse } from './intended-use.ts';
import { outsidePictureLimits } from './picture.ts';
import { outOfDistribution } from './reference.ts';
import { sampleOfVolume } from './sample.ts';
import { statisticsOfVolume } from './statistics.ts';
import { outsideValues } from './values.ts';

/** Undefined where the model may run; otherwise the first reason against it. */
export function gateVolume(
  volume: Volume,
  { intendedUse }: Pick<ModelCard, 'intendedUse'>,
  input: VolumeInput | SlicesInput,
): Skipped | undefined {
  const { gate } = input;
  const found =
    outsideIntendedUse({ ...volume.header, modality: volume.modality }, intendedUse) ??
    wrongUnits(volume, input) ??
    outsidePictureLimits(volume.header, gate) ??
    outsideGeometry(volume, gate) ??
    tooLarge(volume, input) ??
    unlikeValues(volume, input);
  return found === undefined ? undefined : { skipped: found };
}

/** Slices as pictures are sampled: there are never too many. */
function tooLarge(volume: Volume, input: VolumeInput | SlicesInput): Reason | undefined {
  return input.kind === 'volume' ? beyondInput(inputGrid(volume, input).shape, input.maximumShape) : undefined;
}

function wrongUnits({ units }: Volume, input: Pick<VolumeInput, 'units'>): Reason | undefined {
  if (units === input.units) return undefined;
  const found = units === 'none' ? 'values have no unit' : `values are in ${units}`;
  return reason('outside-model-limits', `${found}, the model reads ${input.units}`);
}

function unlikeValues(
  volume: Volume,
  { gate, reference }: Pick<VolumeInput, 'reference'> & { readonly gate: Pick<VolumeInput['gate'], 'values'> },
): Reason | undefined {
  const sample = sampleOfVolume(volume);
  const outside = outsideValues(sample, gate.values);
  if (outside !== undefined || reference === undefined) return outside;
  return outOfDistribution(statisticsOfVolume(volume, sample), reference);
}
