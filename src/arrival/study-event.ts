import type { StudyInstanceUid } from '../uid.ts';
import type { SourceRung } from './completeness.ts';
import type { Priority } from './priority.ts';

/**
 * What a source says of a study: a hint that it exists or has changed, never the truth; the archive is asked before
 * anything is read. It carries identifiers of the study and no patient data.
 */
export interface StudyHint {
  readonly studyInstanceUid: StudyInstanceUid;
  /** Evidence that the source has seen; without any the study settles first. */
  readonly rung?: SourceRung;
  /** Instances that the source expects in the archive. */
  readonly expectedInstances?: number;
  /**
   * Images that the archive counts, from a source that has not seen the study change: a study that was found with as
   * many is not read again, whichever source or archive names it second.
   */
  readonly instances?: number;
  /** How urgent the order is; a rule may say that it is more urgent still. */
  readonly priority?: Priority;
  /** Name of the archive that holds the study, as the configuration names it; the first one where absent. */
  readonly archive?: string;
  /** Digest of the Patient ID ({@link patientDigest}) where the source names one: images of another patient are held. */
  readonly patientDigest?: string;
  /** W3C trace context of what brought the hint. */
  readonly traceparent?: string;
}

/** A hint as the ledger takes it. */
export interface StudyEvent extends StudyHint {
  /** Which source noticed it: `stow`, `cli`, `folder` … */
  readonly source: string;
  /** ISO 8601 with offset. */
  readonly receivedAt: string;
}
