/**
 * A study's row as every ledger stores it, and what each event makes of it. Pure: a row and an event in, the row and the
 * steps of its history out. A ledger only locks the row, asks here, and writes both in one transaction, so that no two
 * ledgers can disagree on what a study's life looks like.
 */
import { WetreadError } from '../errors.ts';
import type { Attempt, NotRead, RecordPatch, StudyRecord, StudyStep } from '../ports.ts';
import type { Cause } from '../reasons.ts';
import type { StudyInstanceUid } from '../uid.ts';
import { isFinal, nextState, type StudyState, type StudyTransition } from './lifecycle.ts';
import type { StudyEvent } from './study-event.ts';

/** The columns of table `study`. Times are ISO 8601 in UTC, so that they compare as text. */
export interface LedgerRow {
  readonly study_instance_uid: StudyInstanceUid;
  readonly state: StudyState;
  /** JSON of a {@link Cause}. */
  readonly reason: string | null;
  readonly source: string;
  readonly traceparent: string | null;
  readonly trace_id: string | null;
  readonly revision: number;
  readonly attempts: number;
  /** Rises with every claim: a writer with another fence has lost its lease. */
  readonly fence: number;
  readonly worker: string | null;
  readonly noticed_at: string;
  readonly changed_at: string;
  readonly settled_at: string | null;
  readonly accepted_at: string | null;
  readonly retry_at: string | null;
  readonly lease_until: string | null;
  /** When images that came during a reading will have settled; the study reopens when that reading has ended. */
  readonly arrived_again_at: string | null;
  /** JSON of `StudyRecord.timingsMs`. */
  readonly timings: string;
  /** JSON of `StudyRecord.notRead`. */
  readonly not_read: string;
}

/** The columns of table `step`, less the study and the number that the ledger gives. */
export interface StepRow {
  readonly at: string;
  readonly transition: StudyTransition;
  readonly state: StudyState;
  /** JSON of a {@link Cause}. */
  readonly reason: string | null;
}

/** The row as it is to be written, and what its history gains. */
export interface ChangedRow {
  readonly row: LedgerRow;
  readonly steps: readonly StepRow[];
}

/** A change that a caller asked for by its transition. */
export interface SteppedRow extends ChangedRow {
  /** Where that transition led; images that came meanwhile may have moved the row on since. */
  readonly state: StudyState;
}

/** A study that the ledger did not know. */
export function noticed(event: StudyEvent, settledAt: string, now: string): ChangedRow {
  const row: LedgerRow = {
    study_instance_uid: event.studyInstanceUid,
    state: 'noticed',
    reason: null,
    source: event.source,
    traceparent: event.traceparent ?? null,
    trace_id: null,
    revision: 1,
    attempts: 0,
    fence: 0,
    worker: null,
    noticed_at: now,
    changed_at: now,
    settled_at: settledAt,
    accepted_at: null,
    retry_at: null,
    lease_until: null,
    arrived_again_at: null,
    timings: '{}',
    not_read: '[]',
  };
  return stepped(row, 'notice', now);
}

/** New images: settle anew at once, or, while a worker reads, as soon as that reading has ended. */
export function arrived(row: LedgerRow, settledAt: string, now: string): ChangedRow {
  if (nextState(row.state, 'arrive') === undefined) return { row: { ...row, arrived_again_at: settledAt }, steps: [] };
  const change = stepped(row, 'arrive', now);
  const readBefore = row.accepted_at !== null;
  return withColumns(change, {
    settled_at: settledAt,
    arrived_again_at: null,
    accepted_at: null,
    attempts: 0,
    revision: row.revision + (readBefore ? 1 : 0),
  });
}

/** A settled study becomes accepted; one whose lease has lapsed is released. */
export function movedOn(row: LedgerRow, now: string): ChangedRow {
  if (row.state !== 'settling') return stepped(row, 'release', now);
  return withColumns(stepped(row, 'complete', now), { accepted_at: row.accepted_at ?? now });
}

export function claimed(row: LedgerRow, worker: string, now: string, leaseUntil: string): ChangedRow {
  return withColumns(stepped(row, 'claim', now), {
    fence: row.fence + 1,
    attempts: row.attempts + 1,
    worker,
    lease_until: leaseUntil,
    retry_at: null,
  });
}

/** What the worker of a claimed row is given. */
export function attemptOf(row: LedgerRow): Attempt {
  return {
    studyInstanceUid: row.study_instance_uid,
    fence: row.fence,
    number: row.attempts,
    revision: row.revision,
    acceptedAt: row.accepted_at!,
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
  };
}

/** @throws WetreadError `conflict` where the state table forbids the transition. */
export function advanced(row: LedgerRow, transition: StudyTransition, patch: RecordPatch, now: string): SteppedRow {
  const change = stepped(row, transition, now, patch);
  const { arrived_again_at: arrivedAgainAt } = row;
  if (!isFinal(change.state) || arrivedAgainAt === null) return change;
  const reopened = arrived(change.row, arrivedAgainAt, now);
  return { ...change, row: reopened.row, steps: [...change.steps, ...reopened.steps] };
}

/** An operator's move; the attempts count anew. @throws WetreadError `conflict`, or `request-invalid` without a row. */
export function moved(row: LedgerRow | undefined, transition: StudyTransition, now: string): SteppedRow {
  if (row === undefined) throw new WetreadError('request-invalid', 'No such study is in the ledger');
  const change = stepped(row, transition, now);
  return { ...change, ...withColumns(change, { attempts: 0, retry_at: null }) };
}

/** @throws WetreadError `lease-lost` where the row is not the attempt's any more. */
export function owned(row: LedgerRow | undefined, attempt: Attempt): LedgerRow {
  if (row === undefined || row.fence !== attempt.fence) throw leaseLost();
  return row;
}

export function leaseLost(): WetreadError {
  return new WetreadError('lease-lost', 'Another worker has taken the attempt over');
}

export function recordOf(row: LedgerRow): StudyRecord {
  return {
    studyInstanceUid: row.study_instance_uid,
    state: row.state,
    revision: row.revision,
    attempts: row.attempts,
    noticedAt: row.noticed_at,
    changedAt: row.changed_at,
    source: row.source,
    timingsMs: JSON.parse(row.timings) as Record<string, number>,
    notRead: JSON.parse(row.not_read) as NotRead[],
    ...causeOf(row.reason),
    ...(row.retry_at === null ? {} : { retryAt: row.retry_at }),
    ...(row.trace_id === null ? {} : { traceId: row.trace_id }),
  };
}

export function stepOf({ at, transition, state, reason }: StepRow): StudyStep {
  return { at, transition, state, ...causeOf(reason) };
}

function causeOf(json: string | null): { reason?: Cause } {
  return json === null ? {} : { reason: JSON.parse(json) as Cause };
}

function stepped(row: LedgerRow, transition: StudyTransition, now: string, patch: RecordPatch = {}): SteppedRow {
  const state = nextState(row.state, transition);
  if (state === undefined) {
    throw new WetreadError('conflict', `The state table forbids '${transition}' in state '${row.state}'`);
  }
  const reason = patch.reason === undefined ? null : JSON.stringify(patch.reason);
  return {
    state,
    steps: [{ at: now, transition, state, reason }],
    row: {
      ...row,
      state,
      reason,
      changed_at: now,
      retry_at: patch.retryAt ?? row.retry_at,
      trace_id: patch.traceId ?? row.trace_id,
      timings: patch.timingsMs === undefined ? row.timings : JSON.stringify(patch.timingsMs),
      not_read: patch.notRead === undefined ? row.not_read : JSON.stringify(patch.notRead),
    },
  };
}

function withColumns(change: ChangedRow, columns: Partial<LedgerRow>): ChangedRow {
  return { row: { ...change.row, ...columns }, steps: change.steps };
}
