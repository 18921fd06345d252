/** From a volume to the model's input, as the card declares it. */
import { isotropicGrid } from '../assembly/geometry.ts';
import type { Grid, IntensityStep } from '../assembly/grid.ts';
import type { Volume } from '../assembly/volume.ts';
import { WetreadError } from '../errors.ts';
import type { LabelMapOutput, ModelCard, RefineRule, VolumeInput } from './model-package.ts';
import type { InferenceRequest } from './tensor.ts';

/** The grid that the model's input lies on: over the whole volume, axes ascending to the head, the back and the left. */
export function inputGrid(volume: Pick<Volume, 'shape' | 'affine'>, { spacingMm }: VolumeInput): Grid {
  return isotropicGrid(volume, spacingMm);
}

/** What the resampler writes for this model. */
export function intensityStep({ intensity, fill }: VolumeInput): IntensityStep {
  return intensity.datatype === 'INT16'
    ? { datatype: 'INT16', fill }
    : { datatype: 'FP32', low: intensity.low, high: intensity.high, fill };
}

/** @throws WetreadError `internal` where the voxels are not what {@link intensityStep} asked for. */
export function inferenceRequest(card: ModelCard, grid: Grid, voxels: Int16Array | Float32Array): InferenceRequest {
  const { tensor, intensity } = card.input;
  const count = grid.shape[0] * grid.shape[1] * grid.shape[2];
  const datatype = voxels instanceof Int16Array ? 'INT16' : 'FP32';
  if (datatype !== intensity.datatype || voxels.length !== count)
    throw new WetreadError('internal', 'The resampled voxels do not fit the model card');
  return {
    model: card.name,
    version: card.version,
    inputs: [{ name: tensor, datatype, shape: grid.shape, data: voxels }],
    outputs: card.outputs.map((output) => output.tensor),
  };
}

/** How the model's labels become masks at native resolution. */
export function refineRule({ segments, refine }: LabelMapOutput): RefineRule {
  return { segments, range: refine.range };
}
