/** A row of the fault matrix: what is done to Wetread while studies arrive, and what must have become of every study. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type StudyState } from '../../src/arrival/lifecycle.ts';
import { type TinyStudy, tinyStudies } from '../support/tiny-studies.ts';
import { type Entry, NO_RESULTS, type Site } from './site.ts';

export interface FaultRow<S extends Site = Site> {
  readonly name: string;
  /** Studies that are sent. */
  readonly studies: number;
  readonly fault: (scene: Scene<S>) => Promise<void>;
}

/** One row while it runs. */
export interface Scene<S extends Site = Site> {
  readonly site: S;
  readonly studies: readonly TinyStudy[];
  /** Sends every study, again and again until it is taken, as senders do. */
  readonly send: () => Promise<void>;
  /** Resolves when so many of the studies are filed, as all are to be: half of one may be refused before the rest comes. */
  readonly ended: (count: number) => Promise<void>;
  /** Resolves when the ledger knows so many of the studies. */
  readonly known: (count: number) => Promise<void>;
  /** From now on nothing is in the way. */
  readonly healed: () => void;
}

/** What a row gave. */
export interface RowResult {
  readonly name: string;
  readonly studies: number;
  /** Studies without a final state, or said to be filed without SR, SEG or report. */
  readonly lost: number;
  /** Objects and reports beyond one SR, one SEG and one DiagnosticReport a study. */
  readonly duplicates: number;
  readonly states: Readonly<Partial<Record<StudyState, number>>>;
  /** From the end of the fault until a study is filed. */
  readonly recovery: { readonly medianMs: number; readonly maximumMs: number };
}

const LIMIT_MS = 120_000;
const STUDY_LIMIT_MS = 500;
/** A broker on a busy machine takes minutes to start. */
const SEND_LIMIT_MS = 400_000;
/** How often the ledger is looked at, at most; a thousand rows cost more than they tell. */
const LOOK_MS = 50;
/** For so long every study is in a final state before it is judged. */
const SETTLED_MS = 1000;
const SEND_AGAIN_MS = 300;
/** Senders at once. */
const SENDERS = 4;

export async function runRow<S extends Site>(site: S, row: FaultRow<S>): Promise<RowResult> {
  const studies = tinyStudies(row.name, row.studies);
  /** When a study was first seen filed, by the clock of the test: Wetread's may be wrong. */
  const seenFiled = new Map<string, number>();
  const lookMs = Math.max(LOOK_MS, studies.length);
  let healedAt = Date.now();
  let limit = Date.now() + LIMIT_MS + studies.length * STUDY_LIMIT_MS;
  const ended = async (count: number): Promise<void> => {
    for (;;) {
      for (const { studyInstanceUid, state } of await entriesOf(site, studies)) {
        if (state === 'filed' && !seenFiled.has(studyInstanceUid)) seenFiled.set(studyInstanceUid, Date.now());
      }
      if (seenFiled.size >= count || Date.now() > limit) return;
      await sleep(lookMs);
    }
  };
  /** A message that comes twice has a study read again: for a moment none may move. */
  const settled = async (): Promise<void> => {
    for (let since = Date.now(); Date.now() - since < SETTLED_MS && Date.now() < limit; await sleep(lookMs)) {
      if (finalOf(await entriesOf(site, studies)).length < studies.length) since = Date.now();
    }
  };
  const known = async (count: number): Promise<void> => {
    while ((await entriesOf(site, studies)).length < count && Date.now() < limit) await sleep(lookMs);
  };
  const healed = (): void => {
    healedAt = Date.now();
    limit = healedAt + LIMIT_MS + studies.length * STUDY_LIMIT_MS;
  };
  await row.fault({ site, studies, send: () => sendAll(site, studies), ended, known, healed });
  await ended(studies.length);
  await settled();
  const times = [...seenFiled.values()].map((at) => at - healedAt);
  const result = await judge(site, row, studies);
  if (result.lost > 0) await tellUnfinished(site, row, studies);
  return { ...result, recovery: recoveryOf(times) };
}

async function sendAll(site: Site, studies: readonly TinyStudy[]): Promise<void> {
  const queue = studies.values();
  const sender = async (): Promise<void> => {
    for (const study of queue) await deliverUntilTaken(site, study);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

async function deliverUntilTaken(site: Site, study: TinyStudy): Promise<void> {
  const limit = Date.now() + SEND_LIMIT_MS;
  for (;;) {
    try {
      await site.deliver(study);
      return;
    } catch (error) {
      if (Date.now() > limit) throw error;
      await sleep(SEND_AGAIN_MS);
    }
  }
}

/** A ledger that is away has nothing to say for the moment. */
async function entriesOf(site: Site, studies: readonly TinyStudy[]): Promise<readonly Entry[]> {
  const own = new Set<string>(studies.map(({ studyInstanceUid }) => studyInstanceUid));
  const entries = await site.entries().catch(() => []);
  return entries.filter(({ studyInstanceUid }) => own.has(studyInstanceUid));
}

function finalOf(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(({ state }) => isFinal(state));
}

async function judge(
  site: Site,
  { name }: FaultRow<never>,
  studies: readonly TinyStudy[],
): Promise<Omit<RowResult, 'recovery'>> {
  const entries = finalOf(await entriesOf(site, studies));
  const results = await site.results();
  const states: Partial<Record<StudyState, number>> = {};
  let [lost, duplicates] = [studies.length - entries.length, 0];
  for (const { studyInstanceUid, state } of entries) {
    const { sr, seg, reports } = results.get(studyInstanceUid) ?? NO_RESULTS;
    states[state] = (states[state] ?? 0) + 1;
    const counts = [sr, seg, reports];
    if (state === 'filed' && counts.includes(0)) lost += 1;
    duplicates += counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  }
  return { name, studies: studies.length, lost, duplicates, states };
}

/** A study that is lost is a riddle without what the ledger knows of it. */
async function tellUnfinished(site: Site, { name }: FaultRow<never>, studies: readonly TinyStudy[]): Promise<void> {
  const entries = await entriesOf(site, studies);
  const unfinished = entries.filter(({ state }) => !isFinal(state));
  const about = { running: site.wetread.isRunning, known: entries.length, unfinished };
  process.stderr.write(`${name}: ${JSON.stringify(about, null, 1)}\n`);
}

/** Studies that were filed before the fault was over needed no recovery. */
function recoveryOf(sinceHealedMs: readonly number[]): RowResult['recovery'] {
  const times = sinceHealedMs.filter((ms) => ms > 0).sort((a, b) => a - b);
  return { medianMs: times[Math.floor(times.length / 2)] ?? 0, maximumMs: times.at(-1) ?? 0 };
}

/** What every row has to give: nothing lost, nothing twice, every study filed. */
export function assertSound(result: RowResult, filed = result.studies): void {
  const { lost, duplicates, states } = result;
  assert.deepEqual({ lost, duplicates, states }, { lost: 0, duplicates: 0, states: { filed } });
}
