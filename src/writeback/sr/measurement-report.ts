/** The root of the tree: TID 1500 Measurement Report (PS3.16), with the text of the draft as qualitative evaluations. */
import type { Volume } from '../../assembly/volume.ts';
import type { Code } from '../../codes.ts';
import type { Finding } from '../../inference/findings.ts';
import type { Report, ReportSection } from '../../reporting/report.ts';
import type { DicomObject } from '../artifact.ts';
import type { ResultContext } from '../modules.ts';
import * as concepts from './concepts.ts';
import { type ContentItem, codeItem, container, textItem } from './content-item.ts';
import { algorithmIdentification, languageOfContent, observationContext } from './context.ts';
import { imageLibrary } from './image-library.ts';
import { measurementGroup } from './measurement-groups.ts';

/** TID 1500 Measurement Report. */
export function measurementReport(
  context: ResultContext,
  { volume, segmentation }: { readonly volume: Volume; readonly segmentation?: DicomObject },
): ContentItem {
  const { report, study } = context;
  const children = [
    // PS3.16 TID 1500 row 2
    languageOfContent(),
    // PS3.16 TID 1500 row 3
    ...observationContext(context),
    // PS3.16 TID 1500 row 4
    codeItem('HAS CONCEPT MOD', concepts.PROCEDURE_REPORTED, report.procedure),
    // PS3.16 TID 1500 row 5
    imageLibrary(study, volume, report.findings.evidence),
    // PS3.16 TID 1500 rows 6 to 9
    ...imagingMeasurements(report, segmentation),
    // PS3.16 TID 1500 row 12
    qualitativeEvaluations(report),
  ];
  // PS3.16 TID 1500 row 1
  return container(undefined, concepts.IMAGING_MEASUREMENT_REPORT, children, '1500');
}

function imagingMeasurements(report: Report, segmentation: DicomObject | undefined): readonly ContentItem[] {
  const groups = report.findings.findings.map((finding) => measurementGroup(report, finding, segmentation));
  // Row 12 is always there, so row 6 may be absent; an empty container may not be written.
  return groups.length === 0 ? [] : [container('CONTAINS', concepts.IMAGING_MEASUREMENTS, groups)];
}

/** Rows 12 to 14: what the algorithms did, then the words of the draft, the label first. */
function qualitativeEvaluations(report: Report): ContentItem {
  return container('CONTAINS', concepts.QUALITATIVE_EVALUATIONS, [
    ...algorithmIdentification(report.findings.algorithm),
    // PS3.16 TID 1500 row 13
    codeItem('CONTAINS', concepts.CAD_SUMMARY, summary(report.findings.findings)),
    // PS3.16 TID 1500 row 14
    textItem('CONTAINS', concepts.COMMENT, report.label),
    ...report.sections.flatMap(sentences),
    ...report.caveats.map((caveat) => textItem('CONTAINS', concepts.COMMENT, caveat)),
  ]);
}

/** CID 6047: something was found unless every finding is absent or undetermined. */
function summary(findings: readonly Finding[]): Code {
  const found = findings.some(({ presence }) => presence === undefined || presence === 'present');
  return found ? concepts.SUCCEEDED_WITH_FINDINGS : concepts.SUCCEEDED_WITHOUT_FINDINGS;
}

/** CID 7002: the concept that a sentence of each section has. */
const SENTENCE: Readonly<Record<ReportSection['key'], Code>> = {
  technique: concepts.PROCEDURE_DESCRIPTION,
  findings: concepts.FINDING,
  impression: concepts.IMPRESSION,
};

function sentences(section: ReportSection): readonly ContentItem[] {
  return section.sentences.map(({ text }) => textItem('CONTAINS', SENTENCE[section.key], text));
}
