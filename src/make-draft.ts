/** From readings to a report, and the same as SEGs and SR. */
import type { StudyHeader } from './arrival/study.ts';
import type { Reading } from './inference/reading.ts';
import type { DocumentName, SegmentationName } from './ports.ts';
import { draft } from './reporting/draft.ts';
import type { Report, ReportProvenance, UnavailableModel } from './reporting/report.ts';
import type { DicomObject } from './writeback/artifact.ts';
import { segmentationObject } from './writeback/segmentation-object.ts';
import { structuredReport } from './writeback/structured-report.ts';

export interface DraftInput {
  readonly study: StudyHeader;
  /** At least one; in the order in which they are told. */
  readonly readings: readonly Reading[];
  /** Models that gave no result. */
  readonly unavailable: readonly UnavailableModel[];
  /** The last draft of the study, which the SR may name as its predecessor. */
  readonly last?: Report | undefined;
}

/** A result, and the name under which the ledger keeps it. */
export interface NamedObject {
  readonly name: DocumentName;
  readonly object: DicomObject;
}

/** The same input and provenance always give the same objects. */
export function makeDraft(
  { study, readings, unavailable }: Pick<DraftInput, 'study' | 'readings' | 'unavailable'>,
  provenance: ReportProvenance,
): { readonly report: Report; readonly objects: readonly NamedObject[] } {
  const report = draft({ study, readings, unavailable, provenance });
  const common = { report, study, software: provenance.software };
  const names = segmentationNames(readings);
  const sources = readings.map(({ images, findings, outlines }, at) => {
    const segmentation = outlines && segmentationObject({ ...common, findings, segmentation: outlines.segmentation });
    return { images, name: names[at], ...(segmentation && { segmentation }) };
  });
  const segmentations = sources.flatMap(({ name, segmentation }) =>
    name === undefined || segmentation === undefined ? [] : [{ name, object: segmentation }],
  );
  return { report, objects: [...segmentations, { name: 'sr.dcm', object: structuredReport({ ...common, sources }) }] };
}

/** Of each reading; undefined where it outlines nothing. */
export function segmentationNames(
  readings: readonly Pick<Reading, 'findings' | 'outlines'>[],
): readonly (SegmentationName | undefined)[] {
  const first = readings.find(({ outlines }) => outlines !== undefined);
  return readings.map((reading) => {
    if (reading.outlines === undefined) return undefined;
    return reading === first ? 'seg.dcm' : (`seg-${reading.findings.algorithm.name}.dcm` as const);
  });
}
