/**
 * Patients and orders as the images name them. Only the local store may make them: it is nobody's master index. A real
 * FHIR server never gets a patient from Wetread.
 */
import type { HumanName, Identifier, Patient, ServiceRequest } from 'fhir/r4.js';
import type { StudyHeader } from '../../src/arrival/study.ts';
import { dicomIdentifier, fhirDate, narrative } from '../../src/writeback/fhir-elements.ts';
import { accessionIdentifier, gender, patientIdentifier, type RecordNaming } from '../../src/writeback/fhir-match.ts';

/** Systems of this store for numbers whose assigner no configuration names. */
const LOCAL = {
  patientId: 'https://wetread.dev/local/patient-id',
  issuer: 'https://wetread.dev/local/issuer/',
  /** For images without a Patient ID: each study is its own person, so that two strangers never become one. */
  anonymous: 'https://wetread.dev/local/anonymous',
  accession: 'https://wetread.dev/local/accession',
} as const;

/** Always an identifier: the configured system, else one of this store for the issuer that the images name. */
export function localPatientIdentifier(header: StudyHeader, naming: RecordNaming): Identifier {
  const configured = patientIdentifier(header, naming);
  if (configured !== undefined) return { ...configured };
  if (header.patientId === undefined) return { ...dicomIdentifier(header.studyInstanceUid), system: LOCAL.anonymous };
  const { issuerOfPatientId } = header;
  const system =
    issuerOfPatientId === undefined ? LOCAL.patientId : `${LOCAL.issuer}${encodeURIComponent(issuerOfPatientId)}`;
  return { system, value: header.patientId };
}

export function localAccessionIdentifier(header: StudyHeader, naming: RecordNaming): Identifier | undefined {
  const accession = accessionIdentifier(header, naming);
  return accession === undefined ? undefined : { ...accession, system: accession.system ?? LOCAL.accession };
}

export function patientResource(header: StudyHeader, identifier: Identifier): Patient {
  const name = humanName(header.patientName);
  const birthDate = fhirDate(header.patientBirthDate);
  const sex = gender(header.patientSex);
  return {
    resourceType: 'Patient',
    text: narrative('Patient as the images name them'),
    identifier: [identifier],
    ...(name === undefined ? {} : { name: [name] }),
    ...(sex === undefined ? {} : { gender: sex }),
    ...(birthDate === undefined ? {} : { birthDate }),
  };
}

export function orderResource(header: StudyHeader, identifier: Identifier, patient: string): ServiceRequest {
  const description = header.requests[0]?.requestedProcedureDescription ?? header.studyDescription;
  return {
    resourceType: 'ServiceRequest',
    text: narrative('Order as the images name it'),
    identifier: [identifier],
    status: 'active',
    intent: 'order',
    ...(description === undefined ? {} : { code: { text: description } }),
    subject: { reference: patient, type: 'Patient' },
  };
}

/** PN (PS3.5 6.2.1): the first group that is filled, in the order family, given, middle, prefix, suffix. */
function humanName(personName: string | undefined): HumanName | undefined {
  const group = personName?.split('=').find((part) => part.replaceAll('^', '').trim() !== '');
  if (group === undefined) return undefined;
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = group.split('^').map((part) => part.trim());
  const list = (...parts: string[]): string[] => parts.filter((part) => part !== '');
  return {
    text: list(prefix, given, middle, family, suffix).join(' '),
    ...(family === '' ? {} : { family }),
    ...(given === '' && middle === '' ? {} : { given: list(given, middle) }),
    ...(prefix === '' ? {} : { prefix: [prefix] }),
    ...(suffix === '' ? {} : { suffix: [suffix] }),
  };
}
