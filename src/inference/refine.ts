/**
 * From coarse labels to masks and counts at native resolution: pure, one pass, no copy of the volume. Worker threads run
 * {@link refineSlices} on parts of a volume and {@link mergeStatistics} puts the parts together.
 */
import { composeAffine, invertAffine } from '../assembly/geometry.ts';
import { sliceVoxels, type Volume } from '../assembly/volume.ts';
import type { CoarseLabels, RefineRule, SegmentStatistics } from './model-package.ts';

/** What refining reads of a volume. */
export type RefineVolume = Pick<Volume, 'shape' | 'affine' | 'voxels' | 'slices' | 'padding'>;

/** Statistics of some slices of a volume. */
export interface PartStatistics extends SegmentStatistics {
  /** Voxels of the segment in {@link SegmentStatistics.largestSlice}. */
  readonly largestSliceVoxels: number;
}

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
  const counters = rule.segments.map(({ number }) => new Counter(number, rule));
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

/** The innermost loop: typed arrays and locals only. */
function refineSlice(
  volume: RefineVolume,
  k: number,
  lookup: LabelLookup,
  { range }: RefineRule,
  segmentOfLabel: Int8Array,
  { bits, counts, sums, histograms }: SliceTarget,
): void {
  const [, rows, columns] = volume.shape;
  const voxels = sliceVoxels(volume as Volume, k);
  const { slope, intercept } = volume.slices[k]!;
  const { low, high } = range;
  const padding = volume.padding ?? { low: 1, high: 0 };
  const rowLabels = new Uint8Array(columns);
  for (let row = 0; row < rows; row++) {
    if (!lookup.read(k, row, rowLabels)) continue;
    const start = row * columns;
    for (let column = 0; column < columns; column++) {
      const segment = segmentOfLabel[rowLabels[column]!]!;
      if (segment < 0) continue;
      const voxel = voxels[start + column]!;
      const value = voxel * slope + intercept;
      if (value < low || value > high || (voxel >= padding.low && voxel <= padding.high)) continue;
      const bit = start + column;
      bits[segment]![bit >> 3]! |= 1 << (bit & 7);
      counts[segment]! += 1;
      sums[segment]! += value;
      histograms[segment]![(value - low + 0.5) | 0]! += 1;
    }
  }
}

/** Unaligned by less than this over a whole row, in grid points, is rounding. */
const ALIGNED = 1e-3;

/** Reads the labels nearest to the voxels of a row. */
class LabelLookup {
  readonly #labels: Uint8Array;
  readonly #shape: readonly [number, number, number];
  /** Image index to grid index, with half a point added so that truncation rounds to the nearest. */
  readonly #toGrid: readonly number[];
  /** Grid column of every image column where rows of both run the same way, as in any axial series; -1 outside. */
  readonly #columns: Int32Array | undefined;

  constructor(volume: RefineVolume, { grid, labels }: CoarseLabels) {
    this.#labels = labels;
    this.#shape = grid.shape;
    this.#toGrid = composeAffine(invertAffine(grid.affine), volume.affine).map((m, i) => (i % 4 === 3 ? m + 0.5 : m));
    this.#columns = this.#alignedColumns(volume.shape);
  }

  /** Fills `target` with the labels along row `[k, row, …]`; false where there is none but 0. */
  read(k: number, row: number, target: Uint8Array): boolean {
    return this.#columns === undefined
      ? this.#readAcross(k, row, target)
      : this.#readAlong(this.#columns, k, row, target);
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

  #readAlong(gridColumns: Int32Array, k: number, row: number, target: Uint8Array): boolean {
    const [slices, rows, columns] = this.#shape;
    const labels = this.#labels;
    const m = this.#toGrid;
    const slice = Math.floor(m[0]! * k + m[1]! * row + m[3]!);
    const gridRow = Math.floor(m[4]! * k + m[5]! * row + m[7]!);
    if (slice < 0 || gridRow < 0 || slice >= slices || gridRow >= rows) return false;
    const start = (slice * rows + gridRow) * columns;
    let any = 0;
    for (let i = 0; i < target.length; i++) {
      const column = gridColumns[i]!;
      const label = column < 0 ? 0 : labels[start + column]!;
      target[i] = label;
      any |= label;
    }
    return any !== 0;
  }

  #readAcross(k: number, row: number, target: Uint8Array): boolean {
    const [slices, rows, columns] = this.#shape;
    const labels = this.#labels;
    const m = this.#toGrid;
    let slice = m[0]! * k + m[1]! * row + m[3]!;
    let gridRow = m[4]! * k + m[5]! * row + m[7]!;
    let column = m[8]! * k + m[9]! * row + m[11]!;
    const [sliceStep, rowStep, columnStep] = [m[2]!, m[6]!, m[10]!];
    let any = 0;
    for (let i = 0; i < target.length; i++) {
      let label = 0;
      if (slice >= 0 && gridRow >= 0 && column >= 0 && slice < slices && gridRow < rows && column < columns)
        label = labels[((slice | 0) * rows + (gridRow | 0)) * columns + (column | 0)]!;
      target[i] = label;
      any |= label;
      slice += sliceStep;
      gridRow += rowStep;
      column += columnStep;
    }
    return any !== 0;
  }
}

/** Adds up one segment slice by slice. */
class Counter {
  readonly histogram: Uint32Array;
  readonly #segmentNumber: number;
  readonly #histogramLow: number;
  #voxels = 0;
  #sum = 0;
  #largestSlice = -1;
  #largestSliceVoxels = 0;
  #firstSlice = -1;
  #lastSlice = -1;

  constructor(segmentNumber: number, { range }: RefineRule) {
    this.#segmentNumber = segmentNumber;
    this.#histogramLow = range.low;
    this.histogram = new Uint32Array(range.high - range.low + 1);
  }

  add(slice: number, voxels: number, sum: number): void {
    if (voxels === 0) return;
    this.#voxels += voxels;
    this.#sum += sum;
    if (this.#firstSlice < 0) this.#firstSlice = slice;
    this.#lastSlice = slice;
    if (voxels <= this.#largestSliceVoxels) return;
    this.#largestSlice = slice;
    this.#largestSliceVoxels = voxels;
  }

  statistics(): PartStatistics {
    return {
      segmentNumber: this.#segmentNumber,
      voxels: this.#voxels,
      sum: this.#sum,
      histogramLow: this.#histogramLow,
      histogram: this.histogram,
      largestSlice: this.#largestSlice,
      largestSliceVoxels: this.#largestSliceVoxels,
      firstSlice: this.#firstSlice,
      lastSlice: this.#lastSlice,
    };
  }
}

/** Statistics of a whole volume from those of its parts, which may come in any order; by segment number. */
export function mergeStatistics(parts: readonly (readonly PartStatistics[])[]): PartStatistics[] {
  const bySegment = Map.groupBy(parts.flat(), (part) => part.segmentNumber);
  return [...bySegment.values()].map((same) => same.reduce(mergeTwo)).sort((a, b) => a.segmentNumber - b.segmentNumber);
}

function mergeTwo(a: PartStatistics, b: PartStatistics): PartStatistics {
  const [earlier, later] = a.largestSlice <= b.largestSlice ? [a, b] : [b, a];
  const largest = later.largestSliceVoxels > earlier.largestSliceVoxels ? later : earlier;
  return {
    segmentNumber: a.segmentNumber,
    voxels: a.voxels + b.voxels,
    sum: a.sum + b.sum,
    histogramLow: a.histogramLow,
    histogram: a.histogram.map((count, i) => count + b.histogram[i]!),
    largestSlice: largest.largestSlice,
    largestSliceVoxels: largest.largestSliceVoxels,
    firstSlice: a.voxels === 0 ? b.firstSlice : b.voxels === 0 ? a.firstSlice : Math.min(a.firstSlice, b.firstSlice),
    lastSlice: Math.max(a.lastSlice, b.lastSlice),
  };
}
