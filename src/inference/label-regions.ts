/** Facts about the labels of a model's answer: what its gate looks at. Counted on the model's grid, before refining. */
import type { Point3 } from '../arrival/study.ts';
import { applyAffine, composeAffine, invertAffine, scale } from '../assembly/geometry.ts';
import type { Volume } from '../assembly/volume.ts';
import type { CoarseLabels, RefineRule } from './model-package.ts';

/** Grid points with one label whose value in the image lies in the refine range. */
export interface Region {
  readonly milliliters: number;
  /** In the image's units; NaN where there is no point. */
  readonly mean: number;
  /** Centre of gravity, mm, LPS; NaN where there is no point. */
  readonly center: Point3;
  /** Along the grid's slice axis, from the first to the last point. */
  readonly heightMm: number;
  /** mm²: within one grid step of the image's first and last slice, and in the grid's fullest slice. */
  readonly firstSliceArea: number;
  readonly lastSliceArea: number;
  readonly largestArea: number;
}

export function regionOf(label: number, labels: CoarseLabels, volume: Volume, range: RefineRule['range']): Region {
  const { shape, spacing, affine } = labels.grid;
  const stepsToEnd = spacing[0] / volume.spacing[0];
  const perSlice = new Float64Array(shape[0]);
  const index: [number, number, number] = [0, 0, 0];
  let [points, sum, first, last, lowest, highest] = [0, 0, 0, 0, shape[0], -1];
  eachPoint(label, labels, volume, (at, imageSlice, value) => {
    if (!(value >= range.low && value <= range.high)) return;
    points++;
    sum += value;
    perSlice[at[0]]! += 1;
    index[0] += at[0];
    index[1] += at[1];
    index[2] += at[2];
    if (imageSlice < stepsToEnd - 0.5) first++;
    if (imageSlice > volume.shape[0] - 0.5 - stepsToEnd) last++;
    lowest = Math.min(lowest, at[0]);
    highest = Math.max(highest, at[0]);
  });
  const area = spacing[1] * spacing[2];
  return {
    milliliters: (points * spacing[0] * area) / 1000,
    mean: sum / points,
    center: applyAffine(affine, scale(index, 1 / points)),
    heightMm: Math.max(0, highest - lowest + 1) * spacing[0],
    firstSliceArea: first * area,
    lastSliceArea: last * area,
    largestArea: Math.max(...perSlice) * area,
  };
}

/**
 * Calls `visit` for every grid point with the label: its index in the grid, the image's slice (with fraction) and the
 * nearest voxel's value, NaN outside the image. The index array is used again for the next point.
 */
function eachPoint(
  label: number,
  { grid, labels }: CoarseLabels,
  volume: Volume,
  visit: (at: readonly [number, number, number], imageSlice: number, value: number) => void,
): void {
  const toImage = composeAffine(invertAffine(volume.affine), grid.affine);
  const [, rows, columns] = grid.shape;
  const at: [number, number, number] = [0, 0, 0];
  for (let i = labels.indexOf(label); i >= 0; i = labels.indexOf(label, i + 1)) {
    at[2] = i % columns;
    at[1] = ((i - at[2]) / columns) % rows;
    at[0] = (i - at[2] - at[1] * columns) / (rows * columns);
    const position = applyAffine(toImage, at);
    visit(at, position[0], valueNear(volume, position));
  }
}

/** The value of the voxel nearest to a position, NaN outside the volume. */
function valueNear({ shape, voxels, slices }: Volume, position: Point3): number {
  const [k, row, column] = [Math.round(position[0]), Math.round(position[1]), Math.round(position[2])];
  const [count, rows, columns] = shape;
  if (k < 0 || row < 0 || column < 0 || k >= count || row >= rows || column >= columns) return Number.NaN;
  const { slot, slope, intercept } = slices[k]!;
  return voxels[(slot * rows + row) * columns + column]! * slope + intercept;
}
