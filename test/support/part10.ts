/** Small Part 10 files for tests of archives: valid, each with its own UIDs, and pixels where they are asked for. */
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { DicomDataSet, DicomElement, ValueRepresentation } from '../../src/dicom-json.ts';
import { nameBasedUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';

export const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
export const COMPREHENSIVE_3D_SR_STORAGE = '1.2.840.10008.5.1.4.1.1.88.34';

export interface TestInstance {
  /** Names from which the UIDs are made. */
  readonly study?: string;
  readonly series?: string;
  readonly instance?: string;
  readonly modality?: string;
  readonly patientId?: string;
  /** Further attributes, or others in place of the usual ones. */
  readonly attributes?: DicomDataSet;
  /** Columns of a square image of 16 bits; none for an object without pixels. */
  readonly columns?: number;
}

export function text(vr: ValueRepresentation, ...values: readonly (string | number)[]): DicomElement {
  return { vr, Value: values };
}

export const studyUid = (name: string): StudyInstanceUid => nameBasedUid<StudyInstanceUid>('test study', name);
export const seriesUid = (name: string): SeriesInstanceUid => nameBasedUid<SeriesInstanceUid>('test series', name);
export const sopUid = (name: string): SopInstanceUid => nameBasedUid<SopInstanceUid>('test instance', name);

/** The same description always gives the same bytes. Pixel values rise by one along the image, so that they can be told apart. */
export function part10File(description: TestInstance = {}): DicomFile {
  const { study = 'study', series = `${study}/series`, instance = `${series}/1`, columns } = description;
  const { modality = 'CT', patientId = `patient of ${study}`, attributes = {} } = description;
  const sopClassUid = modality === 'SR' ? COMPREHENSIVE_3D_SR_STORAGE : CT_IMAGE_STORAGE;
  const uids = {
    studyInstanceUid: studyUid(study),
    seriesInstanceUid: seriesUid(series),
    sopInstanceUid: sopUid(instance),
  };
  const dataSet: DicomDataSet = {
    '00080005': text('CS', 'ISO_IR 192'),
    '00080016': text('UI', sopClassUid),
    '00080018': text('UI', uids.sopInstanceUid),
    '00080020': text('DA', '20260131'),
    '00080030': text('TM', '101500'),
    '00080050': { vr: 'SH' },
    '00080060': text('CS', modality),
    '00080090': { vr: 'PN' },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
    '00100020': text('LO', patientId),
    '00100030': text('DA', '19700101'),
    '00100040': text('CS', 'F'),
    '0020000D': text('UI', uids.studyInstanceUid),
    '0020000E': text('UI', uids.seriesInstanceUid),
    '00200010': text('SH', '1'),
    '00200011': text('IS', 1),
    '00200013': text('IS', 1),
    ...(columns === undefined ? {} : imageAttributes(columns)),
    ...attributes,
  };
  const object = {
    kind: 'sr' as const,
    ...uids,
    sopClassUid,
    dataSet,
    ...(columns === undefined ? {} : { pixelData: pixels(columns) }),
  };
  return { object, bytes: instanceWriter().write(object) };
}

function imageAttributes(columns: number): DicomDataSet {
  return {
    '00080008': text('CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'),
    '00280002': text('US', 1),
    '00280004': text('CS', 'MONOCHROME2'),
    '00280010': text('US', columns),
    '00280011': text('US', columns),
    '00280100': text('US', 16),
    '00280101': text('US', 16),
    '00280102': text('US', 15),
    '00280103': text('US', 1),
    '00281050': text('DS', 40),
    '00281051': text('DS', 400),
    '00281052': text('DS', -1024),
    '00281053': text('DS', 1),
  };
}

function pixels(columns: number): Uint8Array {
  return new Uint8Array(Uint16Array.from({ length: columns * columns }, (_, i) => i % 4096).buffer);
}
