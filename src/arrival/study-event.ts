import type { StudyInstanceUid } from '../uid.ts';

/** A hint that a study exists or changed. It carries identifiers of the study and no patient data. */
export interface StudyEvent {
  readonly studyInstanceUid: StudyInstanceUid;
  /** Which source noticed it: `stow`, `cli`, `folder` … */
  readonly source: string;
  /** ISO 8601 with offset. */
  readonly receivedAt: string;
  /** W3C trace context of the request that brought it. */
  readonly traceparent?: string;
}
