/** Whose images are these: identifiers of patient and order, and when two descriptions of a patient disagree. */
import type { Identifier, Patient, Reference } from 'fhir/r4.js';
import type { StudyHeader } from '../arrival/study.ts';
import { fhirDate, HL7 } from './fhir-elements.ts';

/** A patient and, where the images name one, an order, found in the health record. */
export interface RecordMatch {
  readonly patient: string;
  readonly serviceRequest?: string;
}

/** Which identifier system the numbers in the images belong to; from the site's configuration. */
export interface RecordNaming {
  /** Issuer of Patient ID (0010,0021) to FHIR identifier system. */
  readonly issuers: Readonly<Record<string, string>>;
  /** For images that name no issuer. */
  readonly patientIdentifierSystem?: string;
  readonly accessionIdentifierSystem?: string;
}

/**
 * Patient ID (0010,0020) with the system of its issuer. Undefined where there is no number, or where nobody said who
 * assigns it: the same number under another assigner is another person.
 */
export function patientIdentifier(
  header: StudyHeader,
  naming: RecordNaming,
): { readonly system: string; readonly value: string } | undefined {
  const { patientId, issuerOfPatientId } = header;
  const system =
    issuerOfPatientId === undefined
      ? naming.patientIdentifierSystem
      : Object.hasOwn(naming.issuers, issuerOfPatientId)
        ? naming.issuers[issuerOfPatientId]
        : undefined;
  return patientId === undefined || system === undefined ? undefined : { system, value: patientId };
}

/** Accession Number (0008,0050) as HL7 v2-0203 `ACSN`; undefined where the images name no order. */
export function accessionIdentifier(header: StudyHeader, naming?: RecordNaming): Identifier | undefined {
  const request = header.requests.find((r) => r.accessionNumber !== undefined);
  const value = header.accessionNumber ?? request?.accessionNumber;
  if (value === undefined) return undefined;
  const issuer = /^\d+(\.\d+)+$/.test(request?.issuerOfAccessionNumber ?? '')
    ? `urn:oid:${request?.issuerOfAccessionNumber}`
    : undefined;
  const system = issuer ?? naming?.accessionIdentifierSystem;
  return {
    type: { coding: [{ system: HL7.identifierType, code: 'ACSN', display: 'Accession ID' }] },
    ...(system === undefined ? {} : { system }),
    value,
  };
}

const GENDERS: Readonly<Record<string, NonNullable<Patient['gender']>>> = { M: 'male', F: 'female', O: 'other' };

/** Patient's Sex (0010,0040) as FHIR administrative gender; undefined where it is unknown. */
export function gender(patientSex: string | undefined): Patient['gender'] {
  return GENDERS[patientSex?.trim().toUpperCase() ?? ''];
}

/** What differs although both sides state it; a FHIR birth date may be a year or a month only (R4 2.24.0.1 date). */
export function patientDisagreements(patient: Patient, header: StudyHeader): ('birth date' | 'sex')[] {
  const birthDate = fhirDate(header.patientBirthDate);
  const sex = gender(header.patientSex);
  const differs: ('birth date' | 'sex')[] = [];
  if (patient.birthDate !== undefined && birthDate !== undefined && !birthDate.startsWith(patient.birthDate))
    differs.push('birth date');
  if (patient.gender !== undefined && patient.gender !== 'unknown' && sex !== undefined && patient.gender !== sex)
    differs.push('sex');
  return differs;
}

/** True when a reference, relative or absolute, with or without a version, points at `Type/id`. */
export function refersTo(reference: string | undefined, typeAndId: string): boolean {
  const bare = reference?.replace(/\/_history\/[^/]+$/, '');
  return bare !== undefined && (bare === typeAndId || bare.endsWith(`/${typeAndId}`));
}

/** The order as found, named by its accession number too; with the number alone where no order was found. */
export function basedOn(header: StudyHeader, match: RecordMatch, naming?: RecordNaming): Reference[] {
  const identifier = accessionIdentifier(header, naming);
  if (identifier === undefined && match.serviceRequest === undefined) return [];
  return [
    {
      ...(match.serviceRequest === undefined ? {} : { reference: match.serviceRequest }),
      type: 'ServiceRequest',
      ...(identifier === undefined ? {} : { identifier }),
    },
  ];
}
