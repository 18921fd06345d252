/** A volume in windows: where they lie, what they weigh, and how their scores are summed. Pure. */
import type { Strides } from '../assembly/layout.ts';
import type { AxisWeights } from './label-scores.ts';
import type { SlidingWindow } from './model-package.ts';

type Shape3 = readonly [number, number, number];

/** First index of a window along slices, rows and columns. */
export type WindowPlace = Shape3;

/** In the order in which they are run and summed: along the slices last, so that slices are done one after the other. */
export function windowPlaces(grid: Shape3, window: SlidingWindow): readonly WindowPlace[] {
  const [slices, rows, columns] = grid.map((size, axis) => axisPlaces(size, window.shape[axis]!, window));
  return slices!.flatMap((k) => rows!.flatMap((j) => columns!.map((i): WindowPlace => [k, j, i])));
}

/**
 * As few windows as overlap by at least the declared part and by their margins, evenly from edge to edge: none reaches
 * beyond the grid, which is at least as large as a window.
 */
export function axisPlaces(
  size: number,
  window: number,
  { overlap, margin = 0 }: Pick<SlidingWindow, 'overlap' | 'margin'>,
): readonly number[] {
  const step = Math.max(1, Math.min(Math.floor(window * (1 - overlap)), window - 2 * margin));
  const steps = Math.ceil((size - window) / step);
  return Array.from({ length: steps + 1 }, (_, n) => Math.round(steps === 0 ? 0 : (n * (size - window)) / steps));
}

/** Weight of the voxels of a window at `place`: the product of one factor for each axis; 0 within an inner margin. */
export function windowWeights(grid: Shape3, window: SlidingWindow, place: WindowPlace): AxisWeights {
  const along = (axis: 0 | 1 | 2): Float32Array => axisWeights(grid[axis], window.shape[axis], place[axis], window);
  return { slice: along(0), row: along(1), column: along(2) };
}

function axisWeights(size: number, window: number, place: number, rule: SlidingWindow): Float32Array {
  const { blend, margin = 0 } = rule;
  const from = place === 0 ? 0 : margin;
  const until = place + window === size ? window : window - margin;
  return new Float32Array(window).map((_, i) => (i < from || i >= until ? 0 : weightAt(i, window, blend)));
}

/** Standard deviation of the Gaussian, in window sizes, as MONAI and nnU-Net have it. */
const DEVIATION = 1 / 8;
/** Voxels at the edge of a window still count, where no other window covers them. */
const LEAST_WEIGHT = 1e-3;

function weightAt(index: number, size: number, blend: SlidingWindow['blend']): number {
  if (blend === 'constant') return 1;
  const distance = (index - (size - 1) / 2) / (size * DEVIATION);
  return Math.max(Math.exp(-(distance * distance) / 2), LEAST_WEIGHT);
}

/** Sum of the weights of all windows over each index of the grid: what summed scores are to be divided by. */
export function summedWeights(grid: Shape3, window: SlidingWindow): AxisWeights {
  const along = (axis: 0 | 1 | 2): Float32Array => {
    const sum = new Float32Array(grid[axis]);
    for (const place of axisPlaces(grid[axis], window.shape[axis], window)) {
      const weights = axisWeights(grid[axis], window.shape[axis], place, window);
      for (let i = 0; i < weights.length; i++) sum[place + i]! += weights[i]!;
    }
    return sum;
  };
  return { slice: along(0), row: along(1), column: along(2) };
}

/** The scores of one window. */
export interface WindowScores {
  readonly data: Float32Array;
  readonly channels: number;
  /** Of `data`. */
  readonly strides: Strides;
  readonly shape: Shape3;
  readonly weights: AxisWeights;
}

/**
 * Summed scores of as many slices as a window has, `[channels, slices, rows, columns]`: slice `k` of the grid lies at
 * `k % slices`, so that those that are done make room for those to come.
 */
export interface ScoreSum {
  readonly data: Float32Array<SharedArrayBuffer>;
  readonly shape: Shape3;
}

/** Adds slices `first … last - 1` of a window, times their weights, whose first voxel lies at `place` of the grid. */
export function addWindow(
  { data, channels, strides, shape, weights }: WindowScores,
  sum: ScoreSum,
  place: WindowPlace,
  first: number,
  last: number,
): void {
  const [, rows, columns] = shape;
  const [slices, sumRows, sumColumns] = sum.shape;
  for (let c = 0; c < channels; c++) {
    for (let k = first; k < last; k++) {
      for (let j = 0; j < rows; j++) {
        const share = weights.slice[k]! * weights.row[j]!;
        const to = ((c * slices + ((place[0] + k) % slices)) * sumRows + place[1] + j) * sumColumns + place[2];
        addRow(data, c * strides.channel + k * strides.slice + j * strides.row, strides.column, columns, {
          sum: sum.data,
          to,
          share,
          weights: weights.column,
        });
      }
    }
  }
}

interface RowTarget {
  readonly sum: Float32Array;
  readonly to: number;
  readonly share: number;
  readonly weights: Float32Array;
}

function addRow(
  data: Float32Array,
  from: number,
  step: number,
  count: number,
  { sum, to, share, weights }: RowTarget,
): void {
  for (let i = 0; i < count; i++) sum[to + i]! += data[from + i * step]! * (share * weights[i]!);
}
