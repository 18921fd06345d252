/** How often each value occurs in an image: what percentiles, extremes, mean and deviation are exact from. */
import type { Raster } from '../assembly/volume.ts';

/** Counts of stored values with one rescaling; item `i` counts the stored value `i - 32768`. */
export interface StoredCounts {
  readonly slope: number;
  readonly intercept: number;
  readonly counts: Uint32Array;
}

/** Stored values are INT16. */
export const STORED_VALUES = 65_536;
const LOWEST_STORED = -32_768;

/** Ascending, in the image's units. */
export interface ValueCounts {
  readonly values: Float64Array;
  /** Of each value; none is 0. */
  readonly counts: Float64Array;
  readonly total: number;
}

/** An image without any value, which is all padding, counts as one of 0. */
export function valueCounts(parts: readonly StoredCounts[]): ValueCounts {
  const byValue = new Map<number, number>();
  for (const { slope, intercept, counts } of parts) {
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!;
      if (count === 0) continue;
      const value = (i + LOWEST_STORED) * slope + intercept;
      byValue.set(value, (byValue.get(value) ?? 0) + count);
    }
  }
  if (byValue.size === 0) byValue.set(0, 1);
  const values = Float64Array.from(byValue.keys()).sort();
  const counts = values.map((value) => byValue.get(value)!);
  return { values, counts, total: counts.reduce((sum, count) => sum + count, 0) };
}

/** Counts slices `first … last - 1`: one item for each rescaling, none for padding. */
export function countSlices(
  { shape: [, rows, columns], slices, voxels, padding }: Pick<Raster, 'shape' | 'slices' | 'voxels' | 'padding'>,
  first: number,
  last: number,
): StoredCounts[] {
  const parts: StoredCounts[] = [];
  for (const { slot, slope, intercept } of slices.slice(first, last)) {
    let part = parts.find((one) => one.slope === slope && one.intercept === intercept);
    if (part === undefined) {
      part = { slope, intercept, counts: new Uint32Array(STORED_VALUES) };
      parts.push(part);
    }
    countStored(voxels.subarray(slot * rows * columns, (slot + 1) * rows * columns), part.counts, padding);
  }
  return parts;
}

/** Adds stored values to counts; those from `padding.low` to `padding.high` are no image. */
export function countStored(stored: Int16Array, counts: Uint32Array, padding: Raster['padding']): void {
  for (let i = 0; i < stored.length; i++) counts[stored[i]! - LOWEST_STORED]! += 1;
  if (padding !== undefined) counts.fill(0, padding.low - LOWEST_STORED, padding.high - LOWEST_STORED + 1);
}

/** Linear between the nearest ranks, as NumPy's default; `percent` from 0 to 100. */
export function percentile(all: ValueCounts, percent: number): number {
  const rank = (percent / 100) * (all.total - 1);
  const below = valueAtRank(all, Math.floor(rank));
  const above = valueAtRank(all, Math.ceil(rank));
  return below + (above - below) * (rank - Math.floor(rank));
}

function valueAtRank({ values, counts }: ValueCounts, rank: number): number {
  let seen = 0;
  for (let i = 0; i < values.length; i++) {
    seen += counts[i]!;
    if (rank < seen) return values[i]!;
  }
  return Number.NaN;
}

/** Of what `change` makes of the values; the deviation is that of the population. */
export function meanAndDeviation(
  { values, counts, total }: ValueCounts,
  change: (value: number) => number,
): { readonly mean: number; readonly standardDeviation: number } {
  const changed = values.map(change);
  const mean = changed.reduce((sum, value, i) => sum + value * counts[i]!, 0) / total;
  const squares = changed.reduce((sum, value, i) => sum + (value - mean) ** 2 * counts[i]!, 0);
  return { mean, standardDeviation: Math.sqrt(squares / total) };
}
