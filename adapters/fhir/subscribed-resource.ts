/** What ImagingStudy and ServiceRequest (FHIR R4) say of studies: identifiers and counts, nothing of a patient. Pure. */
import type { Identifier, ImagingStudy, Reference, ServiceRequest } from 'fhir/r4.js';
import { patientDigest } from '../../src/arrival/patient-digest.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { parseUid, type StudyInstanceUid } from '../../src/uid.ts';
import { HL7 } from '../../src/writeback/fhir-elements.ts';
import type { RecordNaming } from '../../src/writeback/fhir-match.ts';

export type Naming = Pick<RecordNaming, 'patientIdentifierSystem' | 'accessionIdentifierSystem'>;

export interface NamedStudy {
  readonly hint: StudyHint;
  /** Changes when the images may have: an update of anything else is no news. */
  readonly facts: string;
}

export interface Order {
  /** `ServiceRequest/id`. */
  readonly reference: string;
  readonly accessionNumber?: string;
  readonly about: Pick<StudyHint, 'priority' | 'patientDigest'>;
}

/** Nothing is to be read: the study has no images yet, or was entered by mistake. */
const STUDY_OUT: readonly string[] = ['registered', 'cancelled', 'entered-in-error'];
const ORDER_OUT: readonly string[] = ['draft', 'revoked', 'entered-in-error'];

/** @throws WetreadError `uid-invalid` where no valid Study Instance UID stands in it; undefined where nothing is to be read */
export function studyOf(resource: ImagingStudy, naming: Naming): NamedStudy | undefined {
  const { status, identifier, subject, numberOfSeries, numberOfInstances, meta } = resource;
  if (STUDY_OUT.includes(status)) return undefined;
  const studyInstanceUid = studyUidOf(identifier);
  const counts = `${numberOfSeries ?? ''}/${numberOfInstances ?? ''}`;
  return {
    hint: {
      studyInstanceUid,
      ...(isCount(numberOfInstances) && { expectedInstances: numberOfInstances }),
      ...digestOf(subject, naming),
    },
    facts: counts === '/' ? `version ${meta?.versionId ?? ''} ${meta?.lastUpdated ?? ''}` : counts,
  };
}

/** Undefined where no study is to be expected. */
export function orderOf(resource: ServiceRequest, naming: Naming): Order | undefined {
  const { status, id, priority, subject, identifier = [] } = resource;
  if (id === undefined || ORDER_OUT.includes(status)) return undefined;
  const accessionNumber = identifier.find((one) => isAccession(one, naming))?.value;
  return {
    reference: `ServiceRequest/${id}`,
    ...(accessionNumber !== undefined && { accessionNumber }),
    about: { ...(priority !== undefined && { priority }), ...digestOf(subject, naming) },
  };
}

/** `urn:dicom:uid` with `urn:oid:` before the UID (R4 ImagingStudy.identifier); some servers leave that out. */
function studyUidOf(identifiers: unknown): StudyInstanceUid {
  const all: readonly (Identifier | null)[] = Array.isArray(identifiers) ? identifiers : [];
  const found: unknown = all.find((identifier) => identifier?.system === HL7.dicomUid)?.value;
  return parseUid<StudyInstanceUid>(typeof found === 'string' ? found.replace(/^urn:oid:/, '') : '');
}

function isAccession({ system, type }: Identifier, { accessionIdentifierSystem }: Naming): boolean {
  if (accessionIdentifierSystem !== undefined && system === accessionIdentifierSystem) return true;
  return type?.coding?.some((coding) => coding.system === HL7.identifierType && coding.code === 'ACSN') ?? false;
}

/** Only an identifier of the system that the images' Patient IDs belong to can be compared with them. */
function digestOf(subject: Reference | undefined, { patientIdentifierSystem }: Naming): { patientDigest?: string } {
  const { system, value } = subject?.identifier ?? {};
  if (value === undefined || system === undefined || system !== patientIdentifierSystem) return {};
  return { patientDigest: patientDigest(value) };
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! > 0;
}
