/** A range of values in units, as the stored values of a slice: rescaling is undone once and not voxel by voxel. */
import type { Volume } from '../assembly/volume.ts';
import type { RefineRule } from './model-package.ts';

export interface StoredRange {
  /** Lowest and highest stored value of which the rescaled value lies in the range; empty where `low > high`. */
  readonly low: number;
  readonly high: number;
  /** Stored values that carry no image; none where `paddingLow > paddingHigh`. */
  readonly paddingLow: number;
  readonly paddingHigh: number;
  readonly slope: number;
  readonly intercept: number;
}

const INT16 = { low: -0x8000, high: 0x7fff };

export function storedRange(
  { slope, intercept }: Pick<Volume['slices'][number], 'slope' | 'intercept'>,
  { low, high }: RefineRule['range'],
  padding: Volume['padding'],
): StoredRange {
  const ends = [(low - intercept) / slope, (high - intercept) / slope].sort((a, b) => a - b) as [number, number];
  const isInside = (stored: number): boolean => stored * slope + intercept >= low && stored * slope + intercept <= high;
  // A division may end beside the value that the multiplication meets.
  let from = Math.max(Math.floor(ends[0]), INT16.low);
  let to = Math.min(Math.ceil(ends[1]), INT16.high);
  while (from <= to && !isInside(from)) from += 1;
  while (to >= from && !isInside(to)) to -= 1;
  return { low: from, high: to, paddingLow: padding?.low ?? 1, paddingHigh: padding?.high ?? 0, slope, intercept };
}
