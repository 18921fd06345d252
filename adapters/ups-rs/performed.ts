/**
 * What Wetread writes into a work item: progress (PS3.3 C.30.1), what was performed and where the results are (C.30.3),
 * or why nothing was. Pure: records of the ledger in, data sets out.
 */
import type { StudyState } from '../../src/arrival/lifecycle.ts';
import { PRIVATE_SCHEME } from '../../src/codes.ts';
import type { DicomDataSet, DicomElement } from '../../src/dicom-json.ts';
import { ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { type Cause, REASONS, type ReasonCode } from '../../src/reasons.ts';
import type { Workitem } from './workitem.ts';

/** An item that work has begun on: it says when, or will. */
export type StartedWorkitem = Workitem & Required<Pick<Workitem, 'startedAt'>>;

/** Who performs: a code that is ours, so that items can be told from those of others. */
export interface Performer {
  readonly aeTitle: string;
  /** DICOMweb root where the results can be retrieved, where it is known. */
  readonly resultsUrl?: string;
}

/** Where the work on an item stands. */
export type Progress =
  | { readonly kind: 'working'; readonly percent: number; readonly description: string }
  | { readonly kind: 'completed' }
  | { readonly kind: 'canceled'; readonly reason: string };

/** Discontinued for unspecified reason (PS3.16 CID 9300): the codes there tell of patients and equipment, ours of studies. */
const DISCONTINUED = sequence({
  '00080100': sh('110513'),
  '00080102': sh('DCM'),
  '00080104': lo('Discontinued for unspecified reason'),
});

const PERCENT: Readonly<Partial<Record<StudyState, number>>> = { triaging: 10, reading: 30, drafted: 80 };
/** Final states in which a draft of the study is, or was, in the archive. */
const DRAFTED: readonly StudyState[] = ['filed', 'signed', 'rejected', 'superseded'];
/** States in which Wetread does nothing more by itself. */
const GIVEN_UP: readonly StudyState[] = ['not-selected', 'not-evaluable', 'held', 'parked', 'closed'];

/**
 * An item is completed when every study has its draft, and canceled as soon as one has ended without. A study that is
 * held or parked ends it too: an operator may still have it read, but nobody knows when, and an item that stays in
 * progress blocks whoever waits for it.
 */
export function progressOf(records: readonly (StudyRecord | undefined)[]): Progress {
  if (records.length === 0) return { kind: 'canceled', reason: 'The work item names no study' };
  for (const record of records) {
    if (record === undefined) return { kind: 'canceled', reason: 'Wetread does not know the study any more' };
    if (GIVEN_UP.includes(record.state)) return { kind: 'canceled', reason: reasonOf(record) };
  }
  const states = records.flatMap((record) => record?.state ?? []);
  const isDone = (state: StudyState): boolean => DRAFTED.includes(state);
  if (states.every(isDone)) return { kind: 'completed' };
  const percents = states.map((state) => (isDone(state) ? 100 : (PERCENT[state] ?? 0)));
  const percent = Math.floor(percents.reduce((sum, each) => sum + each, 0) / percents.length);
  return { kind: 'working', percent, description: states.find((state) => !isDone(state))! };
}

/** The meaning of a code, never its detail: that is for the operators of Wetread. */
function reasonOf({ state, reason }: StudyRecord): string {
  return reason === undefined ? state : `${state}: ${meaningOf(reason)}`;
}

function meaningOf({ code }: Cause): string {
  return code in REASONS ? REASONS[code as ReasonCode] : ERROR_CODES[code as ErrorCode].means;
}

/** Procedure Step Progress Information Sequence (0074,1002). */
export function progressUpdate(percent: number, description: string): DicomDataSet {
  return {
    '00741002': sequence({
      '00741004': { vr: 'DS', Value: [percent] },
      '00741006': { vr: 'ST', Value: [description] },
    }),
  };
}

export function startedWorkitem(workitem: Workitem, now: Date): StartedWorkitem {
  return { ...workitem, startedAt: workitem.startedAt ?? dateTime(now) };
}

/** Says who is at the item: with it a work item counts as noticed. */
export function startUpdate(workitem: StartedWorkitem, performer: Performer): DicomDataSet {
  return { ...progressUpdate(0, 'noticed'), '00741216': sequence(performed(workitem, performer)) };
}

/** Unified Procedure Step Performed Procedure Sequence (0074,1216) of an item that is done, as COMPLETED asks for it. */
export function completionUpdate(
  workitem: StartedWorkitem,
  performer: Performer,
  records: readonly (StudyRecord | undefined)[],
  now: Date,
): DicomDataSet {
  const outputs = records.flatMap((record) => (record === undefined ? [] : outputsOf(record, performer)));
  return {
    ...progressUpdate(100, 'drafted'),
    '00741216': sequence({
      ...performed(workitem, performer),
      '00404051': { vr: 'DT', Value: [dateTime(now)] },
      '00404033': { vr: 'SQ', Value: outputs },
    }),
  };
}

/** @param proposed Procedure Step Discontinuation Reason Code Sequence (0074,100E) of who asked for it */
export function cancellationUpdate(reason: string, now: Date, proposed?: DicomElement): DicomDataSet {
  return {
    '00741002': sequence({
      '00404052': { vr: 'DT', Value: [dateTime(now)] },
      '00741238': { vr: 'LT', Value: [reason] },
      '0074100E': proposed ?? DISCONTINUED,
    }),
  };
}

function performed({ workitemCode, startedAt }: StartedWorkitem, { aeTitle }: Performer): DicomDataSet {
  return {
    '00404028': sequence({
      '00080100': sh(aeTitle),
      '00080102': sh(PRIVATE_SCHEME.designator),
      '00080104': lo('Wetread'),
    }),
    '00404019': sequence(workitemCode ?? READING),
    '00404050': { vr: 'DT', Value: [startedAt] },
  };
}

/** What was done where the item names no code for it. */
const READING: DicomDataSet = {
  '00080100': sh('READ'),
  '00080102': sh(PRIVATE_SCHEME.designator),
  '00080104': lo('Preliminary read'),
};

/** Output Information Sequence (0040,4033), an item for every series (PS3.3 Table 10-3b). */
function outputsOf({ studyInstanceUid, results }: StudyRecord, { resultsUrl }: Performer): readonly DicomDataSet[] {
  return (results?.objects ?? []).map(({ seriesInstanceUid, sopClassUid, sopInstanceUid }) => ({
    '0040E020': { vr: 'CS', Value: ['DICOM'] },
    '0020000D': ui(studyInstanceUid),
    '0020000E': ui(seriesInstanceUid),
    '00081199': sequence({ '00081150': ui(sopClassUid), '00081155': ui(sopInstanceUid) }),
    ...(resultsUrl !== undefined && {
      '0040E025': sequence({
        '00081190': {
          vr: 'UR',
          Value: [`${resultsUrl}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`],
        },
      }),
    }),
  }));
}

/** PS3.5 6.2, with the offset from UTC. */
function dateTime(at: Date): string {
  return `${at.toISOString().replace(/[-:T]/g, '').replace('Z', '')}+0000`;
}

function sequence(item: DicomDataSet): DicomElement {
  return { vr: 'SQ', Value: [item] };
}

function ui(uid: string): DicomElement {
  return { vr: 'UI', Value: [uid] };
}

function sh(text: string): DicomElement {
  return { vr: 'SH', Value: [text] };
}

function lo(text: string): DicomElement {
  return { vr: 'LO', Value: [text] };
}
