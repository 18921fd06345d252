/** From what was counted and measured in a region to a number in the unit that the card declares. */
import { WetreadError } from '../errors.ts';
import type { Measurement } from './findings.ts';
import type { LabelMapOutput, SegmentStatistics } from './model-package.ts';
import type { RegionShape } from './regions/region-shape.ts';

export type MeasureRule = LabelMapOutput['findings'][number]['measures'][number];

export interface Measured {
  readonly statistics: SegmentStatistics;
  readonly voxelMilliliters: number;
  /** Where a measure needs it, and the region is not empty. */
  readonly shape?: RegionShape;
  /** Components that are large enough, where they were looked for: then an empty region is an answer. */
  readonly count?: number;
}

/** No value: the segment is empty (PS3.16 CID 42). */
export const NOT_AVAILABLE = { value: '114006', scheme: 'DCM', meaning: 'Measurement failure' } as const;

/** Does the measure need the region's shape? */
export function needsShape({ kind }: MeasureRule): boolean {
  return kind === 'diameter' || kind === 'long-axis' || kind === 'short-axis';
}

/** What the card says of a measure, without its value. */
export function measureOf({ key, concept, name, tolerance, derivation, unit }: MeasureRule): Measurement {
  return {
    key,
    concept,
    unit,
    ...(name === undefined ? {} : { name }),
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(derivation === undefined ? {} : { derivation }),
  };
}

export function measurementOf(rule: MeasureRule, measured: Measured): Measurement {
  const base = { ...measureOf(rule), ...(rule.kind === 'fraction-below' ? { threshold: rule.threshold } : {}) };
  const isEmpty = measured.statistics.voxels === 0;
  const isAnswer = measured.count !== undefined && (rule.kind === 'volume' || rule.kind === 'count');
  if (isEmpty && !isAnswer) return { ...base, qualifier: NOT_AVAILABLE };
  return { ...base, value: rounded(measuredValue(rule, measured), rule.decimals) };
}

function measuredValue(rule: MeasureRule, measured: Measured): number {
  const { statistics, voxelMilliliters } = measured;
  switch (rule.kind) {
    case 'volume':
      return statistics.voxels * voxelMilliliters;
    case 'mean':
      return statistics.sum / statistics.voxels;
    case 'standard-deviation':
      return standardDeviation(statistics);
    case 'minimum':
      return statistics.histogramLow + statistics.histogram.findIndex((count) => count > 0);
    case 'maximum':
      return statistics.histogramLow + statistics.histogram.findLastIndex((count) => count > 0);
    case 'percentile':
      return percentile(statistics, rule.percent);
    case 'fraction-below':
      return (100 * countBelow(statistics, rule.threshold.value)) / statistics.voxels;
    case 'diameter':
      return required(measured.shape, rule).diameterMm;
    case 'long-axis':
      return required(measured.shape, rule).longAxisMm;
    case 'short-axis':
      return required(measured.shape, rule).shortAxisMm;
    case 'count':
      return required(measured.count, rule);
    case 'area':
    case 'area-share':
      throw new WetreadError('internal', `A volume has no ${rule.kind}`);
  }
}

function required<T>(value: T | undefined, { kind }: MeasureRule): T {
  if (value === undefined) throw new WetreadError('internal', `What ${kind} needs was not measured`);
  return value;
}

/** Of the voxels themselves, not of a sample: over n. */
function standardDeviation({ sum, sumOfSquares, voxels }: SegmentStatistics): number {
  const mean = sum / voxels;
  return Math.sqrt(Math.max(0, sumOfSquares / voxels - mean * mean));
}

/** The lowest value (rounded to whole units) that at least this share of the voxels does not exceed. */
function percentile({ histogram, histogramLow, voxels }: SegmentStatistics, percent: number): number {
  const wanted = (percent / 100) * voxels;
  let seen = 0;
  for (let i = 0; i < histogram.length; i++) {
    seen += histogram[i]!;
    if (seen >= wanted) return histogramLow + i;
  }
  return histogramLow + histogram.length - 1;
}

/** Voxels whose value, rounded to whole units, is below the limit. */
function countBelow({ histogram, histogramLow }: SegmentStatistics, limit: number): number {
  const end = Math.min(histogram.length, Math.max(0, Math.ceil(limit) - histogramLow));
  let count = 0;
  for (let i = 0; i < end; i++) count += histogram[i]!;
  return count;
}

export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
