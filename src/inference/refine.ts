/**
 * From coarse labels to masks and counts at native resolution: pure, one pass, no copy of the volume. Worker threads run
 * {@link refineSlices} on parts of a volume; segment-counter.ts puts the parts together.
 */
import { type Raster, sliceVoxels } from '../assembly/volume.ts';
import { LabelLookup } from './label-lookup.ts';
import type { CoarseLabels, RefineRule } from './model-package.ts';
import { type PartStatistics, SegmentCounter } from './segment-counter.ts';
import { type StoredRange, storedRange } from './stored-range.ts';

/** What refining reads of a volume, or of one image. */
export type RefineVolume = Pick<Raster, 'shape' | 'affine' | 'voxels' | 'slices' | 'padding'>;

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
  for (let k = first; k < end; k++) {
    const stored = storedRange(volume.slices[k]!, rule.range, volume.padding);
    counts.fill(0);
    refineSlice(volume, k, lookup, stored, segmentOfLabel, {
      bits: bits.map((all) => all.subarray((k - first) * bytesPerSlice, (k - first + 1) * bytesPerSlice)),
      histograms: counters.map((counter) => counter.histogramOf(stored)),
      counts,
    });
    counters.forEach((counter, i) => {
      counter.add(k, counts[i]!);
    });
  }
  return { bits, statistics: counters.map((counter) => counter.statistics()) };
}

/** Where one slice's results go, by segment. */
interface SliceTarget {
  readonly bits: readonly Uint8Array[];
  /** Counts of stored values, from the lowest of the range. */
  readonly histograms: readonly Uint32Array[];
  readonly counts: Uint32Array;
}

function refineSlice(
  volume: RefineVolume,
  k: number,
  lookup: LabelLookup,
  stored: StoredRange,
  segmentOfLabel: Int8Array,
  { bits, histograms, counts }: SliceTarget,
): void {
  const [, rows, columns] = volume.shape;
  const voxels = sliceVoxels(volume, k);
  for (let row = 0; row < rows; row++) {
    const runs = lookup.runs(k, row);
    for (let at = 0; at < runs.length; at += 3) {
      const segment = segmentOfLabel[runs[at]!]!;
      if (segment < 0) continue;
      const [from, to] = [row * columns + runs[at + 1]!, row * columns + runs[at + 2]!];
      counts[segment]! += countRun(voxels, from, to, stored, bits[segment]!, histograms[segment]!);
    }
  }
}

/**
 * The innermost loop, over voxels of one label only: whole numbers, typed arrays and locals; a byte of the mask is
 * written once.
 * @returns how many voxels belong to the segment.
 */
function countRun(
  voxels: Int16Array,
  from: number,
  to: number,
  { low, high, paddingLow, paddingHigh }: StoredRange,
  bits: Uint8Array,
  histogram: Uint32Array,
): number {
  let count = 0;
  let byte = 0;
  for (let i = from; i < to; i++) {
    const voxel = voxels[i]!;
    if (voxel >= low && voxel <= high && (voxel < paddingLow || voxel > paddingHigh)) {
      byte |= 1 << (i & 7);
      count += 1;
      histogram[voxel - low]! += 1;
    }
    if ((i & 7) === 7) {
      bits[i >> 3]! |= byte;
      byte = 0;
    }
  }
  if (byte !== 0) bits[to >> 3]! |= byte;
  return count;
}
