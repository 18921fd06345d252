/** Modules (PS3.3 Annex C) that every result of Wetread shares, whatever its IOD. */
import type { RequestAttributes, StudyHeader } from '../arrival/study.ts';
import type { DicomDataSet, PersonName } from '../dicom-json.ts';
import type { Report } from '../reporting/report.ts';
import { isUid } from '../uid.ts';
import { codedEntry } from './coded-entry.ts';
import { dataSet } from './data-set.ts';
import * as identity from './identity.ts';
import { PROCESSING_EQUIPMENT } from './sr/concepts.ts';
import { type DicomTime, dicomTime, line } from './text.ts';

export const MANUFACTURER = 'Wetread project';

/** The program that writes. */
export interface Software {
  readonly name: string;
  readonly version: string;
  /** Names this installation: Device Serial Number (0018,1000), which may not be empty (C.7.5.2). */
  readonly deployment?: string;
}

/** What every builder of a result is given. */
export interface ResultContext {
  readonly report: Report;
  readonly study: StudyHeader;
  readonly software: Software;
}

/** When the result was made: the time in the report's provenance, in the images' own time zone where they name one. */
export function timeOf({ report, study }: ResultContext): DicomTime {
  return dicomTime(report.provenance.createdAt, timezone(study));
}

/**
 * Patient (C.7.1.1) and General Study (C.7.2.1), copied from the images so that the archive files the result with them.
 * Identifiers are never cut, whatever their length: half an identifier names somebody else. Values that their VR cannot
 * hold become empty (type 2).
 */
export function patientAndStudy(study: StudyHeader): DicomDataSet {
  return dataSet({
    patientName: personName(study.patientName),
    patientId: line(study.patientId ?? ''),
    issuerOfPatientId: copied(study.issuerOfPatientId),
    patientBirthDate: matching(study.patientBirthDate, /^\d{8}$/),
    patientSex: matching(study.patientSex, /^[A-Z0-9 _]{1,16}$/),
    studyInstanceUid: study.studyInstanceUid,
    studyDate: matching(study.studyDate, /^\d{8}$/),
    studyTime: matching(study.studyTime, /^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/),
    studyId: line(study.studyId ?? ''),
    studyDescription: copied(study.studyDescription),
    accessionNumber: line(study.accessionNumber ?? ''),
    referringPhysicianName: personName(study.referringPhysicianName),
    timezoneOffsetFromUtc: timezone(study),
  });
}

/**
 * General Series (C.7.3.1) with its part in the SR Document Series (C.17.1) and Segmentation Series (C.8.20.1).
 * @param content what the series holds, whichever revision brings it: Series Description (0008,103E)
 */
export function series({ report }: ResultContext, object: identity.ResultObject, content: string): DicomDataSet {
  return dataSet({
    modality: object === 'sr' ? 'SR' : 'SEG',
    seriesInstanceUid: identity.seriesInstanceUid(report, object),
    seriesNumber: identity.seriesNumber(report, object),
    seriesDescription: line(`AI draft, unverified: ${content}`, 64),
    referencedPerformedProcedureStepSequence: object === 'sr' ? [] : undefined,
  });
}

/** General Equipment (C.7.5.1) and Enhanced General Equipment (C.7.5.2). */
export function equipment({ software }: ResultContext): DicomDataSet {
  return dataSet({
    manufacturer: MANUFACTURER,
    manufacturerModelName: line(software.name, 64),
    deviceSerialNumber: serialNumber(software),
    softwareVersions: line(software.version, 64),
  });
}

/** An installation that was given no name of its own says so. */
export function serialNumber({ deployment }: Software): string {
  return line(deployment ?? '', 64) || 'unspecified';
}

/** SOP Common (C.12.1); Coding Scheme Identification is added when the content is known. */
export function sopCommon(context: ResultContext, object: identity.ResultObject, sopClassUid: string): DicomDataSet {
  const { date, time, dateTime } = timeOf(context);
  const { report } = context;
  const algorithms = object === 'sr' ? report.readings.map(({ algorithm }) => algorithm) : [object.segOf];
  return dataSet({
    specificCharacterSet: 'ISO_IR 192',
    instanceCreationDate: date,
    instanceCreationTime: time,
    sopClassUid,
    sopInstanceUid: identity.sopInstanceUid(report, object),
    contributingEquipmentSequence: algorithms.map(({ name, version }) => ({
      ...dataSet({ purposeOfReferenceCodeSequence: [codedEntry(PROCESSING_EQUIPMENT)] }),
      ...dataSet({ manufacturer: MANUFACTURER, manufacturerModelName: line(name, 64) }),
      ...dataSet({ softwareVersions: line(version, 64), contributionDateTime: dateTime }),
    })),
  });
}

/** Referenced Request Sequence (C.17.2): the orders that the images fulfil; undefined where they name none. */
export function referencedRequests(study: StudyHeader): readonly DicomDataSet[] | undefined {
  if (study.requests.length === 0) return undefined;
  return study.requests.map((request) =>
    dataSet({
      studyInstanceUid: study.studyInstanceUid,
      referencedStudySequence: [],
      accessionNumber: line(request.accessionNumber ?? ''),
      issuerOfAccessionNumberSequence: issuerOfAccession(request),
      placerOrderNumberImagingServiceRequest: line(request.placerOrderNumber ?? ''),
      fillerOrderNumberImagingServiceRequest: line(request.fillerOrderNumber ?? ''),
      requestedProcedureId: line(request.requestedProcedureId ?? ''),
      requestedProcedureDescription: line(request.requestedProcedureDescription ?? ''),
      requestedProcedureCodeSequence: [],
    }),
  );
}

/** HL7v2 Hierarchic Designator Macro (PS3.3 Table 10-17): an OID is universal, anything else is local. */
function issuerOfAccession({ issuerOfAccessionNumber: issuer }: RequestAttributes): DicomDataSet[] | undefined {
  if (issuer === undefined) return undefined;
  return [
    isUid(issuer)
      ? dataSet({ universalEntityId: issuer, universalEntityIdType: 'ISO' })
      : dataSet({ localNamespaceEntityId: line(issuer) }),
  ];
}

/** Component groups by `=`: alphabetic, ideographic, phonetic (PS3.5 6.2.1). */
function personName(name: string | undefined): PersonName | '' {
  const [Alphabetic = '', Ideographic = '', Phonetic = ''] = line(name ?? '').split('=');
  if (Alphabetic === '' && Ideographic === '' && Phonetic === '') return '';
  return { ...(Alphabetic && { Alphabetic }), ...(Ideographic && { Ideographic }), ...(Phonetic && { Phonetic }) };
}

function copied(text: string | undefined): string | undefined {
  const clean = line(text ?? '');
  return clean === '' ? undefined : clean;
}

function matching(text: string | undefined, pattern: RegExp): string {
  const clean = text?.trim() ?? '';
  return pattern.test(clean) ? clean : '';
}

function timezone(study: StudyHeader): string | undefined {
  const offset = matching(study.timezoneOffsetFromUtc, /^[+-]\d{4}$/);
  return offset === '' ? undefined : offset;
}
