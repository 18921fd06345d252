/**
 * From coarse labels to masks and counts at native resolution: pure, one pass, no copy of the volume. Worker threads run
 * {@link refineSlices} on parts of a volume; segment-counter.ts puts the parts together.
 */
import { composeAffine, invertAffine } from '../assembly/geometry.ts';
import { sliceVoxels, type Volume } from '../assembly/volume.ts';
import type { CoarseLabels, RefineRule } from './model-package.ts';
import { type PartStatistics, SegmentCounter } from './segment-counter.ts';

/** What refining reads of a volume. */
export type RefineVolume = Pick<Volume, 'shape' | 'affine' | 'voxels' | 'slices' | 'padding'>;

export interface RefinedSlices {
  /** Per segment of the rule: `(end - first) × ceil(rows × columns / 8)` bytes, least significant bit first. */
  readonly bits: Uint8Array<ArrayBuffer>[];
  /** Per segment of the rule. */
  readonly statistics: PartStatistics[];
}

/**
 * Refines slices `first … end - 1`. A voxel belongs to a segment when the label nearest to its centre is the segment's
 * and its value lies in the rule's range; voxels outside the labels' grid and padding belong to none.
 */
export function refineSlices(
  volume: RefineVolume,
  labels: CoarseLabels,
  rule: RefineRule,
  first: number,
  end: number,
): RefinedSlices {
  const [, rows, columns] = volume.shape;
  const bytesPerSlice = Math.ceil((rows * columns) / 8);
  const counters = rule.segments.map(({ number }) => new SegmentCounter(number, rule));
  const bits = rule.segments.map(() => new Uint8Array((end - first) * bytesPerSlice));
  const segmentOfLabel = new Int8Array(256).fill(-1);
  rule.segments.forEach(({ label }, i) => {
    segmentOfLabel[label] = i;
  });
  const lookup = new LabelLookup(volume, labels);
  const counts = new Uint32Array(rule.segments.length);
  const sums = new Float64Array(rule.segments.length);
  const histograms = counters.map((counter) => counter.histogram);
  for (let k = first; k < end; k++) {
    counts.fill(0);
    sums.fill(0);
    refineSlice(volume, k, lookup, rule, segmentOfLabel, {
      bits: bits.map((all) => all.subarray((k - first) * bytesPerSlice, (k - first + 1) * bytesPerSlice)),
      counts,
      sums,
      histograms,
    });
    counters.forEach((counter, i) => {
      counter.add(k, counts[i]!, sums[i]!);
    });
  }
  return { bits, statistics: counters.map((counter) => counter.statistics()) };
}

/** Where one slice's results go, by segment. */
interface SliceTarget {
  readonly bits: readonly Uint8Array[];
  readonly counts: Uint32Array;
  readonly sums: Float64Array;
  readonly histograms: readonly Uint32Array[];
}

function refineSlice(
  volume: RefineVolume,
  k: number,
  lookup: LabelLookup,
  rule: RefineRule,
  segmentOfLabel: Int8Array,
  { bits, counts, sums, histograms }: SliceTarget,
): void {
  const [, rows, columns] = volume.shape;
  const measure = {
    voxels: sliceVoxels(volume as Volume, k),
    ...volume.slices[k]!,
    ...rule.range,
    ...paddingOf(volume),
  };
  for (let row = 0; row < rows; row++) {
    const runs = lookup.runs(k, row);
    for (let at = 0; at < runs.length; at += 3) {
      const segment = segmentOfLabel[runs[at]!]!;
      if (segment < 0) continue;
      const [from, to] = [row * columns + runs[at + 1]!, row * columns + runs[at + 2]!];
      sums[segment]! += measureRun(measure, from, to, bits[segment]!, histograms[segment]!, counts, segment);
    }
  }
}

function paddingOf({ padding }: RefineVolume): { readonly paddingLow: number; readonly paddingHigh: number } {
  return { paddingLow: padding?.low ?? 1, paddingHigh: padding?.high ?? 0 };
}

interface Measure {
  readonly voxels: Int16Array;
  readonly slope: number;
  readonly intercept: number;
  readonly low: number;
  readonly high: number;
  readonly paddingLow: number;
  readonly paddingHigh: number;
}

/** The innermost loop, over voxels of one label only: typed arrays and locals. @returns the sum of what was counted. */
function measureRun(
  { voxels, slope, intercept, low, high, paddingLow, paddingHigh }: Measure,
  from: number,
  to: number,
  bits: Uint8Array,
  histogram: Uint32Array,
  counts: Uint32Array,
  segment: number,
): number {
  let count = 0;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const voxel = voxels[i]!;
    const value = voxel * slope + intercept;
    if (value < low || value > high || (voxel >= paddingLow && voxel <= paddingHigh)) continue;
    bits[i >> 3]! |= 1 << (i & 7);
    count += 1;
    sum += value;
    histogram[(value - low + 0.5) | 0]! += 1;
  }
  counts[segment]! += count;
  return sum;
}

/** Unaligned by less than this over a whole row, in grid points, is rounding. */
const ALIGNED = 1e-3;
const NONE = new Int32Array(0);

/** Finds the labels nearest to the voxels of a row, as runs of one label. */
class LabelLookup {
  readonly #labels: Uint8Array;
  readonly #shape: readonly [number, number, number];
  /** Image index to grid index, with half a point added so that truncation rounds to the nearest. */
  readonly #toGrid: readonly number[];
  /** Grid column of every image column where rows of both run the same way, as in any axial series; -1 outside. */
  readonly #columns: Int32Array | undefined;
  /** Label, first column and column behind the last, run after run. */
  readonly #runs: Int32Array;
  readonly #rowLabels: Uint8Array;
  /** Rows of an image share rows of the coarser grid: where the last runs were read. */
  #lastStart = -1;
  #last: Int32Array = NONE;

  constructor(volume: RefineVolume, { grid, labels }: CoarseLabels) {
    this.#labels = labels;
    this.#shape = grid.shape;
    this.#toGrid = composeAffine(invertAffine(grid.affine), volume.affine).map((m, i) => (i % 4 === 3 ? m + 0.5 : m));
    this.#columns = this.#alignedColumns(volume.shape);
    this.#rowLabels = new Uint8Array(volume.shape[2]);
    this.#runs = new Int32Array(3 * volume.shape[2]);
  }

  /** Runs of labels other than 0 along row `[k, row, …]`: label, first column, column behind the last; valid until the next call. */
  runs(k: number, row: number): Int32Array {
    if (this.#columns === undefined) return this.#readAcross(k, row);
    const [slices, rows, columns] = this.#shape;
    const m = this.#toGrid;
    const slice = Math.floor(m[0]! * k + m[1]! * row + m[3]!);
    const gridRow = Math.floor(m[4]! * k + m[5]! * row + m[7]!);
    if (slice < 0 || gridRow < 0 || slice >= slices || gridRow >= rows) return NONE;
    const start = (slice * rows + gridRow) * columns;
    if (start !== this.#lastStart) this.#last = this.#readAlong(this.#columns, start);
    this.#lastStart = start;
    return this.#last;
  }

  #alignedColumns([slices, rows, columns]: readonly [number, number, number]): Int32Array | undefined {
    const m = this.#toGrid;
    const drift = Math.max(
      Math.abs(m[2]! * columns),
      Math.abs(m[6]! * columns),
      Math.abs(m[8]! * slices),
      Math.abs(m[9]! * rows),
    );
    if (drift > ALIGNED) return undefined;
    return Int32Array.from({ length: columns }, (_, i) => {
      const column = Math.floor(m[10]! * i + m[11]!);
      return column >= 0 && column < this.#shape[2] ? column : -1;
    });
  }

  #readAlong(gridColumns: Int32Array, start: number): Int32Array {
    const row = this.#rowLabels;
    for (let i = 0; i < row.length; i++) {
      const column = gridColumns[i]!;
      row[i] = column < 0 ? 0 : this.#labels[start + column]!;
    }
    return this.#runsOf(row);
  }

  #readAcross(k: number, row: number): Int32Array {
    const [slices, rows, columns] = this.#shape;
    const labels = this.#labels;
    const target = this.#rowLabels;
    const m = this.#toGrid;
    let slice = m[0]! * k + m[1]! * row + m[3]!;
    let gridRow = m[4]! * k + m[5]! * row + m[7]!;
    let column = m[8]! * k + m[9]! * row + m[11]!;
    const [sliceStep, rowStep, columnStep] = [m[2]!, m[6]!, m[10]!];
    for (let i = 0; i < target.length; i++) {
      let label = 0;
      if (slice >= 0 && gridRow >= 0 && column >= 0 && slice < slices && gridRow < rows && column < columns)
        label = labels[((slice | 0) * rows + (gridRow | 0)) * columns + (column | 0)]!;
      target[i] = label;
      slice += sliceStep;
      gridRow += rowStep;
      column += columnStep;
    }
    return this.#runsOf(target);
  }

  #runsOf(row: Uint8Array): Int32Array {
    const runs = this.#runs;
    let length = 0;
    for (let from = 0; from < row.length; ) {
      const label = row[from]!;
      let to = from + 1;
      while (to < row.length && row[to] === label) to += 1;
      if (label !== 0) {
        runs[length] = label;
        runs[length + 1] = from;
        runs[length + 2] = to;
        length += 3;
      }
      from = to;
    }
    return runs.subarray(0, length);
  }
}
