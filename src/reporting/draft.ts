/**
 * From findings to a draft in sections. Every sentence names the findings that it rests on; nothing is said that no
 * finding supports, and every copy says that it is an unverified AI draft. What a model's draft says beyond its findings
 * is declared in its card. Nothing is averaged over models, and no model speaks for another.
 */
import type { StudyHeader } from '../arrival/study.ts';
import {
  type Code,
  DIAGNOSTIC_IMAGING_STUDY,
  SECTION_FINDINGS,
  SECTION_IMPRESSION,
  SECTION_TECHNIQUE,
  sameCode,
} from '../codes.ts';
import { WetreadError } from '../errors.ts';
import type { ModelCard } from '../inference/model-package.ts';
import type { Reading } from '../inference/reading.ts';
import { filledSlots } from '../inference/slots.ts';
import { techniqueText } from './acquisition.ts';
import { caveatsOf } from './caveats.ts';
import { disagreements } from './disagreement.ts';
import { findingPath, findingText } from './finding-text.ts';
import { generatedSentences } from './generated-text.ts';
import { impressionOf } from './impression.ts';
import { placeText } from './place-text.ts';
import type { Report, ReportProvenance, ReportSection, Sentence, UnavailableModel } from './report.ts';
import { unavailableText } from './unavailable.ts';

/** What a draft says of a reading, and as its card declares. */
export type DraftedReading = Pick<Reading, 'images' | 'given' | 'findings' | 'text'> & {
  readonly model: { readonly card: Pick<ModelCard, 'title' | 'intendedUse' | 'report' | 'caveats' | 'licence'> };
};

export interface DraftInput {
  readonly study: StudyHeader;
  /** At least one, in the order in which they are told; a model has at most one. */
  readonly readings: readonly DraftedReading[];
  /** Models that gave no result: with any, the draft says that it is partial. */
  readonly unavailable?: readonly UnavailableModel[];
  readonly provenance: ReportProvenance;
}

/** @throws WetreadError `internal` without a reading, or where a model reads twice: its findings would have one name */
export function draft({ study, readings, unavailable = [], provenance }: DraftInput): Report {
  const [first, ...others] = readings;
  if (first === undefined) throw new WetreadError('internal', 'A draft needs a reading');
  const names = readings.map(({ findings }) => findings.algorithm.name);
  if (new Set(names).size < names.length) throw new WetreadError('internal', 'A model reads a study once');
  return {
    schemaVersion: 1,
    studyInstanceUid: study.studyInstanceUid,
    status: 'draft',
    label: draftLabel(readings, provenance),
    title: `${titleOf(readings)}: AI draft, not verified`,
    procedure: procedureOf(readings),
    sections: sectionsOf(readings, unavailable),
    readings: [first.findings, ...others.map(({ findings }) => findings)],
    unavailable: [...unavailable],
    caveats: [...new Set(readings.flatMap(caveatsOf))],
    provenance,
  };
}

/** Safety R23: names AI origin, package, version and state, and survives copying as text. R6: says what a licence bounds. */
function draftLabel(readings: readonly DraftedReading[], provenance: ReportProvenance): string {
  const algorithms = readings.map(({ findings: { algorithm } }) => `${algorithm.name} ${algorithm.version}`);
  const isBounded = readings.some(({ model: { card } }) => card.licence.clinicalUse !== 'allowed');
  const bound = isBounded ? ', research use only' : '';
  return `AI draft, not verified by a radiologist${bound} (${algorithms.join(', ')}, ${provenance.software.name} ${provenance.software.version}).`;
}

function titleOf(readings: readonly DraftedReading[]): string {
  return [...new Set(readings.map(({ model: { card } }) => card.report?.title ?? card.title))].join(', ');
}

/** That of all models; of different ones the code that covers any. */
function procedureOf(readings: readonly DraftedReading[]): Code {
  const [first, ...others] = readings.map(({ model: { card } }) => card.report?.procedure ?? DIAGNOSTIC_IMAGING_STUDY);
  return first !== undefined && others.every((other) => sameCode(first, other)) ? first : DIAGNOSTIC_IMAGING_STUDY;
}

function sectionsOf(
  readings: readonly DraftedReading[],
  unavailable: readonly UnavailableModel[],
): [ReportSection, ...ReportSection[]] {
  const bySeries = new Map(readings.toReversed().map((reading) => [reading.images.seriesInstanceUid, reading]));
  const distinct = readings.filter((reading) => bySeries.get(reading.images.seriesInstanceUid) === reading);
  const several = readings.length + unavailable.length > 1;
  const saidBy = ({ findings }: DraftedReading, sentences: readonly Sentence[]): readonly Sentence[] =>
    several ? sentences.map((one) => ({ ...one, text: `[${findings.algorithm.name}] ${one.text}` })) : sentences;
  return [
    {
      key: 'technique',
      heading: 'Technique',
      code: SECTION_TECHNIQUE,
      sentences: [...distinct.map(technique), ...readings.flatMap(givenBeside)],
    },
    {
      key: 'findings',
      heading: 'Findings',
      code: SECTION_FINDINGS,
      sentences: readings.flatMap((reading) => saidBy(reading, describe(reading))),
    },
    {
      key: 'impression',
      heading: 'Impression',
      code: SECTION_IMPRESSION,
      sentences: [
        ...unavailable.map((one): Sentence => ({ text: unavailableText(one), findingKeys: [], notice: 'partial' })),
        ...disagreements(readings.map(({ findings }) => findings)),
        ...readings.flatMap((reading) => saidBy(reading, impression(reading))),
      ],
    },
  ];
}

/** The body part is that of the model that read the series first. */
function technique(reading: DraftedReading): Sentence {
  return { text: techniqueText(reading.images, bodyPartOf(reading)), findingKeys: [] };
}

/** Which further series filled which slot of the model. */
function givenBeside(reading: DraftedReading): readonly Sentence[] {
  const { name } = reading.findings.algorithm;
  return filledSlots(reading.given ?? []).map(({ slot: { meaning }, volume }) => {
    const { seriesNumber } = volume.header;
    const which = seriesNumber === undefined ? 'another series' : `series ${seriesNumber}`;
    return {
      text: `${meaning} for ${name}: ${which}, ${techniqueText(volume, bodyPartOf(reading))}`,
      findingKeys: [],
    };
  });
}

function bodyPartOf({ images, model: { card } }: DraftedReading): string {
  const use = card.intendedUse.find(({ modality }) => modality === images.modality) ?? card.intendedUse[0];
  return use.bodyPart.meaning;
}

function describe(reading: DraftedReading): readonly Sentence[] {
  const { algorithm, findings } = reading.findings;
  if (reading.text !== undefined) return generatedSentences(reading, reading.text, 'findings');
  return findings.map((finding) => ({
    text: findingText(finding, placeText(finding, reading.images)),
    findingKeys: [findingPath(algorithm, finding)],
  }));
}

function impression(reading: DraftedReading): readonly Sentence[] {
  const { findings, images, model } = reading;
  if (reading.text !== undefined) return generatedSentences(reading, reading.text, 'impression');
  return impressionOf(findings, images, model.card.report);
}

/** The draft as plain text; the label stands first and last, so that no part of a copy goes without it. */
export function reportText(report: Report): string {
  const sections = report.sections.map(
    (s) => `${s.heading.toUpperCase()}\n${s.sentences.map((t) => t.text).join('\n')}`,
  );
  const caveats = report.caveats.length === 0 ? [] : [`LIMITS\n${report.caveats.join('\n')}`];
  return [report.label, report.title, ...sections, ...caveats, report.label].join('\n\n');
}
