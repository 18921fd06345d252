/** From a volume, a grid and an intensity step to the plain numbers that the kernel works with. */
import type { Point3 } from '../../src/arrival/study.ts';
import { axisStep, composeAffine, invertAffine, originOf } from '../../src/assembly/geometry.ts';
import type { Grid, IntensityStep } from '../../src/assembly/grid.ts';
import { isPlain, PLAIN_LAYOUT, type Strides, stridesOf } from '../../src/assembly/layout.ts';
import type { Volume } from '../../src/assembly/volume.ts';

/** Over the whole grid, axes may drift by this part of a voxel and still count as parallel. */
const PARALLEL_TOLERANCE = 1e-3;

export interface ResamplePlan {
  /** Of the volume and of the result, `[slices, rows, columns]`. */
  readonly source: readonly [number, number, number];
  readonly shape: readonly [number, number, number];
  /** Per slice of the volume: bytes from the start of the voxels, slope, intercept. */
  readonly planes: readonly { readonly offset: number; readonly slope: number; readonly intercept: number }[];
  /** Volume index of the result's first voxel, and the steps per result slice, row and column. */
  readonly start: Point3;
  readonly perSlice: Point3;
  readonly perRow: Point3;
  readonly perColumn: Point3;
  /**
   * Rows of the result run along rows of the volume, columns along columns: one blended row serves a whole result row.
   * Rows and columns may shift from slice to slice, as they do under gantry tilt.
   */
  readonly parallel: boolean;
  readonly step: IntensityStep;
  /** Where a point of the result lies, in elements. */
  readonly strides: Strides;
  /** One channel, slice after slice: a slice is written straight to its place. */
  readonly plain: boolean;
  /** Voxel values without image; `low > high` where there are none. */
  readonly padding: { readonly low: number; readonly high: number };
}

export function resamplePlan(volume: Volume, grid: Grid, step: IntensityStep): ResamplePlan {
  const [, rows, columns] = volume.shape;
  const toIndex = composeAffine(invertAffine(volume.affine), grid.affine);
  const [perSlice, perRow, perColumn] = [axisStep(toIndex, 0), axisStep(toIndex, 1), axisStep(toIndex, 2)];
  const [, height, width] = grid.shape;
  const drift = Math.max(
    Math.abs(perRow[0]) * height,
    Math.abs(perRow[2]) * height,
    Math.abs(perColumn[0]) * width,
    Math.abs(perColumn[1]) * width,
  );
  const strides = stridesOf(step.layout ?? PLAIN_LAYOUT, grid.shape, channelsOf(step));
  return {
    source: volume.shape,
    shape: grid.shape,
    planes: volume.slices.map(({ slot, slope, intercept }) => ({
      offset: volume.voxels.byteOffset + slot * rows * columns * 2,
      slope,
      intercept,
    })),
    start: originOf(toIndex),
    perSlice,
    perRow,
    perColumn,
    parallel: drift < PARALLEL_TOLERANCE,
    step,
    strides,
    plain: channelsOf(step) === 1 && isPlain(strides, grid.shape),
    padding: volume.padding ?? { low: 1, high: 0 },
  };
}

export function channelsOf(step: IntensityStep): number {
  return step.datatype === 'INT16' ? 1 : step.channels.length;
}

/** Volume index of the first voxel of a result slice. */
export function sliceStart({ start, perSlice }: ResamplePlan, slice: number): Point3 {
  return [start[0] + slice * perSlice[0], start[1] + slice * perSlice[1], start[2] + slice * perSlice[2]];
}

/** Where results along one axis come from. A result lies within the volume up to half a voxel beyond the outer centres. */
export interface AxisTable {
  /** First and last result within the volume; `first > last` where none is. */
  readonly first: number;
  readonly last: number;
  /** Index of the lower neighbour and weight of the upper one, for `first … last`. */
  readonly lower: Int32Array;
  readonly weight: Float32Array;
}

/**
 * @param size of the source along the axis; result `i` lies at source index `start + i × step`
 * @param snap to the nearest source index
 */
export function axisTable(size: number, count: number, start: number, step: number, snap: boolean): AxisTable {
  const lower = new Int32Array(count);
  const weight = new Float32Array(count);
  let first = count;
  let last = -1;
  for (let i = 0; i < count; i++) {
    const at = start + i * step;
    if (at < -0.5 || at > size - 0.5) continue;
    first = Math.min(first, i);
    last = i;
    const clamped = Math.min(Math.max(at, 0), size - 1);
    lower[i] = Math.min(Math.floor(clamped), Math.max(0, size - 2));
    const share = clamped - lower[i]!;
    weight[i] = snap ? Number(share >= 0.5) : share;
  }
  return { first, last, lower, weight };
}
