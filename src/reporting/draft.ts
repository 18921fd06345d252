/**
 * From findings to a draft in sections. Every sentence names the findings that it rests on; nothing is said that no
 * finding supports, and every copy says that it is an unverified AI draft.
 */
import type { StudyHeader } from '../arrival/study.ts';
import type { Volume } from '../assembly/volume.ts';
import { CT_CHEST, SECTION_FINDINGS, SECTION_IMPRESSION, SECTION_TECHNIQUE } from '../codes.ts';
import type { Finding, Findings, Measurement } from '../inference/findings.ts';
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

export interface DraftInput {
  readonly study: StudyHeader;
  readonly volume: Volume;
  readonly findings: Findings;
  /** What the model card says must accompany every result. */
  readonly cardCaveats: readonly string[];
  readonly provenance: ReportProvenance;
}

export function draft(input: DraftInput): Report {
  const { findings, provenance } = input;
  return {
    schemaVersion: 1,
    studyInstanceUid: input.study.studyInstanceUid,
    status: 'draft',
    label: draftLabel(findings, provenance),
    title: 'CT chest: AI draft, not verified',
    procedure: CT_CHEST,
    sections: [
      { key: 'technique', heading: 'Technique', code: SECTION_TECHNIQUE, sentences: technique(input.volume) },
      { key: 'findings', heading: 'Findings', code: SECTION_FINDINGS, sentences: findings.findings.map(describe) },
      {
        key: 'impression',
        heading: 'Impression',
        code: SECTION_IMPRESSION,
        sentences: impression(findings, input.volume),
      },
    ],
    findings,
    caveats: [...acquisitionCaveats(input.volume), ...input.cardCaveats],
    provenance,
  };
}

/** Safety R23: names AI origin, package, version and state, and survives copying as text. */
function draftLabel(findings: Findings, provenance: ReportProvenance): string {
  const { name, version } = findings.algorithm;
  return `AI draft, not verified by a radiologist (${name} ${version}, ${provenance.software.name} ${provenance.software.version}).`;
}

function technique(volume: Volume): Sentence[] {
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
  return [sentence(`${parts.join(', ')}.`)];
}

function describe(finding: Finding): Sentence {
  const measures = finding.measurements.map((m) => `${measureName(m)} ${measurementText(m)}`);
  const text = `${findingTitle(finding)}: ${measures.join(', ')}.`;
  return sentence(text, finding.key);
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
  return [sentence(meaning, whole.key), sentence('Only lung density was assessed; nothing else was looked for.')];
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
