/**
 * Identities of what a report becomes outside. Every one is derived from a name, never drawn: the same work done twice
 * meets itself in the archive and in the health record. DICOM and FHIR builders take their UIDs from here, so that a
 * measurement carries one Observation UID (0040,A171) in the SR and in `Observation.identifier`.
 *
 * What stays the same when late images lead to a new revision: report, series, tracking and observation identities.
 * What changes with the attempt and the revision: SOP Instance UIDs.
 */

import type { Report } from '../reporting/report.ts';
import { nameBasedUid, type SeriesInstanceUid, type SopInstanceUid, type Uid } from '../uid.ts';

export type TrackingUid = Uid<'TrackingUid'>;
export type ObservationUid = Uid<'ObservationUid'>;
export type DeviceObserverUid = Uid<'DeviceObserverUid'>;

/** SOP Instance UID (0008,0018): a new one for every revision (PS3.3 C.17.2.3, Predecessor Documents Sequence). */
export function sopInstanceUid(report: Report, kind: 'sr' | 'seg'): SopInstanceUid {
  const { attemptKey, revision } = report.provenance;
  return nameBasedUid<SopInstanceUid>('sop-instance', report.studyInstanceUid, attemptKey, String(revision), kind);
}

/** Series Instance UID (0020,000E): one series per study, kind and version of the algorithm; revisions join it. */
export function seriesInstanceUid(report: Report, kind: 'sr' | 'seg'): SeriesInstanceUid {
  const { name, version, digest } = report.findings.algorithm;
  return nameBasedUid<SeriesInstanceUid>('series', report.studyInstanceUid, name, version, digest, kind);
}

/** Tracking Unique Identifier (112040, DCM) and (0062,0021): the same region in SR, SEG and FHIR. */
export function trackingUid(report: Report, findingKey: string): TrackingUid {
  return uid<TrackingUid>('tracking', report.studyInstanceUid, report.findings.algorithm.name, findingKey);
}

/** Observation UID (0040,A171) of one measurement of a finding. */
export function observationUid(report: Report, findingKey: string, measurementKey: string): ObservationUid {
  const algorithm = report.findings.algorithm.name;
  return uid<ObservationUid>('observation', report.studyInstanceUid, algorithm, findingKey, measurementKey);
}

/** Device Observer UID (121012, DCM): one version of one algorithm. */
export function deviceObserverUid(report: Report): DeviceObserverUid {
  const { name, version, digest } = report.findings.algorithm;
  return uid<DeviceObserverUid>('device-observer', name, version, digest);
}

/** Business identifier of the DiagnosticReport: one per study and algorithm, over all revisions. */
export function reportIdentifier(report: Report): string {
  return `${report.studyInstanceUid}/${report.findings.algorithm.name}`;
}

/** Results that are neither study, series nor instance have no brand in uid.ts; the derivation is the same. */
function uid<U extends Uid<string>>(...name: readonly string[]): U {
  return nameBasedUid<SopInstanceUid>(...name) as string as U;
}
