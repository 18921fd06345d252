/** A work item (PS3.3 B.26, C.30) as its data set tells: what it asks for, of which studies, and who is at it. */

import { patientDigest } from '../../src/arrival/patient-digest.ts';
import type { Priority } from '../../src/arrival/priority.ts';
import { type DicomDataSet, itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import { isUid, parseUid, type StudyInstanceUid } from '../../src/uid.ts';

export type WorkitemState = 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';

/** Which items are Wetread's to do: every list that is given has to hold a value of the item. */
export interface WorkitemMatch {
  /** Scheduled Workitem Code Sequence (0040,4018). */
  readonly workitemCodes?: readonly CodeMatch[];
  /** Procedure Step Label (0074,1204). */
  readonly labels?: readonly string[];
  /** Scheduled Station Name Code Sequence (0040,4025). */
  readonly stations?: readonly CodeMatch[];
}

/** Code Value (0008,0100) and Coding Scheme Designator (0008,0102). */
export interface CodeMatch {
  readonly value: string;
  readonly scheme: string;
}

/** A study of Input Information Sequence (0040,4021). */
export interface InputStudy {
  readonly studyInstanceUid: StudyInstanceUid;
  /** Referenced SOP Sequences (0008,1199) together, where there are any. */
  readonly expectedInstances?: number;
}

export interface Workitem {
  readonly workitemUid: string;
  readonly state: WorkitemState;
  /** Input Readiness State (0040,4041): all input is there. */
  readonly isReady: boolean;
  readonly priority: Priority;
  readonly patientDigest?: string;
  readonly studies: readonly InputStudy[];
  /** An item of Scheduled Workitem Code Sequence, as it came: what was asked for is what was done. */
  readonly workitemCode?: DicomDataSet;
  /** Code Value of Performed Station Name Code Sequence (0040,4028): who says to be at it. */
  readonly performedStation?: string;
  /** Performed Procedure Step Start DateTime (0040,4050). */
  readonly startedAt?: string;
  /** Procedure Step Progress (0074,1004), in percent. */
  readonly progress: number;
}

const STATES: readonly string[] = ['SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED'] satisfies WorkitemState[];
/** Scheduled Procedure Step Priority (0074,1200), PS3.3 C.30.2. */
const PRIORITIES: Readonly<Record<string, Priority>> = { HIGH: 'stat', MEDIUM: 'urgent', LOW: 'routine' };

/** @returns undefined where the data set is none of a work item */
export function workitemOf(dataSet: DicomDataSet): Workitem | undefined {
  const [workitemUid, state] = [stringOf(dataSet, '00080018'), stringOf(dataSet, '00741000')];
  if (workitemUid === undefined || !isUid(workitemUid) || state === undefined || !STATES.includes(state)) {
    return undefined;
  }
  const patientId = stringOf(dataSet, '00100020');
  const [workitemCode] = itemsOf(dataSet, '00404018');
  const [progress] = itemsOf(dataSet, '00741002');
  return {
    workitemUid,
    state: state as WorkitemState,
    isReady: stringOf(dataSet, '00404041') === 'READY',
    priority: PRIORITIES[stringOf(dataSet, '00741200') ?? ''] ?? 'routine',
    studies: studiesOf(dataSet),
    progress: (progress && numberOf(progress, '00741004')) ?? 0,
    ...(patientId !== undefined && { patientDigest: patientDigest(patientId) }),
    ...(workitemCode !== undefined && { workitemCode }),
    ...performedOf(dataSet),
  };
}

function performedOf(dataSet: DicomDataSet): Pick<Workitem, 'performedStation' | 'startedAt'> {
  const [performed = {}] = itemsOf(dataSet, '00741216');
  const [station = {}] = itemsOf(performed, '00404028');
  const [performedStation, startedAt] = [stringOf(station, '00080100'), stringOf(performed, '00404050')];
  return { ...(performedStation !== undefined && { performedStation }), ...(startedAt !== undefined && { startedAt }) };
}

/** An item of the sequence names a series; a study that is named in several is one. */
function studiesOf(dataSet: DicomDataSet): readonly InputStudy[] {
  const instances = new Map<StudyInstanceUid, Set<string>>();
  for (const input of itemsOf(dataSet, '00404021')) {
    const uid = stringOf(input, '0020000D');
    if (uid === undefined || !isUid(uid)) continue;
    const studyInstanceUid = parseUid<StudyInstanceUid>(uid);
    const seen = instances.get(studyInstanceUid) ?? new Set();
    for (const reference of itemsOf(input, '00081199')) seen.add(stringOf(reference, '00081155') ?? '');
    instances.set(studyInstanceUid, seen);
  }
  return [...instances].map(([studyInstanceUid, { size }]) => ({
    studyInstanceUid,
    ...(size > 0 && { expectedInstances: size }),
  }));
}

export function isAskedFor(dataSet: DicomDataSet, { workitemCodes, labels, stations }: WorkitemMatch): boolean {
  const label = stringOf(dataSet, '00741204');
  return (
    (workitemCodes === undefined || hasCode(dataSet, '00404018', workitemCodes)) &&
    (stations === undefined || hasCode(dataSet, '00404025', stations)) &&
    (labels === undefined || (label !== undefined && labels.includes(label)))
  );
}

function hasCode(dataSet: DicomDataSet, tag: string, codes: readonly CodeMatch[]): boolean {
  return itemsOf(dataSet, tag).some((item) => {
    const [value, scheme] = [stringOf(item, '00080100'), stringOf(item, '00080102')];
    return codes.some((code) => code.value === value && code.scheme === scheme);
  });
}

/** What a server can look for itself: a list of one value. */
export function keysOf({ workitemCodes, labels, stations }: WorkitemMatch): Readonly<Record<string, string>> {
  return {
    ...(workitemCodes?.length === 1 && { '00404018.00080100': workitemCodes[0]!.value }),
    ...(stations?.length === 1 && { '00404025.00080100': stations[0]!.value }),
    ...(labels?.length === 1 && { '00741204': labels[0]! }),
  };
}
