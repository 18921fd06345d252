/** From readings to a report, and the same as SEGs and SR. */
import type { StudyHeader } from './arrival/study.ts';
import type { Reading } from './inference/reading.ts';
import { draft } from './reporting/draft.ts';
import type { Report, ReportProvenance } from './reporting/report.ts';
import type { DicomObject } from './writeback/artifact.ts';
import { segmentationObject } from './writeback/segmentation-object.ts';
import { structuredReport } from './writeback/structured-report.ts';

export interface DraftInput {
  readonly study: StudyHeader;
  /** At least one; in the order in which they are told. */
  readonly readings: readonly Reading[];
  /** The last draft of the study, which the SR may name as its predecessor. */
  readonly last?: Report | undefined;
}

/** The same input and provenance always give the same objects. */
export function makeDraft(
  { study, readings }: Pick<DraftInput, 'study' | 'readings'>,
  provenance: ReportProvenance,
): { readonly report: Report; readonly objects: readonly DicomObject[] } {
  const report = draft({ study, readings, provenance });
  const common = { report, study, software: provenance.software };
  const sources = readings.map(({ images, findings, outlines }) => {
    const segmentation = outlines && segmentationObject({ ...common, findings, segmentation: outlines.segmentation });
    return { images, ...(segmentation && { segmentation }) };
  });
  const sr = structuredReport({ ...common, sources });
  return { report, objects: [...sources.flatMap(({ segmentation }) => segmentation ?? []), sr] };
}
