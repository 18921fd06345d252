/** What the archive knows of an instance, and how it answers to one that is offered. */
import type { DicomDataSet } from '../../src/dicom-json.ts';
import type { WetreadError } from '../../src/errors.ts';
import type { Cause, Reason, Skipped } from '../../src/reasons.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../../src/uid.ts';

export interface InstanceIdentity {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly sopInstanceUid: SopInstanceUid;
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
}

/** How the archive looks into Part 10 files; never throws on bad input. */
export interface InstanceInspector {
  identify(bytes: Uint8Array): InstanceIdentity | Skipped;
  /** The data set without group 0002 and pixel data, character sets decoded. */
  describe(bytes: Uint8Array): DicomDataSet | Skipped;
}

export interface StoredInstance extends InstanceIdentity {
  /** Absolute path of the Part 10 file. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Outcome of one offered instance. */
export type StoreResult =
  /** `repeated`: the same bytes were there before. */
  | { readonly kind: 'stored'; readonly identity: InstanceIdentity; readonly repeated: boolean }
  | { readonly kind: 'refused'; readonly identity?: InstanceIdentity; readonly reason: Reason }
  | { readonly kind: 'failed'; readonly identity?: InstanceIdentity; readonly error: WetreadError };

/** An instance that was refused, or could not be stored, for the operator. */
export interface Refusal {
  /** ISO 8601. */
  readonly at: string;
  readonly studyInstanceUid?: string;
  readonly sopInstanceUid?: string;
  readonly reason: Cause;
}
