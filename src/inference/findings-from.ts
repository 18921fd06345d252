/** From counts to findings: the measures that the card declares, in codes and units, with evidence. */
import { type Volume, voxelMilliliters } from '../assembly/volume.ts';
import { WetreadError } from '../errors.ts';
import type { Finding, Findings, InstanceReference, Measurement } from './findings.ts';
import type { LabelMapOutput, ModelPackage, SegmentStatistics } from './model-package.ts';
import type { OutputReading } from './reading.ts';
import { mergeStatistics, type PartStatistics } from './segment-counter.ts';

type FindingRule = LabelMapOutput['findings'][number];
type MeasureRule = FindingRule['measures'][number];

/** No value: the segment is empty (PS3.16 CID 42). */
const NOT_AVAILABLE = { value: '114006', scheme: 'DCM', meaning: 'Measurement failure' } as const;

/** What a model says of a volume. @param provider execution provider that ran it: part of what a reading can be repeated from. */
export function findingsOf(
  volume: Volume,
  { card, digest }: ModelPackage,
  said: readonly OutputReading[],
  provider: string,
): Findings {
  const [first, ...others] = volume.slices.map((_, k) => referenceTo(volume, k));
  const { name, version, input } = card;
  const parameters = {
    provider,
    'grid-spacing': `${input.spacingMm} mm`,
    ...Object.fromEntries(said.flatMap((reading) => Object.entries(reading.parameters))),
  };
  const notes = said.flatMap((reading) => reading.notes ?? []);
  return {
    algorithm: { name, version, digest, parameters },
    seriesInstanceUid: volume.seriesInstanceUid,
    evidence: [first!, ...others],
    findings: said.flatMap(({ findings }) => findings),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/** Findings of outlined regions. @param statistics one per segment number of the card. */
export function outlinedFindings(
  volume: Volume,
  { findings }: LabelMapOutput,
  statistics: readonly SegmentStatistics[],
): readonly Finding[] {
  return findings.map((rule) => findingFrom(volume, rule, statistics));
}

/** A frame is named only in objects that have several (PS3.3 10.3, Referenced Frame Number). */
export function referenceTo(volume: Volume, k: number): InstanceReference {
  const { sopInstanceUid, sopClassUid, frameNumber } = volume.slices[k]!;
  return { sopInstanceUid, sopClassUid, ...(volume.header.numberOfFrames > 1 ? { frameNumber } : {}) };
}

function findingFrom(volume: Volume, rule: FindingRule, statistics: readonly SegmentStatistics[]): Finding {
  const parts = rule.segments.map((number) => statisticsOf(statistics, number));
  const counted = parts.length === 1 ? parts[0]! : together(parts);
  const { key, category, concept, site, laterality } = rule;
  return {
    key,
    category,
    concept,
    ...(site === undefined ? {} : { site }),
    ...(laterality === undefined ? {} : { laterality }),
    ...(rule.segments.length === 1 ? { segmentNumber: rule.segments[0] } : {}),
    measurements: rule.measures.map((measure) => measurementOf(measure, counted, voxelMilliliters(volume))),
    evidence: counted.voxels === 0 ? [] : [referenceTo(volume, counted.largestSlice)],
  };
}

function statisticsOf(statistics: readonly SegmentStatistics[], number: number): SegmentStatistics {
  const found = statistics.find((one) => one.segmentNumber === number);
  if (found === undefined) throw new WetreadError('internal', `Segment ${number} was not measured`);
  return found;
}

/** Several segments measured as one; the largest of them shows the evidence. */
function together(parts: readonly SegmentStatistics[]): SegmentStatistics {
  const same = parts.map((part): PartStatistics => ({ ...part, segmentNumber: 0, largestSliceVoxels: part.voxels }));
  return mergeStatistics([same])[0]!;
}

function measurementOf(rule: MeasureRule, counted: SegmentStatistics, voxelMl: number): Measurement {
  const { key, concept, name, tolerance, derivation, unit } = rule;
  const base = {
    key,
    concept,
    unit,
    ...(name === undefined ? {} : { name }),
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(derivation === undefined ? {} : { derivation }),
    ...(rule.kind === 'fraction-below' ? { threshold: rule.threshold } : {}),
  };
  if (counted.voxels === 0) return { ...base, qualifier: NOT_AVAILABLE };
  return { ...base, value: rounded(measured(rule, counted, voxelMl), rule.decimals) };
}

function measured(rule: MeasureRule, counted: SegmentStatistics, voxelMl: number): number {
  switch (rule.kind) {
    case 'volume':
      return counted.voxels * voxelMl;
    case 'mean':
      return counted.sum / counted.voxels;
    case 'percentile':
      return percentile(counted, rule.percent);
    case 'fraction-below':
      return (100 * countBelow(counted, rule.threshold.value)) / counted.voxels;
  }
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

function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
