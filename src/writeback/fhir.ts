/**
 * A draft as one FHIR R4 transaction: Device, ImagingStudy, Observations, DiagnosticReport, Provenance. Pure: the same
 * report gives the same bytes. Every entry is conditional on a business identifier, so that a replay changes nothing
 * (FHIR R4 3.1.0.5.3 conditional create, 3.1.0.4.3 conditional update).
 *
 * What the transaction may overwrite, and how it is compared after the write: fhir-owned.ts, fhir-filing.ts.
 */

import type { FhirResource, Bundle as R4Bundle } from 'fhir/r4.js';
import type { StudyHeader } from '../arrival/study.ts';
import type { Report } from '../reporting/report.ts';
import type { DicomObject } from './artifact.ts';
import type { RecordMatch, RecordNaming } from './fhir-match.ts';
import { observations } from './fhir-observation.ts';
import { diagnosticReport } from './fhir-report.ts';
import { device, imagingStudy, provenance } from './fhir-trace.ts';

export type Bundle = R4Bundle<FhirResource>;

/**
 * R4 `DiagnosticReport.status` of a draft. By the letter unverified content is `partial`; most records show only
 * `preliminary`. `final` is not in this type: only a human can write it.
 */
export type DraftStatus = 'preliminary' | 'partial';

export interface TransactionInput {
  readonly report: Report;
  readonly study: StudyHeader;
  readonly match: RecordMatch;
  /** The SR and SEG of the same report; Provenance names them. */
  readonly objects: readonly DicomObject[];
  readonly draftStatus: DraftStatus;
  readonly software: { readonly name: string; readonly version: string };
  /** Modality (0008,0060) of the series that were read, by Series Instance UID; ImagingStudy names no others. */
  readonly modalities?: ReadonlyMap<string, string>;
  readonly numberOfSeries?: number;
  readonly numberOfInstances?: number;
  /** Names the assigner of accession numbers; without it the accession goes out without a system. */
  readonly naming?: RecordNaming;
}

/** Resources refer to each other by `urn:uuid:` full URLs, which are derived from names like every identity. */
export function reportTransaction(input: TransactionInput): Bundle {
  const measured = observations(input);
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      ...input.report.readings.map(({ algorithm }) => device(algorithm, input.software)),
      imagingStudy(input),
      ...measured.all,
      diagnosticReport(input, measured.groups),
      provenance(input, measured.all),
    ],
  };
}
