/** What was counted of a segment: slice by slice in one part of a volume, then over all parts. */
import type { RefineRule, SegmentStatistics } from './model-package.ts';
import type { StoredRange } from './stored-range.ts';

/** Statistics of some slices of a volume. */
export interface PartStatistics extends SegmentStatistics {
  /** Voxels of the segment in {@link SegmentStatistics.largestSlice}. */
  readonly largestSliceVoxels: number;
}

/** Adds up one segment slice by slice. */
export class SegmentCounter {
  readonly #histogram: Uint32Array;
  readonly #segmentNumber: number;
  readonly #histogramLow: number;
  /** Counts of stored values since the rescaling last changed. */
  #stored: { readonly range: StoredRange; readonly counts: Uint32Array } | undefined;
  #voxels = 0;
  #sum = 0;
  #sumOfSquares = 0;
  #largestSlice = -1;
  #largestSliceVoxels = 0;
  #firstSlice = -1;
  #lastSlice = -1;

  constructor(segmentNumber: number, { range }: Pick<RefineRule, 'range'>) {
    this.#segmentNumber = segmentNumber;
    this.#histogramLow = range.low;
    this.#histogram = new Uint32Array(range.high - range.low + 1);
  }

  /** Where stored values of the next slice are to be counted, from the lowest of the range. */
  histogramOf(range: StoredRange): Uint32Array {
    const before = this.#stored?.range;
    if (before?.slope === range.slope && before.intercept === range.intercept) return this.#stored!.counts;
    this.#rescale();
    this.#stored = { range, counts: new Uint32Array(Math.max(range.high - range.low + 1, 0)) };
    return this.#stored.counts;
  }

  add(slice: number, voxels: number): void {
    if (voxels === 0) return;
    this.#voxels += voxels;
    if (this.#firstSlice < 0) this.#firstSlice = slice;
    this.#lastSlice = slice;
    if (voxels <= this.#largestSliceVoxels) return;
    this.#largestSlice = slice;
    this.#largestSliceVoxels = voxels;
  }

  statistics(): PartStatistics {
    this.#rescale();
    return {
      segmentNumber: this.#segmentNumber,
      voxels: this.#voxels,
      sum: this.#sum,
      sumOfSquares: this.#sumOfSquares,
      histogramLow: this.#histogramLow,
      histogram: this.#histogram,
      largestSlice: this.#largestSlice,
      largestSliceVoxels: this.#largestSliceVoxels,
      firstSlice: this.#firstSlice,
      lastSlice: this.#lastSlice,
    };
  }

  /** From counts of stored values to counts of values, their sum and that of their squares. */
  #rescale(): void {
    if (this.#stored === undefined) return;
    const { range, counts } = this.#stored;
    counts.forEach((count, i) => {
      if (count === 0) return;
      const value = (range.low + i) * range.slope + range.intercept;
      this.#sum += count * value;
      this.#sumOfSquares += count * value * value;
      this.#histogram[(value - this.#histogramLow + 0.5) | 0]! += count;
    });
    this.#stored = undefined;
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
    sumOfSquares: a.sumOfSquares + b.sumOfSquares,
    histogramLow: a.histogramLow,
    histogram: a.histogram.map((count, i) => count + b.histogram[i]!),
    largestSlice: largest.largestSlice,
    largestSliceVoxels: largest.largestSliceVoxels,
    firstSlice: a.voxels === 0 ? b.firstSlice : b.voxels === 0 ? a.firstSlice : Math.min(a.firstSlice, b.firstSlice),
    lastSlice: Math.max(a.lastSlice, b.lastSlice),
  };
}
