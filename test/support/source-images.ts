/** The images of a sample volume as CT Image Storage (PS3.3 A.3), so that tools can compare results with their source. */
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import type { DicomDataSet, DicomElement, PersonName } from '../../src/dicom-json.ts';
import { personNameOf } from '../../src/dicom-json.ts';

/** One Part 10 file per slice, along the normal. */
export function sourceImages(volume: Volume, study: StudyHeader): Uint8Array[] {
  const writer = instanceWriter();
  return volume.slices.map((slice, k) =>
    writer.write({
      kind: 'seg',
      studyInstanceUid: study.studyInstanceUid,
      seriesInstanceUid: volume.seriesInstanceUid,
      sopInstanceUid: slice.sopInstanceUid,
      sopClassUid: slice.sopClassUid,
      dataSet: { ...patient(study), ...image(volume, k) },
    }),
  );
}

function patient(study: StudyHeader): DicomDataSet {
  const [Alphabetic = '', Ideographic = '', Phonetic = ''] = (study.patientName ?? '').split('=');
  const name: PersonName = { Alphabetic, Ideographic, Phonetic };
  return {
    '00080005': text('CS', 'ISO_IR 192'),
    '00080020': text('DA', study.studyDate),
    '00080030': text('TM', study.studyTime),
    '00080050': text('SH', study.accessionNumber),
    '00080090': { vr: 'PN', Value: study.referringPhysicianName ? [{ Alphabetic: study.referringPhysicianName }] : [] },
    ...optional('00081030', text('LO', study.studyDescription)),
    ...optional('00080201', text('SH', study.timezoneOffsetFromUtc)),
    '00100010': { vr: 'PN', Value: personNameOf({ x: { vr: 'PN', Value: [name] } }, 'x') ? [name] : [] },
    '00100020': text('LO', study.patientId),
    ...optional('00100021', text('LO', study.issuerOfPatientId)),
    '00100030': text('DA', study.patientBirthDate),
    '00100040': text('CS', study.patientSex),
    '0020000D': text('UI', study.studyInstanceUid),
    '00200010': text('SH', study.studyId),
  };
}

function image(volume: Volume, k: number): DicomDataSet {
  const slice = volume.slices[k]!;
  const [, rows, columns] = volume.shape;
  const frame = volume.header.frames[0]!;
  return {
    '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY', 'AXIAL'] },
    '00080016': text('UI', slice.sopClassUid),
    '00080018': text('UI', slice.sopInstanceUid),
    '00080060': text('CS', 'CT'),
    '00080070': text('LO', 'Phantom'),
    '00180050': number('DS', frame.sliceThickness!),
    '00180060': number('DS', 120),
    '00185100': text('CS', 'HFS'),
    '0020000E': text('UI', volume.seriesInstanceUid),
    '00200011': number('IS', 2),
    '00200012': number('IS', 1),
    '00200013': number('IS', k + 1),
    '00200032': number('DS', ...slice.imagePositionPatient),
    '00200037': number('DS', ...frame.imageOrientationPatient!),
    '00200052': text('UI', volume.frameOfReferenceUid),
    '00201040': text('LO', undefined),
    '00280002': number('US', 1),
    '00280004': text('CS', 'MONOCHROME2'),
    '00280010': number('US', rows),
    '00280011': number('US', columns),
    '00280030': number('DS', ...frame.pixelSpacing!),
    '00280100': number('US', 16),
    '00280101': number('US', 12),
    '00280102': number('US', 11),
    '00280103': number('US', 0),
    '00281052': number('DS', slice.intercept),
    '00281053': number('DS', slice.slope),
    '00281054': text('LO', 'HU'),
    '7FE00010': { vr: 'OW', InlineBinary: Buffer.from(sliceVoxels(volume, k).slice().buffer).toString('base64') },
  };
}

function text(vr: DicomElement['vr'], value: string | undefined): DicomElement {
  return { vr, Value: value === undefined ? [] : [value] };
}

function number(vr: DicomElement['vr'], ...values: number[]): DicomElement {
  return { vr, Value: values };
}

function optional(tag: string, element: DicomElement): DicomDataSet {
  return element.Value?.length === 0 ? {} : { [tag]: element };
}
