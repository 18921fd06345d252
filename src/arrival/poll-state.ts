/** Where the polling of an archive stands, as text for the ledger: identifiers, dates and counts, nothing of a patient. */
import type { StudyInstanceUid } from '../uid.ts';
import type { SeenStudies, SeenStudy, StudyCounts } from './polling.ts';

export interface PollState {
  readonly seen: SeenStudies;
  /** When the window was last looked through to its end: milliseconds since 1970. */
  readonly polledMs?: number;
  /** The same for the sweep. */
  readonly sweptMs?: number;
  /** Where the archive's own list of changes was read to: text of that list. */
  readonly changes?: string;
}

export const NOTHING_SEEN: PollState = { seen: new Map() };

/** One array per study: a state holds thousands. */
type Row = [
  studyInstanceUid: string,
  studyDate: string,
  series: number,
  instances: number,
  sinceMs: number,
  judged: 0 | 1,
  ...known: number[],
];

interface Stored {
  readonly version: 1;
  readonly polledMs?: number;
  readonly sweptMs?: number;
  readonly changes?: string;
  readonly studies: readonly Row[];
}

export function writePollState({ seen, ...times }: PollState): string {
  const stored: Stored = { version: 1, ...times, studies: [...seen].map(([uid, study]) => rowOf(uid, study)) };
  return JSON.stringify(stored);
}

/** @returns nothing seen, where the text is of another version: studies are then noticed once more, and none is lost */
export function readPollState(text: string | undefined): PollState {
  if (text === undefined) return NOTHING_SEEN;
  const { version, studies, ...times } = JSON.parse(text) as Stored;
  return version === 1 ? { ...times, seen: new Map(studies.map(studyOf)) } : NOTHING_SEEN;
}

function rowOf(studyInstanceUid: string, { studyDate, counts, sinceMs, judged, known }: SeenStudy): Row {
  const { series, instances } = counts;
  const image = known === undefined ? [] : [known.series, known.instances];
  return [studyInstanceUid, studyDate, series, instances, sinceMs, judged ? 1 : 0, ...image];
}

function studyOf(row: Row): [StudyInstanceUid, SeenStudy] {
  const [uid, studyDate, series, instances, sinceMs, judged, ...known] = row;
  const study: SeenStudy = { studyDate, counts: { series, instances }, sinceMs, judged: judged === 1 };
  return [uid as StudyInstanceUid, known.length === 2 ? { ...study, known: countsOf(known) } : study];
}

function countsOf([series = 0, instances = 0]: readonly number[]): StudyCounts {
  return { series, instances };
}
