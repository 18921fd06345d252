/**
 * From findings to a draft in sections. Every sentence names the findings that it rests on; nothing is said that no
 * finding supports, and every copy says that it is an unverified AI draft.
 */
import type { StudyHeader } from '../arrival/study.ts';
import type { Volume } from '../assembly/volume.ts';
import { CT_CHEST, SECTION_FINDINGS, SECTION_IMPRESSION, SECTION_TECHNIQUE } from '../codes.ts';
import { WetreadError } from '../errors.ts';
import type { Algorithm, Finding, Findings, Measurement } from '../inference/findings.ts';
import type { ModelCard } from '../inference/model-package.ts';
import type { Reading } from '../inference/reading.ts';
import { explain } from '../reasons.ts';
import type { Report, ReportProvenance, Sentence } from './report.ts';
import { measurementText, numberText } from './text.ts';

/**
 * Low attenuation area at which the impression speaks of possible emphysema, % of lung voxels below -950 HU. A mark
 * that studies of inspiratory CT commonly use; it triggers a sentence, never a diagnosis.
 */
export const LOW_ATTENUATION_MARK = 5;
/** Density measures are validated on thin slices; above this the draft says so. Millimetres. */
const THICK_SLICE_MM = 2.5;

/** What a draft says of a reading, and with which limits of the model. */
export type DraftedReading = Pick<Reading, 'images' | 'findings'> & {
  readonly model: { readonly card: Pick<ModelCard, 'caveats'> };
};

export interface DraftInput {
  readonly study: StudyHeader;
  /** At least one. */
  readonly readings: readonly DraftedReading[];
  readonly provenance: ReportProvenance;
}

export function draft({ study, readings, provenance }: DraftInput): Report {
  const [first, ...others] = readings;
  if (first === undefined) throw new WetreadError('internal', 'A draft needs a reading');
  const distinct = [...new Map(readings.map(({ images }) => [images.seriesInstanceUid, images])).values()];
  const caveats = readings.flatMap(({ images, model }) => [...acquisitionCaveats(images), ...model.card.caveats]);
  return {
    schemaVersion: 1,
    studyInstanceUid: study.studyInstanceUid,
    status: 'draft',
    label: draftLabel(readings, provenance),
    title: 'CT chest: AI draft, not verified',
    procedure: CT_CHEST,
    sections: [
      { key: 'technique', heading: 'Technique', code: SECTION_TECHNIQUE, sentences: distinct.map(technique) },
      {
        key: 'findings',
        heading: 'Findings',
        code: SECTION_FINDINGS,
        sentences: readings.flatMap(({ findings }) => describe(findings)),
      },
      {
        key: 'impression',
        heading: 'Impression',
        code: SECTION_IMPRESSION,
        sentences: readings.flatMap(({ findings, images }) => impression(findings, images)),
      },
    ],
    readings: [first.findings, ...others.map(({ findings }) => findings)],
    caveats: [...new Set(caveats)],
    provenance,
  };
}

/** Safety R23: names AI origin, package, version and state, and survives copying as text. */
function draftLabel(readings: readonly DraftedReading[], provenance: ReportProvenance): string {
  const algorithms = readings.map(({ findings: { algorithm } }) => `${algorithm.name} ${algorithm.version}`);
  return `AI draft, not verified by a radiologist (${algorithms.join(', ')}, ${provenance.software.name} ${provenance.software.version}).`;
}

function technique(volume: Volume): Sentence {
  const [slices, rows, columns] = volume.shape;
  const { header } = volume;
  const thickness = header.frames[0]?.sliceThickness;
  const parts = [
    `CT of the chest: ${slices} slices, ${columns} × ${rows} pixels of ${numberText(volume.spacing[2], 2)} mm`,
    `spacing ${numberText(volume.spacing[0], 2)} mm`,
    thickness === undefined ? 'slice thickness not recorded' : `slice thickness ${numberText(thickness, 2)} mm`,
    `kernel ${header.convolutionKernel ?? 'not recorded'}`,
    header.contrastBolusAgent === undefined ? 'no contrast agent recorded' : 'contrast agent recorded',
  ];
  return sentence(`${parts.join(', ')}.`);
}

function describe({ algorithm, findings }: Findings): Sentence[] {
  return findings.map((finding) => {
    const measures = finding.measurements.map((m) => `${measureName(m)} ${measurementText(m)}`);
    return sentence(`${findingTitle(finding)}: ${measures.join(', ')}.`, findingPath(algorithm, finding));
  });
}

/** Names a finding within a report: keys are the model's own, and two models may have the same. */
export function findingPath({ name }: Pick<Algorithm, 'name'>, { key }: Pick<Finding, 'key'>): string {
  return `${name}/${key}`;
}

const MEASURE_NAMES: Readonly<Record<string, string>> = {
  volume: 'volume',
  'mean-density': 'mean density',
  perc15: '15th percentile',
  'laa-950': 'below \u2212950 HU',
};

function measureName(measurement: Measurement): string {
  return MEASURE_NAMES[measurement.key] ?? measurement.concept.meaning.toLowerCase();
}

/** "Right lung", "Both lungs". */
export function findingTitle(finding: Finding): string {
  const organ = (finding.site ?? finding.concept).meaning;
  const side = finding.laterality?.meaning;
  if (side === undefined) return organ;
  return side === 'Bilateral' ? `Both ${organ.toLowerCase()}s` : `${side} ${organ.toLowerCase()}`;
}

/** The share is not comparable between kernels and thicknesses, so the sentence that a reader takes away names both. */
function impression(findings: Findings, { header, spacing }: Volume): Sentence[] {
  const whole = findings.findings.find((f) => f.laterality?.meaning === 'Bilateral') ?? findings.findings[0];
  const share = whole?.measurements.find((m) => m.key === 'laa-950')?.value;
  if (whole === undefined || share === undefined) return [sentence('No measurement supports an impression.')];
  const thickness = numberText(header.frames[0]?.sliceThickness ?? spacing[0], 1);
  const acquired = `kernel ${header.convolutionKernel ?? 'not recorded'}, ${thickness} mm slices`;
  const amount = `${numberText(share, 1)} % of the lung voxels lie below \u2212950 HU (${acquired})`;
  const meaning =
    share >= LOW_ATTENUATION_MARK
      ? `${amount}; low attenuation of this extent can indicate emphysema. Correlate with the images.`
      : `${amount}, under the ${LOW_ATTENUATION_MARK} % mark used here for increased low attenuation.`;
  return [
    sentence(meaning, findingPath(findings.algorithm, whole)),
    sentence('Only lung density was assessed; nothing else was looked for.'),
  ];
}

function acquisitionCaveats(volume: Volume): string[] {
  const { header } = volume;
  const thickness = header.frames[0]?.sliceThickness ?? volume.spacing[0];
  return [
    ...(header.convolutionKernel === undefined
      ? ['The reconstruction kernel is not recorded; sharp kernels raise the share below \u2212950 HU.']
      : []),
    ...(thickness > THICK_SLICE_MM
      ? [
          `Slices of ${numberText(thickness, 1)} mm are thicker than density measures are validated for (${THICK_SLICE_MM} mm).`,
        ]
      : []),
    ...(header.contrastBolusAgent === undefined ? [] : ['A contrast agent is recorded; it raises lung density.']),
    ...volume.notes.map((note) => `${explain(note)}.`),
  ];
}

function sentence(text: string, ...findingKeys: string[]): Sentence {
  return { text, findingKeys };
}

/** The draft as plain text; the label stands first and last, so that no part of a copy goes without it. */
export function reportText(report: Report): string {
  const sections = report.sections.map(
    (s) => `${s.heading.toUpperCase()}\n${s.sentences.map((t) => t.text).join('\n')}`,
  );
  const caveats = report.caveats.length === 0 ? [] : [`LIMITS\n${report.caveats.join('\n')}`];
  return [report.label, report.title, ...sections, ...caveats, report.label].join('\n\n');
}
