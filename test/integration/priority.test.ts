/**
 * Days of a busy reading room, simulated: hundreds of studies of mixed urgency, one worker that cannot keep up, the real
 * ledger on a clock of its own. What is asserted is the order in which studies are read.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { ALLOWANCE_MINUTES, dueAt, type Priority } from '../../src/arrival/priority.ts';
import type { Attempt, Clock, Ledger } from '../../src/ports.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { random } from '../support/random.ts';

const READING_MS = 60_000;
const LOOK_MS = 500;

interface Arrival {
  readonly atMs: number;
  readonly priority: Priority;
}

interface Told {
  readonly priority: Priority;
  readonly acceptedMs: number;
  readonly dueMs: number;
  readonly startedMs: number;
  /** Since it arrived; a busy worker accepts later. */
  readonly waitedMs: number;
}

/** One worker reads whatever the ledger gives it, until everything is read. @returns the studies in the order of reading. */
async function workThrough(arrivals: readonly Arrival[]): Promise<readonly Told[]> {
  let nowMs = Date.parse('2026-01-05T06:00:00.000Z');
  const startMs = nowMs;
  const clock: Clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  using ledger = sqliteLedger({ file: ':memory:', clock });
  const byUid = new Map(arrivals.map((arrival, index) => [uidOf(index), arrival]));
  const read: Told[] = [];
  let arrived = 0;
  while (read.length < arrivals.length) {
    for (; (arrivals[arrived]?.atMs ?? Infinity) <= nowMs - startMs; arrived++)
      await notice(ledger, uidOf(arrived), clock);
    const attempt = await ledger.claim('worker', 10 * READING_MS);
    if (attempt === undefined) nowMs = startMs + arrivals[arrived]!.atMs;
    else if (attempt.task === 'triage') {
      nowMs += LOOK_MS;
      await ledger.advance(attempt, 'accept', { priority: byUid.get(attempt.studyInstanceUid)!.priority, rule: 'r' });
    } else {
      const { atMs, priority } = byUid.get(attempt.studyInstanceUid)!;
      read.push(told(attempt, priority, startMs + atMs, nowMs));
      nowMs += READING_MS;
      await ledger.advance(attempt, 'draft');
      await ledger.advance(attempt, 'file');
    }
  }
  return read;
}

function uidOf(index: number): StudyInstanceUid {
  return nameBasedUid<StudyInstanceUid>('priority simulation', String(index));
}

async function notice(ledger: Ledger, studyInstanceUid: StudyInstanceUid, clock: Clock): Promise<void> {
  const now = clock.now().toISOString();
  await ledger.notice({ studyInstanceUid, source: 'test', receivedAt: now }, now);
}

function told({ acceptedAt }: Attempt, priority: Priority, arrivedMs: number, startedMs: number): Told {
  const acceptedMs = Date.parse(acceptedAt);
  const dueMs = Date.parse(dueAt(acceptedAt, priority));
  return { priority, acceptedMs, dueMs, startedMs, waitedMs: startedMs - arrivedMs };
}

function medianWait(read: readonly Told[], priority: Priority): number {
  const waits = read.filter((study) => study.priority === priority).map(({ waitedMs }) => waitedMs);
  return waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)]!;
}

/** What was waiting when a study was due can pass it, and what comes later cannot; looks at newcomers go in between. */
function assertNobodyStarves(read: readonly Told[]): void {
  for (const study of read) {
    const { dueMs, startedMs, priority } = study;
    const backlog = read.filter(
      (other) => other !== study && other.acceptedMs <= dueMs && other.startedMs + READING_MS > dueMs,
    );
    const looks = read.filter(({ acceptedMs }) => acceptedMs >= dueMs - READING_MS && acceptedMs <= startedMs).length;
    const latestMs = dueMs + backlog.length * READING_MS + looks * LOOK_MS;
    assert.ok(
      startedMs <= latestMs,
      `${priority}: ${startedMs - latestMs} ms past what its allowance and the backlog allow`,
    );
  }
}

/** Whenever two waited side by side, the one that was due first was read first: so their order never changed. */
function assertOrderIsKept(read: readonly Told[]): void {
  for (const [index, first] of read.entries()) {
    for (const second of read.slice(index + 1)) {
      const wereBothThere = second.acceptedMs + LOOK_MS <= first.startedMs;
      assert.ok(!wereBothThere || first.dueMs <= second.dueMs, `${second.priority} was passed by ${first.priority}`);
    }
  }
}

const MIXED: readonly Priority[] = [
  ...['stat', 'asap', 'asap', 'urgent', 'urgent', 'urgent', 'urgent'],
  ...Array.from({ length: 13 }, () => 'routine'),
] as readonly Priority[];

function mixedDay(seed: number, studies: number, everyMs: number): readonly Arrival[] {
  const numbers = random(seed);
  let atMs = 0;
  return Array.from({ length: studies }, () => {
    atMs += Math.round(numbers.between(0, 2 * everyMs));
    return { atMs, priority: numbers.pick(MIXED) };
  });
}

test('WR-RUL-11 more studies than one worker reads: urgent ones go first, nobody starves, the order of two never changes', async () => {
  for (const seed of [1, 2, 3]) {
    const read = await workThrough(mixedDay(seed, 360, 0.8 * READING_MS));
    const routine = medianWait(read, 'routine');
    for (const [priority, share] of [
      ['stat', 20],
      ['asap', 10],
      ['urgent', 4],
    ] as const) {
      const wait = medianWait(read, priority);
      assert.ok(wait < routine / share, `${priority} ${wait} ms, routine ${routine} ms, seed ${seed}`);
    }
    assertNobodyStarves(read);
    assertOrderIsKept(read);
  }
});

test('WR-RUL-11 in an endless stream of most urgent studies a routine one waits for its allowance and the backlog, no longer', async () => {
  const allowanceMs = ALLOWANCE_MINUTES.routine * 60_000;
  const everyMs = 0.9 * READING_MS;
  const count = Math.round((1.5 * allowanceMs) / everyMs);
  const flood = Array.from({ length: count }, (_, n): Arrival => ({ atMs: n * everyMs, priority: 'stat' }));
  const read = await workThrough([flood[0]!, { atMs: 1000, priority: 'routine' }, ...flood.slice(1)]);
  const place = read.findIndex(({ priority }) => priority === 'routine');
  const backlog = 0.1 * (allowanceMs / READING_MS);
  assert.ok(read[place]!.startedMs >= read[place]!.dueMs, 'the stream was endless');
  assert.ok(place <= allowanceMs / READING_MS + 2 * backlog, `read as number ${place} of ${read.length}`);
  assertNobodyStarves(read);
  assertOrderIsKept(read);
});
