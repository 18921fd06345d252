/** The gate before the model: does the image fit the intended use? A refusal is a result, with facts (safety R2, R13). */
import { sliceVoxels, type Volume } from '../assembly/volume.ts';
import { type Reason, type ReasonCode, reason, type Skipped } from '../reasons.ts';
import type { ModelCard } from './model-package.ts';
import { inputGrid } from './prepare.ts';

/** Undefined where the model may run; otherwise the first reason against it. */
export function gateVolume(volume: Volume, card: ModelCard): Skipped | undefined {
  const checks = [wrongModality, wrongBodyPart, wrongSlices, tooSmall, tooLarge, wrongValues];
  for (const check of checks) {
    const found = check(volume, card);
    if (found !== undefined) return { skipped: found };
  }
  return undefined;
}

function wrongModality(volume: Volume, card: ModelCard): Reason | undefined {
  if (!card.intendedUse.some((use) => use.modality === volume.modality))
    return reason('wrong-modality', volume.modality);
  if (volume.units !== card.input.units) {
    const found = volume.units === 'none' ? 'values have no unit' : `values are in ${volume.units}`;
    return reason('outside-model-limits', `${found}, the model reads ${card.input.units}`);
  }
  return undefined;
}

/** Only a tag that contradicts counts; an absent or unknown one is judged by the pixels, after the model has run. */
function wrongBodyPart({ header }: Volume, card: ModelCard): Reason | undefined {
  const named = (header.bodyPartExamined ?? '').toUpperCase().replace(/[^A-Z]/g, '');
  if (!card.input.gate.refusedBodyParts.includes(named)) return undefined;
  return reason('wrong-body-part', `Body Part Examined is ${named}`);
}

function wrongSlices({ shape, spacing, header }: Volume, card: ModelCard): Reason | undefined {
  const { minimumSlices, maximumSpacingMm } = card.input.gate;
  if (shape[0] < minimumSlices) return reason('too-few-slices', `${shape[0]} slices, the model needs ${minimumSlices}`);
  const thickest = Math.max(...card.intendedUse.map((use) => use.sliceThicknessMm.maximum));
  const thickness = header.frames[0]?.sliceThickness;
  if (thickness !== undefined && thickness > thickest)
    return reason('slice-too-thick', `${millimetres(thickness)}, the model reads up to ${millimetres(thickest)}`);
  return limits(spacing, maximumSpacingMm, (mm, limit, axis) =>
    mm > limit
      ? [
          axis === 'slice' ? 'slice-too-thick' : 'outside-model-limits',
          `${axis} spacing ${millimetres(mm)}, limit ${millimetres(limit)}`,
        ]
      : undefined,
  );
}

function tooSmall({ shape, spacing }: Volume, card: ModelCard): Reason | undefined {
  const extent = shape.map((size, axis) => size * spacing[axis]!);
  return limits(extent, card.input.gate.minimumExtentMm, (mm, limit, axis) =>
    mm < limit
      ? ['coverage-insufficient', `${millimetres(mm)} along the ${axis} axis, the model needs ${millimetres(limit)}`]
      : undefined,
  );
}

function tooLarge(volume: Volume, card: ModelCard): Reason | undefined {
  const { shape } = inputGrid(volume, card.input);
  return limits(shape, card.input.maximumShape, (size, limit, axis) =>
    size > limit ? ['outside-model-limits', `${size} grid points along the ${axis} axis, limit ${limit}`] : undefined,
  );
}

const AXES = ['slice', 'row', 'column'] as const;

function limits(
  values: readonly number[],
  bounds: readonly number[],
  broken: (value: number, bound: number, axis: (typeof AXES)[number]) => readonly [ReasonCode, string] | undefined,
): Reason | undefined {
  for (const [axis, name] of AXES.entries()) {
    const found = broken(values[axis]!, bounds[axis]!, name);
    if (found !== undefined) return reason(...found);
  }
  return undefined;
}

/** Voxels looked at; the shares asked for are percents, so a sample is enough. */
const SAMPLE = 200_000;

function wrongValues(volume: Volume, card: ModelCard): Reason | undefined {
  const wanted = card.input.gate.values;
  const counts = wanted.map(() => 0);
  const [slices, rows, columns] = volume.shape;
  const step = Math.max(1, Math.floor((slices * rows * columns) / SAMPLE));
  let looked = 0;
  for (let k = 0; k < slices; k++) {
    const voxels = sliceVoxels(volume, k);
    const { slope, intercept } = volume.slices[k]!;
    // a different start in every slice, so that the sample does not follow columns
    for (let i = (k * 7919) % step; i < voxels.length; i += step) {
      const value = voxels[i]! * slope + intercept;
      looked++;
      for (let w = 0; w < wanted.length; w++) if (value >= wanted[w]!.low && value <= wanted[w]!.high) counts[w]!++;
    }
  }
  const missing = wanted.findIndex((share, w) => (100 * counts[w]!) / looked < share.minimumPercent);
  if (missing < 0) return undefined;
  const { meaning, minimumPercent } = wanted[missing]!;
  const percent = ((100 * counts[missing]!) / looked).toFixed(1);
  return reason(
    'outside-model-limits',
    `${percent} % of the voxels are ${meaning}, expected at least ${minimumPercent} %`,
  );
}

function millimetres(value: number): string {
  return `${value.toFixed(1)} mm`;
}
