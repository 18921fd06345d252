/**
 * What the doctor stores where it is allowed to: a Basic Text SR (PS3.3 A.35.1) that says that it is a test. Its UIDs are
 * always the same, so that an archive holds one at most, and no patient has its Patient ID. It is a result of Wetread by
 * its manufacturer, so that polling finds no study in it.
 */
import type { DicomDataSet, DicomElement, ValueRepresentation } from '../../../src/dicom-json.ts';
import { nameBasedUid } from '../../../src/uid.ts';
import type { DicomObject } from '../../../src/writeback/artifact.ts';
import { MANUFACTURER } from '../../../src/writeback/modules.ts';

const BASIC_TEXT_SR = '1.2.840.10008.5.1.4.1.1.88.11';
const TEXT = 'A test object of wetread doctor. It belongs to no patient and can be deleted.';

export function testObject(): DicomObject {
  const studyInstanceUid = nameBasedUid<DicomObject['studyInstanceUid']>('doctor', 'study');
  const seriesInstanceUid = nameBasedUid<DicomObject['seriesInstanceUid']>('doctor', 'series');
  const sopInstanceUid = nameBasedUid<DicomObject['sopInstanceUid']>('doctor', 'instance');
  const dataSet: DicomDataSet = {
    '00080016': element('UI', BASIC_TEXT_SR),
    '00080018': element('UI', sopInstanceUid),
    '00080020': element('DA', '20260101'),
    '00080023': element('DA', '20260101'),
    '00080030': element('TM', '000000'),
    '00080033': element('TM', '000000'),
    '00080050': element('SH'),
    '00080060': element('CS', 'SR'),
    '00080070': element('LO', MANUFACTURER),
    '00080090': element('PN'),
    '00081030': element('LO', 'TEST OBJECT of wetread doctor'),
    '00081111': element('SQ'),
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'TEST^WETREAD DOCTOR' }] },
    '00100020': element('LO', 'WETREAD-DOCTOR-TEST'),
    '00100030': element('DA'),
    '00100040': element('CS', 'O'),
    '0020000D': element('UI', studyInstanceUid),
    '0020000E': element('UI', seriesInstanceUid),
    '00200010': element('SH', 'TEST'),
    '00200011': element('IS', 1),
    '00200013': element('IS', 1),
    '0040A040': element('CS', 'CONTAINER'),
    '0040A043': code('18748-4', 'LN', 'Diagnostic imaging report'),
    '0040A050': element('CS', 'SEPARATE'),
    '0040A372': element('SQ'),
    '0040A491': element('CS', 'PARTIAL'),
    '0040A493': element('CS', 'UNVERIFIED'),
    '0040A730': { vr: 'SQ', Value: [textItem()] },
  };
  return { kind: 'sr', sopClassUid: BASIC_TEXT_SR, studyInstanceUid, seriesInstanceUid, sopInstanceUid, dataSet };
}

function textItem(): DicomDataSet {
  return {
    '0040A010': element('CS', 'CONTAINS'),
    '0040A040': element('CS', 'TEXT'),
    '0040A043': code('121106', 'DCM', 'Comment'),
    '0040A160': element('UT', TEXT),
  };
}

function code(value: string, scheme: string, meaning: string): DicomElement {
  const item = {
    '00080100': element('SH', value),
    '00080102': element('SH', scheme),
    '00080104': element('LO', meaning),
  };
  return { vr: 'SQ', Value: [item] };
}

function element(vr: ValueRepresentation, ...values: readonly (string | number)[]): DicomElement {
  return { vr, Value: values };
}
