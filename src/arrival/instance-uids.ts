import { type DicomDataSet, stringOf } from '../dicom-json.ts';
import { reason, type Skipped } from '../reasons.ts';
import { isUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../uid.ts';

export interface InstanceUids {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly sopInstanceUid: SopInstanceUid;
  readonly sopClassUid: string;
}

/** The UIDs that every composite instance carries (PS3.3 C.12.1, C.7.2.1, C.7.3.1); missing ones are never invented. */
export function readInstanceUids(dataSet: DicomDataSet): InstanceUids | Skipped {
  const studyInstanceUid = uidOf(dataSet, '0020000D');
  const seriesInstanceUid = uidOf(dataSet, '0020000E');
  const sopInstanceUid = uidOf(dataSet, '00080018');
  const sopClassUid = uidOf(dataSet, '00080016');
  if (studyInstanceUid === undefined) return lacking(dataSet, '0020000D', 'Study Instance UID');
  if (seriesInstanceUid === undefined) return lacking(dataSet, '0020000E', 'Series Instance UID');
  if (sopInstanceUid === undefined) return lacking(dataSet, '00080018', 'SOP Instance UID');
  if (sopClassUid === undefined) return { skipped: reason('data-set-invalid', 'SOP Class UID is missing') };
  return {
    studyInstanceUid: studyInstanceUid as StudyInstanceUid,
    seriesInstanceUid: seriesInstanceUid as SeriesInstanceUid,
    sopInstanceUid: sopInstanceUid as SopInstanceUid,
    sopClassUid,
  };
}

function lacking(dataSet: DicomDataSet, tag: string, name: string): Skipped {
  return {
    skipped: reason('uid-missing', `${name} is ${stringOf(dataSet, tag) === undefined ? 'missing' : 'invalid'}`),
  };
}

/** A UID that keeps PS3.5 section 9.1; undefined where there is none or another text. */
export function uidOf(dataSet: DicomDataSet, tag: string): string | undefined {
  const text = stringOf(dataSet, tag);
  return text !== undefined && isUid(text) ? text : undefined;
}
