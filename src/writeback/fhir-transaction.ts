/** What a draft is filed from, and as: one FHIR R4 transaction (3.1.0.11.2). Every builder of its entries is given the same. */
import type { FhirResource, Bundle as R4Bundle } from 'fhir/r4.js';
import type { StudyHeader } from '../arrival/study.ts';
import type { Report } from '../reporting/report.ts';
import type { DicomObject } from './artifact.ts';
import type { RecordMatch, RecordNaming } from './fhir-match.ts';

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
