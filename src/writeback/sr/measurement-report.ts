/** The root of the tree: TID 1500 Measurement Report (PS3.16), with the text of the draft as qualitative evaluations. */
import type { Images } from '../../assembly/volume.ts';
import type { Code } from '../../codes.ts';
import { filledSlots, type GivenSlot } from '../../inference/slots.ts';
import type { Report, ReportSection } from '../../reporting/report.ts';
import type { ResultContext } from '../modules.ts';
import { isSameImage } from '../references.ts';
import * as concepts from './concepts.ts';
import { type ContentItem, codeItem, container, textItem } from './content-item.ts';
import { algorithmIdentification, languageOfContent, observationContext } from './context.ts';
import { imageLibrary, type LibrarySeries } from './image-library.ts';
import { measurementGroup, type OutlinedImages } from './measurement-groups.ts';

/** What a reading was made from, and the SEGs that its findings with a `segmentNumber` refer to. */
export interface ReadingSource {
  readonly images: Images;
  /** Further series that the model was given. */
  readonly given?: readonly GivenSlot[];
  /** Without one, findings are written without a region. */
  readonly segmentations?: readonly OutlinedImages[];
}

/** TID 1500 Measurement Report. */
export function measurementReport(context: ResultContext, sources: readonly ReadingSource[]): ContentItem {
  const { report, study } = context;
  const children = [
    // PS3.16 TID 1500 row 2
    languageOfContent(),
    // PS3.16 TID 1500 row 3
    ...observationContext(context),
    // PS3.16 TID 1500 row 4
    codeItem('HAS CONCEPT MOD', concepts.PROCEDURE_REPORTED, report.procedure),
    // PS3.16 TID 1500 row 5
    imageLibrary(study, readSeries(report, sources)),
    // PS3.16 TID 1500 rows 6 to 9
    ...imagingMeasurements(report, sources),
    // PS3.16 TID 1500 row 12
    qualitativeEvaluations(report),
  ];
  // PS3.16 TID 1500 row 1
  return container(undefined, concepts.IMAGING_MEASUREMENT_REPORT, children, '1500');
}

/** What was read of each series, by however many models. */
function readSeries({ readings }: Report, sources: readonly ReadingSource[]): readonly LibrarySeries[] {
  const pairs = sources.flatMap(({ images, given = [] }, at): readonly LibrarySeries[] => [
    { images, evidence: readings[at]?.evidence ?? [] },
    ...filledSlots(given).map(({ slot: { name }, volume }) => ({
      images: volume,
      evidence: readings[at]?.slots?.find((slot) => slot.name === name)?.evidence ?? [],
    })),
  ]);
  const bySeries = Map.groupBy(pairs, ({ images }) => images.seriesInstanceUid);
  return [...bySeries.values()].map((same) => {
    return { images: same[0]!.images, evidence: same.flatMap(({ evidence }) => evidence) };
  });
}

function imagingMeasurements(report: Report, sources: readonly ReadingSource[]): readonly ContentItem[] {
  const groups = report.readings.flatMap((findings, at) =>
    findings.findings.map((finding) => {
      const outlined = sources[at]?.segmentations?.find(
        ({ image }) => !image || isSameImage(finding.evidence[0], image),
      );
      return measurementGroup({ report, findings, finding, outlined });
    }),
  );
  // Row 12 is always there, so row 6 may be absent; an empty container may not be written.
  return groups.length === 0 ? [] : [container('CONTAINS', concepts.IMAGING_MEASUREMENTS, groups)];
}

/** Rows 12 to 14: what the algorithms did, then the words of the draft, the label first. */
function qualitativeEvaluations(report: Report): ContentItem {
  return container('CONTAINS', concepts.QUALITATIVE_EVALUATIONS, [
    ...report.readings.flatMap(({ algorithm }) => algorithmIdentification(algorithm)),
    // PS3.16 TID 1500 row 13
    ...summary(report).map((code) => codeItem('CONTAINS', concepts.CAD_SUMMARY, code)),
    // PS3.16 TID 1500 row 14
    textItem('CONTAINS', concepts.COMMENT, report.label),
    ...report.sections.flatMap(sentences),
    ...report.caveats.map((caveat) => textItem('CONTAINS', concepts.COMMENT, caveat)),
  ]);
}

/**
 * CID 6047: something was found unless every finding is absent or undetermined. Of text that no code stands for nobody
 * can say which.
 */
function summary({ readings, sections, unavailable }: Report): readonly Code[] {
  const all = unavailable.length === 0;
  const findings = readings.flatMap((reading) => reading.findings);
  const found = findings.some(({ presence }) => presence === undefined || presence === 'present');
  if (found) return [all ? concepts.SUCCEEDED_WITH_FINDINGS : concepts.PARTLY_FAILED_WITH_FINDINGS];
  const isUncoded = sections.some(({ sentences: said }) =>
    said.some(({ generatedBy, findingKeys }) => generatedBy !== undefined && findingKeys.length === 0),
  );
  if (isUncoded) return [];
  return [all ? concepts.SUCCEEDED_WITHOUT_FINDINGS : concepts.PARTLY_FAILED_WITHOUT_FINDINGS];
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
