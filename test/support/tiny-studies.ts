/** Studies of three small CT slices, so that a thousand of them are read in minutes. */
import { dayOf } from '../../src/arrival/poll-schedule.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { part10File, studyUid, text } from './part10.ts';

export interface TinyStudy {
  readonly studyInstanceUid: StudyInstanceUid;
  /** Part 10 files, one a slice. */
  readonly files: readonly Uint8Array[];
}

/** Whose images they all are, as the health record knows them. */
export const TINY_PATIENT = { id: 'TINY-1', issuer: 'WETREAD-TINY', birthDate: '1970-01-01' } as const;

const SLICES = 3;
const COLUMNS = 16;

/** A study of today, dated as an archive has it that is polled. The same name always gives the same UIDs. */
export function tinyStudy(name: string): TinyStudy {
  const files = Array.from({ length: SLICES }, (_, index) => slice(name, index));
  return { studyInstanceUid: studyUid(name), files };
}

export function tinyStudies(name: string, count: number): readonly TinyStudy[] {
  return Array.from({ length: count }, (_, index) => tinyStudy(`${name} ${index + 1}`));
}

function slice(study: string, index: number): Uint8Array {
  const attributes = {
    '00080020': text('DA', dayOf(Date.now())),
    '00100021': text('LO', TINY_PATIENT.issuer),
    '00180050': text('DS', 2),
    '00200013': text('IS', index + 1),
    '00200032': text('DS', 0, 0, 2 * index),
    '00200037': text('DS', 1, 0, 0, 0, 1, 0),
    '00200052': text('UI', studyUid(`${study}/frame of reference`)),
    '00280030': text('DS', 2, 2),
    // Stored values begin at 0: everything is denser than air.
    '00281052': text('DS', -100),
    '00281054': text('LO', 'HU'),
  };
  const instance = `${study}/${index + 1}`;
  return part10File({ study, instance, patientId: TINY_PATIENT.id, columns: COLUMNS, attributes }).bytes;
}
