/**
 * `wetread studies`: what the ledger knows of studies, and what an operator decides. It works on the ledger itself,
 * beside a running server, which looks at the ledger twice a second and so acts on a replay by itself.
 */
import { OPERATOR_MOVES, type OperatorMove, operatorMoves, type StudyState } from '../../../src/arrival/lifecycle.ts';
import { operatorReason } from '../../../src/arrival/operator-note.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { Ledger, StudyRecord } from '../../../src/ports.ts';
import { isUid, parseUid, type StudyInstanceUid } from '../../../src/uid.ts';
import { systemClock } from '../system-clock.ts';
import { openExistingLedger } from '../wiring/ledger.ts';
import { type CommandOptions, siteConfig } from './options.ts';
import { countText } from './progress.ts';
import { filterOf, isEmptyFilter, matches, type StudyFilter } from './study-filter.ts';
import { listText, movedText, studyText } from './study-text.ts';

export async function studies(options: CommandOptions): Promise<number> {
  const [action, ...words] = options.words;
  if (action !== 'list' && action !== 'show' && !isMove(action)) {
    throw mistake(`studies needs one of list, show, ${OPERATOR_MOVES.join(', ')}`);
  }
  const filter = filterOf(options, systemClock.now());
  const uids = words.map(uidOf);
  requireWhich(action, uids, filter);
  await using ledger = await openExistingLedger(siteConfig(options));
  if (action === 'list') return await list(ledger, filter, options.json);
  if (action === 'show') return await show(ledger, uids[0]!, options.json);
  return await move(ledger, action, uids.length === 0 ? filter : uids, options);
}

function requireWhich(action: string, uids: readonly string[], filter: StudyFilter): void {
  if (action === 'list' && uids.length > 0) throw mistake('studies list takes no UID; use studies show UID');
  if (action === 'show' && uids.length !== 1) throw mistake('studies show needs one Study Instance UID');
  if (action === 'list' || action === 'show') return;
  if (uids.length > 0 === isEmptyFilter(filter)) return;
  throw mistake(`studies ${action} needs either Study Instance UIDs or a filter: --state, --reason, --since`);
}

async function list(ledger: Ledger, filter: StudyFilter, json = false): Promise<number> {
  const records = (await ledger.list()).filter((record) => matches(filter, record));
  return print(json ? JSON.stringify(records, null, 2) : listText(records));
}

async function show(ledger: Ledger, uid: StudyInstanceUid, json = false): Promise<number> {
  const record = await ledger.get(uid);
  if (record === undefined) throw new WetreadError('not-found', 'No such study is in the ledger');
  const history = await ledger.history(uid);
  return print(json ? JSON.stringify({ ...record, history }, null, 2) : studyText(record, history));
}

interface Moved {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly from: StudyState;
  readonly to: StudyState;
}
interface Refused {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly code: string;
  readonly message: string;
}

const DONE: Readonly<Record<OperatorMove, string>> = {
  replay: 'to be read again; a running server begins by itself',
  park: 'parked',
  close: 'closed',
};

/** Every study is a decision of its own: one that is refused keeps no other from being moved. */
async function move(
  ledger: Ledger,
  transition: OperatorMove,
  which: readonly StudyInstanceUid[] | StudyFilter,
  { note, json = false }: CommandOptions,
): Promise<number> {
  const moved: Moved[] = [];
  const refused: Refused[] = [];
  for (const [studyInstanceUid, record] of await chosen(ledger, transition, which)) {
    try {
      const to = await ledger.move(studyInstanceUid, transition, operatorReason(note));
      moved.push({ studyInstanceUid, from: record?.state ?? to, to });
    } catch (error) {
      const { code, message } = WetreadError.from(error);
      refused.push({ studyInstanceUid, code, message });
    }
  }
  if (json) print(JSON.stringify({ moved, refused }, null, 2));
  else {
    const lines = [
      ...moved.map(({ studyInstanceUid, from, to }) => movedText(studyInstanceUid, from, to)),
      ...refused.map(({ studyInstanceUid, message }) => `${studyInstanceUid}  refused: ${message}`),
      `${countText(moved.length, 'study', 'studies')} ${DONE[transition]}${refused.length === 0 ? '' : `, ${refused.length} refused`}`,
    ];
    print(lines.join('\n'));
  }
  return refused.length === 0 ? 0 : 1;
}

/** By name whatever their state, so that a refusal is told; by filter those for which the state table has the move. */
async function chosen(
  ledger: Ledger,
  transition: OperatorMove,
  which: readonly StudyInstanceUid[] | StudyFilter,
): Promise<readonly (readonly [StudyInstanceUid, StudyRecord | undefined])[]> {
  if (isList(which)) return Promise.all(which.map(async (uid) => [uid, await ledger.get(uid)] as const));
  const records = await ledger.list();
  return records
    .filter((record) => matches(which, record) && operatorMoves(record.state).includes(transition))
    .map((record) => [record.studyInstanceUid, record] as const);
}

function isList(which: readonly StudyInstanceUid[] | StudyFilter): which is readonly StudyInstanceUid[] {
  return Array.isArray(which);
}

function isMove(action: string | undefined): action is OperatorMove {
  return OPERATOR_MOVES.some((move) => move === action);
}

function uidOf(text: string): StudyInstanceUid {
  if (!isUid(text)) throw mistake('a Study Instance UID is expected');
  return parseUid(text);
}

function mistake(text: string): WetreadError {
  return new WetreadError('request-invalid', `${text}; see wetread --help`);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
