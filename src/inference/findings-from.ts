/** From counts to findings: the measures that the card declares, in codes and units, with evidence. */
import { type Volume, voxelMilliliters } from '../assembly/volume.ts';
import { WetreadError } from '../errors.ts';
import { explain } from '../reasons.ts';
import { conceptOf } from './finding-concept.ts';
import type { Finding, Findings, InstanceReference, SlotReading } from './findings.ts';
import { gridText } from './input-grid.ts';
import { type Measured, measurementOf, needsShape } from './measures.ts';
import type { LabelMapOutput, ModelPackage, RefineRule, SegmentStatistics } from './model-package.ts';
import type { OutputReading } from './reading.ts';
import type { MeasuredComponent, MeasuredRegion, RegionRule } from './regions/measure-regions.ts';
import { mergeStatistics, type PartStatistics } from './segment-counter.ts';
import type { GivenSlot } from './slots.ts';

type FindingRule = LabelMapOutput['findings'][number];
type ComponentRule = NonNullable<FindingRule['components']>;

/**
 * What a model says of a volume.
 * @param provider execution provider that ran it: part of what a reading can be repeated from
 * @param given further series beside the volume
 */
export function findingsOf(
  volume: Volume,
  { card, digest }: ModelPackage,
  said: readonly OutputReading[],
  provider: string,
  given: readonly GivenSlot[] = [],
): Findings {
  const [first, ...others] = referencesTo(volume);
  const [slot, ...slots] = given.map(slotReading);
  const { name, version, input } = card;
  const parameters = {
    provider,
    ...(input.kind === 'volume' ? { 'grid-spacing': gridText(input) } : {}),
    ...Object.fromEntries(given.map((one) => [`slot-${one.slot.name}`, seriesIn(one) ?? 'empty'])),
    ...Object.fromEntries(said.flatMap((reading) => Object.entries(reading.parameters))),
  };
  const notes = [...given.flatMap(emptyNote), ...said.flatMap((reading) => reading.notes ?? [])];
  return {
    algorithm: { name, version, digest, parameters },
    seriesInstanceUid: volume.seriesInstanceUid,
    evidence: [first!, ...others],
    ...(slot === undefined ? {} : { slots: [slot, ...slots] }),
    findings: said.flatMap(({ findings }) => findings),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

function slotReading(given: GivenSlot): SlotReading {
  const { name, meaning } = given.slot;
  return 'volume' in given
    ? { name, meaning, seriesInstanceUid: given.volume.seriesInstanceUid, evidence: [...referencesTo(given.volume)] }
    : { name, meaning, evidence: [], empty: explain(given.empty) };
}

function seriesIn(given: GivenSlot): string | undefined {
  return 'volume' in given ? given.volume.seriesInstanceUid : undefined;
}

function emptyNote(given: GivenSlot): readonly string[] {
  return 'volume' in given ? [] : [`The model did without ${given.slot.meaning}. ${explain(given.empty)}.`];
}

/**
 * What is to be measured of each finding's segments beside what refining counts; in the order of the findings.
 *
 * @param range of the refining, which all values of the segments lie in
 * @param smallest how many voxels a component has at least; fractions count
 */
export function regionRules(
  { findings }: LabelMapOutput,
  { range }: Pick<RefineRule, 'range'>,
  smallest: (rule: ComponentRule) => number,
): readonly RegionRule[] {
  return findings.map(({ segments, measures, components }) => ({
    segments,
    shape: measures.some(needsShape),
    ...(components && {
      // rounding must not set aside a component of just the size asked for
      components: { minimumVoxels: Math.max(1, Math.ceil(smallest(components) - 1e-9)), atMost: components.atMost },
    }),
    range,
  }));
}

/** How many voxels a component has at least. */
export function smallestComponent(volume: Volume): (rule: ComponentRule) => number {
  return ({ minimumMilliliters = 0 }) => minimumMilliliters / voxelMilliliters(volume);
}

/**
 * Findings of outlined regions: of every rule, and then of its components.
 *
 * @param statistics one per segment number of the card
 * @param regions as {@link regionRules} asked for them
 */
export function outlinedFindings(
  volume: Volume,
  { findings }: LabelMapOutput,
  statistics: readonly SegmentStatistics[],
  regions: readonly MeasuredRegion[],
): Pick<OutputReading, 'findings' | 'notes'> {
  const told = findings.map((rule, at): Pick<OutputReading, 'findings' | 'notes'> => {
    const region = regions[at]!;
    const parts = region.components?.listed.map((component, order) => componentFinding(volume, rule, component, order));
    return {
      findings: [findingFrom(volume, rule, statistics, region), ...(parts ?? [])],
      notes: cutShort(rule, region),
    };
  });
  return { findings: told.flatMap((one) => one.findings), notes: told.flatMap(({ notes }) => notes ?? []) };
}

/** Says that there are more components than findings. */
export function cutShort(
  { concept, components }: FindingRule,
  { components: found }: MeasuredRegion,
): readonly string[] {
  if (components === undefined || found === undefined || found.count <= found.listed.length) return [];
  return [`${concept.meaning}: ${found.count} were found; the ${found.listed.length} largest are described.`];
}

/** Every image that the model saw, in the order of the slices. */
function referencesTo(volume: Volume): readonly InstanceReference[] {
  return volume.slices.map((_, k) => referenceTo(volume, k));
}

/** A frame is named only in objects that have several (PS3.3 10.3, Referenced Frame Number). */
export function referenceTo(volume: Volume, k: number): InstanceReference {
  const { sopInstanceUid, sopClassUid, frameNumber } = volume.slices[k]!;
  return { sopInstanceUid, sopClassUid, ...(volume.header.numberOfFrames > 1 ? { frameNumber } : {}) };
}

function findingFrom(
  volume: Volume,
  rule: FindingRule,
  statistics: readonly SegmentStatistics[],
  { shape, components }: MeasuredRegion,
): Finding {
  const counted = statisticsTogether(rule.segments, statistics);
  const measured: Measured = {
    statistics: counted,
    voxelMilliliters: voxelMilliliters(volume),
    ...(shape && { shape }),
    ...(components && { count: components.count }),
  };
  return {
    ...conceptOf(rule),
    key: rule.key,
    ...(components && { presence: components.count > 0 ? 'present' : 'absent' }),
    ...(rule.segments.length === 1 ? { segmentNumber: rule.segments[0] } : {}),
    measurements: rule.measures.map((measure) => measurementOf(measure, measured)),
    evidence: counted.voxels === 0 ? [] : [referenceTo(volume, counted.largestSlice)],
  };
}

/** @param order from 0, the largest first */
function componentFinding(
  volume: Volume,
  rule: FindingRule,
  { statistics, shape }: MeasuredComponent,
  order: number,
): Finding {
  const { key, measures } = rule.components!;
  const measured: Measured = { statistics, shape, voxelMilliliters: voxelMilliliters(volume) };
  const { center, edges } = shape.box;
  return {
    ...conceptOf(rule),
    key: `${key}-${order + 1}`,
    region: {
      kind: 'patient-box',
      frameOfReferenceUid: volume.frameOfReferenceUid,
      center: [...center],
      edges: [[...edges[0]], [...edges[1]], [...edges[2]]],
    },
    component: { number: order + 1, segmentNumbers: rule.segments },
    measurements: measures.map((measure) => measurementOf(measure, measured)),
    evidence: [referenceTo(volume, statistics.largestSlice)],
  };
}

/** Of segments measured as one. */
export function statisticsTogether(
  segments: readonly number[],
  statistics: readonly SegmentStatistics[],
): SegmentStatistics {
  const parts = segments.map((number) => statisticsOf(statistics, number));
  return parts.length === 1 ? parts[0]! : together(parts);
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
