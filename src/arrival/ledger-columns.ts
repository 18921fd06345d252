/**
 * A study's row as every ledger stores it, and what is read out of it. Times are ISO 8601 in UTC, so that they compare as
 * text; what has parts is JSON.
 */
import type { Attempt, FiledResults, FindingsReady, NotRead, StudyRecord, StudyStep } from '../ports.ts';
import type { Cause } from '../reasons.ts';
import type { StudyInstanceUid } from '../uid.ts';
import type { Completeness, SourceRung } from './completeness.ts';
import type { StudyState, StudyTransition } from './lifecycle.ts';
import type { Priority } from './priority.ts';
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
  /** Orders the studies that wait ({@link dueAt}). */
  readonly due_at: string | null;
  /** When the images that are read next were noticed. */
  readonly arrived_at: string;
  /** JSON of {@link Hints}: what the sources said since then. */
  readonly hints: string;
  /** Null until the study has been looked at since it changed. */
  readonly priority: Priority | null;
  readonly rule: string | null;
  /** JSON of a {@link Completeness}. */
  readonly completeness: string | null;
  /** JSON of {@link FiledResults}. */
  readonly results: string | null;
}

/** What the sources said of a study, the latest word of each kind. */
export interface Hints {
  readonly archive?: string;
  readonly rung?: SourceRung;
  readonly expectedInstances?: number;
  readonly instances?: number;
  readonly priority?: Priority;
  readonly patientDigest?: string;
}

/** The columns of table `step`, less the study and the number that the ledger gives. */
export interface StepRow {
  readonly at: string;
  readonly transition: StudyTransition;
  readonly state: StudyState;
  /** JSON of a {@link Cause}. */
  readonly reason: string | null;
}

/** What is read of table `outgoing`. */
export interface OutgoingRow {
  readonly number: number;
  /** JSON of a {@link FindingsReady}. */
  readonly event: string;
}

/** Events in the order in which they were committed. */
export function inOrder(rows: readonly OutgoingRow[]): readonly FindingsReady[] {
  return rows.toSorted((a, b) => a.number - b.number).map(({ event }) => JSON.parse(event) as FindingsReady);
}

/** What the worker of a claimed row is given. */
export function attemptOf(row: LedgerRow): Attempt {
  return {
    task: row.state === 'triaging' ? 'triage' : 'read',
    studyInstanceUid: row.study_instance_uid,
    fence: row.fence,
    number: row.attempts,
    revision: row.revision,
    acceptedAt: row.accepted_at!,
    arrivedAt: row.arrived_at,
    source: row.source,
    hint: JSON.parse(row.hints) as Hints,
    ...completenessOf(row),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
  };
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
    ...archiveOf(row),
    ...(row.priority === null ? {} : { priority: row.priority }),
    ...(row.rule === null ? {} : { rule: row.rule }),
    ...completenessOf(row),
    ...(row.results === null ? {} : { results: JSON.parse(row.results) as FiledResults }),
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

export function completenessOf({ completeness }: LedgerRow): { completeness?: Completeness } {
  return completeness === null ? {} : { completeness: JSON.parse(completeness) as Completeness };
}

export function archiveOf({ hints }: LedgerRow): { archive?: string } {
  const { archive } = JSON.parse(hints) as Hints;
  return archive === undefined ? {} : { archive };
}

export function hintsOf(event: StudyEvent): Hints {
  const { archive, rung, expectedInstances, instances, priority, patientDigest } = event;
  return {
    ...(archive !== undefined && { archive }),
    ...(rung !== undefined && { rung }),
    ...(expectedInstances !== undefined && { expectedInstances }),
    ...(instances !== undefined && { instances }),
    ...(priority !== undefined && { priority }),
    ...(patientDigest !== undefined && { patientDigest }),
  };
}
