/**
 * What each event makes of a study's row. Pure: a row and an event in, the row and the
 * steps of its history out. A ledger only locks the row, asks here, and writes both in one transaction, so that no two
 * ledgers can disagree on what a study's life looks like.
 */
import { WetreadError } from '../errors.ts';
import type { Attempt, FindingsReady, RecordPatch } from '../ports.ts';
import type { Reason } from '../reasons.ts';
import { archiveOf, completenessOf, type Hints, hintsOf, type LedgerRow, type StepRow } from './ledger-columns.ts';
import { isFinal, nextState, operatorMoves, type StudyState, type StudyTransition } from './lifecycle.ts';
import { dueAt } from './priority.ts';
import type { StudyEvent } from './study-event.ts';

/**
 * What was changed so far ahead of now was changed by a clock that has been set back since. The times in such a row mean
 * nothing, and are not waited for; replicas' clocks are never so far apart.
 */
export const CLOCK_SLACK_MS = 300_000;

/** The row as it is to be written, and what its history gains. */
export interface ChangedRow {
  readonly row: LedgerRow;
  readonly steps: readonly StepRow[];
  /** Steps of these transitions at the end of the history make room for those that come. */
  readonly replaces?: readonly StudyTransition[];
  /** Told to subscribers, in the same transaction (the outbox). */
  readonly outgoing?: FindingsReady;
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
    settled_at: settlesAt(event, settledAt, now),
    accepted_at: null,
    retry_at: null,
    lease_until: null,
    arrived_again_at: null,
    timings: '{}',
    not_read: '[]',
    due_at: null,
    arrived_at: now,
    hints: JSON.stringify(hintsOf(event)),
    priority: null,
    rule: null,
    completeness: null,
    results: null,
  };
  return stepped(row, 'notice', now);
}

/** The quiet period counts from now: the clock may have been set since the event was received. */
function settlesAt({ receivedAt }: StudyEvent, settledAt: string, now: string): string {
  return new Date(Date.parse(now) + Date.parse(settledAt) - Date.parse(receivedAt)).toISOString();
}

/** New images: settle anew at once, or, while a worker is at it, as soon as that worker is done. */
export function arrived(before: LedgerRow, event: StudyEvent, givenAt: string, now: string): ChangedRow {
  const settledAt = settlesAt(event, givenAt, now);
  if (isKnown(before, event)) return { row: before, steps: [] };
  // That a source saw the study complete, and what it counted, held for the images of then.
  const { rung: _rung, instances: _instances, ...lasting } = JSON.parse(before.hints) as Hints;
  const row = { ...before, hints: JSON.stringify({ ...lasting, ...hintsOf(event) }) };
  if (nextState(row.state, 'arrive') === undefined) return { row: { ...row, arrived_again_at: settledAt }, steps: [] };
  return reopened(row, settledAt, now);
}

/**
 * Whether a source that has seen no change names what is known already: a second archive that holds the study too, or a
 * source that says it twice. Where the first archive failed the second one is welcome.
 */
function isKnown(row: LedgerRow, { archive, instances }: StudyEvent): boolean {
  if (instances === undefined || row.state === 'failed' || row.state === 'parked') return false;
  const found = completenessOf(row).completeness?.counts.instances;
  if (found !== undefined) return instances <= found;
  const before = JSON.parse(row.hints) as Hints;
  return !isFinal(row.state) && before.archive !== archive && instances <= (before.instances ?? 0);
}

/** The study settles, is looked at and read anew. */
function reopened(row: LedgerRow, settledAt: string, now: string): ChangedRow {
  const readBefore = row.accepted_at !== null;
  return withColumns(stepped(row, 'arrive', now), {
    ...UNSEEN,
    settled_at: settledAt,
    arrived_again_at: null,
    arrived_at: now,
    accepted_at: null,
    attempts: 0,
    revision: row.revision + (readBefore ? 1 : 0),
  });
}

/** What a look finds out. */
const UNSEEN = { priority: null, rule: null, completeness: null } as const;

/** A settled study becomes accepted; one whose lease has lapsed is released. */
export function movedOn(row: LedgerRow, now: string): ChangedRow {
  if (row.state !== 'settling') return stepped(row, 'release', now);
  const acceptedAt = row.accepted_at ?? now;
  return withColumns(stepped(row, 'complete', now), { accepted_at: acceptedAt, due_at: dueAt(acceptedAt, null) });
}

export function claimed(row: LedgerRow, worker: string, now: string, leaseUntil: string): ChangedRow {
  const isTriage = row.priority === null;
  return withColumns(stepped(row, isTriage ? 'triage' : 'claim', now), {
    fence: row.fence + 1,
    attempts: row.attempts + 1,
    worker,
    lease_until: leaseUntil,
    retry_at: null,
  });
}

/** A study that waits is looked at hundreds of times; of looks that found nothing new the history keeps the last. */
const LOOKS: readonly StudyTransition[] = ['complete', 'triage', 'wait'];

/** @throws WetreadError `conflict` where the state table forbids the transition. */
export function advanced(row: LedgerRow, transition: StudyTransition, patch: RecordPatch, now: string): SteppedRow {
  const replaced = transition === 'wait' ? { replaces: LOOKS } : {};
  const change = { ...stepped(row, transition, now, patch), ...replaced, ...announced(row, transition, patch, now) };
  const after = withColumns(change, consequences(transition, patch, now));
  const { arrived_again_at: arrivedAgainAt } = row;
  const reopens = arrivedAgainAt !== null && nextState(change.state, 'arrive') !== undefined;
  if (!reopens) return { ...change, ...after };
  const again = reopened(after.row, arrivedAgainAt, now);
  return { ...change, row: again.row, steps: [...change.steps, ...again.steps] };
}

/** Tries count anew once a look has succeeded; a study that waits settles once more, and what was found is kept for the next look. */
function consequences(transition: StudyTransition, patch: RecordPatch, now: string): Partial<LedgerRow> {
  if (transition === 'accept') return { attempts: 0 };
  if (transition !== 'wait') return {};
  const settledAt = patch.retryAt ?? now;
  return { attempts: 0, settled_at: settledAt, retry_at: null, accepted_at: null, priority: null, rule: null };
}

function announced(
  row: LedgerRow,
  transition: StudyTransition,
  { results }: RecordPatch,
  now: string,
): Pick<ChangedRow, 'outgoing'> {
  if (transition !== 'file' || results === undefined) return {};
  return {
    outgoing: {
      eventId: `${row.study_instance_uid}/${row.revision}/${row.fence}`,
      studyInstanceUid: row.study_instance_uid,
      revision: row.revision,
      filedAt: now,
      ...archiveOf(row),
      results,
      ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    },
  };
}

/** An operator's move: tries count anew, and a worker that is at it loses its lease. @throws WetreadError `conflict`, or `request-invalid` without a row. */
export function moved(
  row: LedgerRow | undefined,
  transition: StudyTransition,
  now: string,
  because?: Reason,
): SteppedRow {
  if (row === undefined) throw new WetreadError('request-invalid', 'No such study is in the ledger');
  if (nextState(row.state, transition) === undefined) throw forbidden(row.state, transition);
  const change = stepped(row, transition, now, because && { reason: because });
  const acceptedAt = row.accepted_at ?? now;
  const anew =
    transition === 'replay'
      ? { ...UNSEEN, accepted_at: acceptedAt, due_at: dueAt(acceptedAt, null) }
      : { lease_until: null };
  return { ...change, ...withColumns(change, { ...anew, attempts: 0, retry_at: null, fence: row.fence + 1 }) };
}

function forbidden(state: StudyState, transition: StudyTransition): WetreadError {
  const moves = operatorMoves(state);
  const possible = moves.length === 0 ? 'nothing can be done by hand' : `possible: ${moves.join(', ')}`;
  return new WetreadError('conflict', `No '${transition}' in state '${state}'; ${possible}`);
}

/** @throws WetreadError `lease-lost` where the row is not the attempt's any more. */
export function owned(row: LedgerRow | undefined, attempt: Attempt): LedgerRow {
  if (row === undefined || row.fence !== attempt.fence) throw leaseLost();
  return row;
}

export function sourceLeaseLost(): WetreadError {
  return new WetreadError('lease-lost', 'Another worker runs the source');
}

export function leaseLost(): WetreadError {
  return new WetreadError('lease-lost', 'Another worker has taken the attempt over');
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
      ...found(row, patch),
    },
  };
}

/** What a look found, and what was written back. */
function found(row: LedgerRow, { priority, rule, completeness, results }: RecordPatch): Partial<LedgerRow> {
  return {
    ...(priority !== undefined && { priority, due_at: dueAt(row.accepted_at ?? row.changed_at, priority) }),
    ...(rule !== undefined && { rule }),
    ...(completeness !== undefined && { completeness: JSON.stringify(completeness) }),
    ...(results !== undefined && { results: JSON.stringify(results) }),
  };
}

function withColumns(change: ChangedRow, columns: Partial<LedgerRow>): ChangedRow {
  return { row: { ...change.row, ...columns }, steps: change.steps };
}
