/**
 * Identities of what a report becomes outside. Every one is derived from a name, never drawn: the same work done twice
 * meets itself in the archive and in the health record. DICOM and FHIR builders take their UIDs from here, so that a
 * measurement carries one Observation UID (0040,A171) in the SR and in `Observation.identifier`.
 *
 * What stays the same when late images lead to a new revision: report, series, tracking and observation identities.
 * What changes with the attempt and the revision: SOP Instance UIDs.
 */

import type { Algorithm, InstanceReference } from '../inference/findings.ts';
import type { Report } from '../reporting/report.ts';
import { nameBasedUid, type SeriesInstanceUid, type SopInstanceUid, type Uid } from '../uid.ts';

export type TrackingUid = Uid<'TrackingUid'>;
export type ObservationUid = Uid<'ObservationUid'>;
export type DeviceObserverUid = Uid<'DeviceObserverUid'>;

/** A report is one SR, and one SEG for every algorithm that outlines; on images of their own one for each image. */
export type ResultObject = 'sr' | { readonly segOf: Algorithm; readonly image?: InstanceReference };

/** SOP Instance UID (0008,0018): a new one for every revision (PS3.3 C.17.2.3, Predecessor Documents Sequence). */
export function sopInstanceUid(report: Report, object: ResultObject): SopInstanceUid {
  const { attemptKey, revision } = report.provenance;
  const name = ['sop-instance', report.studyInstanceUid, attemptKey, String(revision)];
  return nameBasedUid<SopInstanceUid>(...name, ...nameOf(object), ...imageOf(object));
}

/**
 * Series Instance UID (0020,000E): one series of SRs per study, whichever models read it, so that the drafts of a study
 * follow each other there; one of SEGs per study and version of the algorithm.
 */
export function seriesInstanceUid(report: Report, object: ResultObject): SeriesInstanceUid {
  return nameBasedUid<SeriesInstanceUid>('series', report.studyInstanceUid, ...nameOf(object));
}

/**
 * Series Number (0020,0011), above what scanners count, so that results are listed after the images: 9001 of SRs; of SEGs
 * 9 and the last five digits of the series' UID, which tell the series of several models apart in every revision.
 */
export function seriesNumber(report: Report, object: ResultObject): number {
  return object === 'sr' ? 9001 : 900_000 + Number(seriesInstanceUid(report, object).slice(-5));
}

function imageOf(object: ResultObject): readonly string[] {
  if (object === 'sr' || object.image === undefined) return [];
  const { sopInstanceUid: uid, frameNumber = 1 } = object.image;
  return [uid, String(frameNumber)];
}

function nameOf(object: ResultObject): readonly string[] {
  if (object === 'sr') return [object];
  const { name, version, digest } = object.segOf;
  return ['seg', name, version, digest];
}

/** Tracking Unique Identifier (112040, DCM) and (0062,0021): the same region in SR, SEG and FHIR. */
export function trackingUid(report: Report, { name }: Algorithm, findingKey: string): TrackingUid {
  return uid<TrackingUid>('tracking', report.studyInstanceUid, name, findingKey);
}

/** Observation UID (0040,A171) of one measurement of a finding. */
export function observationUid(
  report: Report,
  { name }: Algorithm,
  findingKey: string,
  measurementKey: string,
): ObservationUid {
  return uid<ObservationUid>('observation', report.studyInstanceUid, name, findingKey, measurementKey);
}

/** Device Observer UID (121012, DCM): one version of one algorithm. */
export function deviceObserverUid({ name, version, digest }: Algorithm): DeviceObserverUid {
  return uid<DeviceObserverUid>('device-observer', name, version, digest);
}

/** Business identifier of the DiagnosticReport: one per study, over all revisions and whichever models read it. */
export function reportIdentifier(report: Report): string {
  return report.studyInstanceUid;
}

/** Results that are neither study, series nor instance have no brand in uid.ts; the derivation is the same. */
function uid<U extends Uid<string>>(...name: readonly string[]): U {
  return nameBasedUid<SopInstanceUid>(...name) as string as U;
}
