/** ImagingStudy and ServiceRequest (FHIR R4) as a record holds them, with data of a patient who does not exist. */
import type { ImagingStudy, ServiceRequest } from 'fhir/r4.js';

const SUBJECT = { display: 'Roe^Jane', identifier: { system: 'urn:oid:1.2.3.9', value: 'PAT-4711' } };

export function imagingStudyOf(studyInstanceUid: string, changes: Partial<ImagingStudy> = {}): ImagingStudy {
  return {
    resourceType: 'ImagingStudy',
    status: 'available',
    subject: SUBJECT,
    identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:${studyInstanceUid}` }],
    numberOfInstances: 1,
    ...changes,
  };
}

export function serviceRequestOf(accessionNumber: string, changes: Partial<ServiceRequest> = {}): ServiceRequest {
  const system = 'http://terminology.hl7.org/CodeSystem/v2-0203';
  return {
    resourceType: 'ServiceRequest',
    status: 'active',
    intent: 'order',
    subject: SUBJECT,
    identifier: [{ type: { coding: [{ system, code: 'ACSN' }] }, value: accessionNumber }],
    ...changes,
  };
}

/** What stands in these resources and belongs in no log, hint or kept state. */
export const RECORD_PATIENT_DATA: readonly string[] = ['Roe', 'PAT-4711', 'ACC-0815'];
