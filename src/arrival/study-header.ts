import { type DicomDataSet, itemsOf, personNameOf, stringOf } from '../dicom-json.ts';
import { reason, type Skipped } from '../reasons.ts';
import type { StudyInstanceUid } from '../uid.ts';
import { uidOf } from './instance-uids.ts';
import type { RequestAttributes, StudyHeader } from './study.ts';

/** Tags that {@link readStudyHeader} reads at the top level of a data set. */
export const STUDY_HEADER_TAGS: readonly string[] = [
  '00080020',
  '00080030',
  '00080050',
  '00080051',
  '00080090',
  '00080201',
  '00081030',
  '00100010',
  '00100020',
  '00100021',
  '00100030',
  '00100040',
  '0020000D',
  '00200010',
  '00400275',
];

/** Patient and study attributes of an instance, or of a study-level QIDO-RS answer. */
export function readStudyHeader(dataSet: DicomDataSet): StudyHeader | Skipped {
  const studyInstanceUid = uidOf(dataSet, '0020000D');
  if (studyInstanceUid === undefined)
    return { skipped: reason('uid-missing', 'Study Instance UID is missing or invalid') };
  return {
    studyInstanceUid: studyInstanceUid as StudyInstanceUid,
    ...present({
      patientId: stringOf(dataSet, '00100020'),
      issuerOfPatientId: stringOf(dataSet, '00100021'),
      patientName: personNameOf(dataSet, '00100010'),
      patientBirthDate: stringOf(dataSet, '00100030'),
      patientSex: stringOf(dataSet, '00100040'),
      studyDate: stringOf(dataSet, '00080020'),
      studyTime: stringOf(dataSet, '00080030'),
      studyId: stringOf(dataSet, '00200010'),
      studyDescription: stringOf(dataSet, '00081030'),
      accessionNumber: stringOf(dataSet, '00080050'),
      referringPhysicianName: personNameOf(dataSet, '00080090'),
      timezoneOffsetFromUtc: stringOf(dataSet, '00080201'),
    }),
    requests: requestsOf(dataSet),
  };
}

/** Items of Request Attributes Sequence (0040,0275), each completed from the study; one for the study's own order where there are none. */
function requestsOf(dataSet: DicomDataSet): readonly RequestAttributes[] {
  const own = present({
    accessionNumber: stringOf(dataSet, '00080050'),
    issuerOfAccessionNumber: issuerOf(dataSet),
  });
  const requests = itemsOf(dataSet, '00400275').map((item) => ({ ...own, ...requestOf(item) }));
  const all = requests.length > 0 ? requests : [own];
  return all.filter((request) => Object.keys(request).length > 0);
}

function requestOf(item: DicomDataSet): RequestAttributes {
  const procedureCode = itemsOf(item, '00321064')[0];
  return present({
    accessionNumber: stringOf(item, '00080050'),
    issuerOfAccessionNumber: issuerOf(item),
    requestedProcedureId: stringOf(item, '00401001'),
    requestedProcedureDescription:
      stringOf(item, '00321060') ?? (procedureCode === undefined ? undefined : stringOf(procedureCode, '00080104')),
    reasonForTheRequestedProcedure: stringOf(item, '00401002'),
    placerOrderNumber: stringOf(item, '00402016'),
    fillerOrderNumber: stringOf(item, '00402017'),
  });
}

/** Issuer of Accession Number Sequence (0008,0051): the universal entity, else the local one. */
function issuerOf(dataSet: DicomDataSet): string | undefined {
  const issuer = itemsOf(dataSet, '00080051')[0];
  return issuer === undefined ? undefined : (stringOf(issuer, '00400032') ?? stringOf(issuer, '00400031'));
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined: absent and undefined are told apart in this project. */
export function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
