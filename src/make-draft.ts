/** From what one series gave to a report, and the same as SEG and SR. */
import type { StudyHeader } from './arrival/study.ts';
import type { Segmentation } from './assembly/segmentation.ts';
import type { Volume } from './assembly/volume.ts';
import type { Findings } from './inference/findings.ts';
import type { ModelPackage, SegmentStatistics } from './inference/model-package.ts';
import { draft } from './reporting/draft.ts';
import type { Report, ReportProvenance } from './reporting/report.ts';
import type { DicomObject } from './writeback/artifact.ts';
import { seriesInstanceUid, sopInstanceUid } from './writeback/identity.ts';
import { segmentationObject } from './writeback/segmentation-object.ts';
import { structuredReport } from './writeback/structured-report.ts';

/** What one evaluable series gave. */
export interface Reading {
  readonly volume: Volume;
  readonly segmentation: Segmentation;
  readonly statistics: readonly SegmentStatistics[];
  readonly findings: Findings;
}

export interface DraftInput {
  readonly study: StudyHeader;
  readonly model: ModelPackage;
  readonly reading: Reading;
  /** The last draft of the study, which the SR may name as its predecessor. */
  readonly last?: Report | undefined;
}

/** The same input and provenance always give the same objects. */
export function makeDraft(
  { study, model, reading, last }: DraftInput,
  provenance: ReportProvenance,
): { readonly report: Report; readonly objects: readonly DicomObject[] } {
  const { volume, segmentation, findings } = reading;
  const report = draft({ study, volume, findings, cardCaveats: model.card.caveats, provenance });
  const common = { report, study, software: provenance.software };
  const seg = segmentationObject({ ...common, segmentation });
  const replacesLast = last !== undefined && provenance.predecessorSopInstanceUid === sopInstanceUid(last, 'sr');
  const predecessor = replacesLast && { predecessorSeriesInstanceUid: seriesInstanceUid(last, 'sr') };
  const sr = structuredReport({ ...common, volume, segmentation: seg, ...predecessor });
  return { report, objects: [seg, sr] };
}
