/** Size, shape and values of regions at native resolution: of a finding's segments as a whole, and of their components. */
import { type Raster, sliceVoxels } from '../../assembly/volume.ts';
import type { RefineRule, SegmentStatistics } from '../model-package.ts';
import { SegmentCounter } from '../segment-counter.ts';
import { storedRange } from '../stored-range.ts';
import { componentsOf, visitRuns } from './components.ts';
import type { Mask } from './mask-runs.ts';
import { RegionOutline, type RegionShape } from './region-shape.ts';

/** What measuring reads of a volume, or of one image. */
export type MeasuredVolume = Pick<Raster, 'shape' | 'affine' | 'voxels' | 'slices' | 'padding'>;

/** What is to be measured of one mask. */
export interface RegionRule {
  /** Numbers of the segments that are taken as one. */
  readonly segments: readonly number[];
  /** Is the shape of the whole asked for? */
  readonly shape: boolean;
  readonly components?: { readonly minimumVoxels: number; readonly atMost: number };
  /** Values (units) that are counted; those of every voxel of the mask lie in it. */
  readonly range: RefineRule['range'];
}

export interface MeasuredComponent {
  readonly statistics: SegmentStatistics;
  readonly shape: RegionShape;
}

export interface MeasuredRegion {
  /** Of the whole; absent where it was not asked for, or is empty. */
  readonly shape?: RegionShape;
  /** Present where the rule asks for them. */
  readonly components?: {
    /** Of at least the size asked for; more than are listed where there are many. */
    readonly count: number;
    /** The largest first. */
    readonly listed: readonly MeasuredComponent[];
  };
}

/** Is there anything to measure that refining has not counted? */
export function asksForMore({ shape, components }: RegionRule): boolean {
  return shape || components !== undefined;
}

export function measureRegion(volume: MeasuredVolume, mask: Mask, rule: Omit<RegionRule, 'segments'>): MeasuredRegion {
  const shape = rule.shape ? shapeOf(volume, mask) : undefined;
  const components = rule.components && measureComponents(volume, mask, rule.components, rule.range);
  return { ...(shape && { shape }), ...(components && { components }) };
}

function shapeOf({ shape: [, rows], affine }: MeasuredVolume, mask: Mask): RegionShape | undefined {
  const outline = new RegionOutline(rows);
  visitRuns(
    mask,
    (_slice, row, from, end) => outline.add(row, from, end),
    (slice) => outline.endSlice(slice),
  );
  return outline.shape(affine);
}

function measureComponents(
  volume: MeasuredVolume,
  mask: Mask,
  limits: NonNullable<RegionRule['components']>,
  range: RefineRule['range'],
): NonNullable<MeasuredRegion['components']> {
  const found = componentsOf(mask, limits);
  const counters = found.voxels.map((_, at) => new ComponentCounter(volume, at + 1, range));
  found.visit(
    (slice, row, from, end, at) => counters[at]!.add(slice, row, from, end),
    (slice) => {
      for (const counter of counters) counter.endSlice(slice);
    },
  );
  return { count: found.count, listed: counters.map((counter) => counter.measured()) };
}

/** The values of one slice, and where they are counted. */
interface SliceValues {
  readonly voxels: Int16Array;
  /** Stored value of the first count. */
  readonly low: number;
  readonly histogram: Uint32Array;
}

class ComponentCounter {
  readonly #volume: MeasuredVolume;
  readonly #range: RefineRule['range'];
  readonly #values: SegmentCounter;
  readonly #outline: RegionOutline;
  /** Of the slice that is being added. */
  #slice: SliceValues | undefined;
  #count = 0;

  constructor(volume: MeasuredVolume, number: number, range: RefineRule['range']) {
    this.#volume = volume;
    this.#range = range;
    this.#values = new SegmentCounter(number, { range });
    this.#outline = new RegionOutline(volume.shape[1]);
  }

  add(slice: number, row: number, from: number, end: number): void {
    this.#slice ??= this.#begin(slice);
    const { voxels, low, histogram } = this.#slice;
    const start = row * this.#volume.shape[2];
    for (let i = start + from; i < start + end; i++) histogram[voxels[i]! - low]! += 1;
    this.#count += end - from;
    this.#outline.add(row, from, end);
  }

  #begin(slice: number): SliceValues {
    const stored = storedRange(this.#volume.slices[slice]!, this.#range, this.#volume.padding);
    return {
      voxels: sliceVoxels(this.#volume, slice),
      low: stored.low,
      histogram: this.#values.histogramOf(stored),
    };
  }

  endSlice(slice: number): void {
    this.#values.add(slice, this.#count);
    this.#outline.endSlice(slice);
    this.#slice = undefined;
    this.#count = 0;
  }

  measured(): MeasuredComponent {
    return { statistics: this.#values.statistics(), shape: this.#outline.shape(this.#volume.affine)! };
  }
}
