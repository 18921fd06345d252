/**
 * The ledger that replicas share, on PostgreSQL: a row lock puts the changes of a study one after the other, and a claim
 * skips what another claim has locked. A call that returned is on the server's disk as far as its `synchronous_commit`
 * says.
 */
import {
  attemptOf,
  inOrder,
  type LedgerRow,
  type OutgoingRow,
  recordOf,
  type StepRow,
  stepOf,
} from '../../src/arrival/ledger-columns.ts';
import {
  advanced,
  arrived,
  type ChangedRow,
  CLOCK_SLACK_MS,
  claimed,
  leaseLost,
  moved,
  movedOn,
  noticed,
  owned,
  sourceLeaseLost,
} from '../../src/arrival/ledger-row.ts';
import { FINAL_STATES, type StudyState, type StudyTransition } from '../../src/arrival/lifecycle.ts';
import type { StudyEvent } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type {
  Attempt,
  Clock,
  DocumentName,
  FindingsReady,
  Ledger,
  RecordPatch,
  SourceLease,
  StudyRecord,
  StudyStep,
} from '../../src/ports.ts';
import type { Reason } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { Database, type DatabaseOptions, type Session } from './database.ts';

export interface PostgresLedgerOptions extends DatabaseOptions {
  /** Leases and retries are compared with it: replicas keep their clocks together (NTP) to well below a lease. */
  readonly clock: Clock;
  /** Whether filed drafts leave events to be sent; default no. */
  readonly announces?: boolean;
}

/** What one claim looks at: studies that are due to move on, a part of them if they are many, and the first that waits. */
const CLAIMABLE = `
  WITH due AS (
    SELECT * FROM wetread.study
    WHERE state IN ('settling', 'triaging', 'reading', 'drafted')
      AND ((CASE state WHEN 'settling' THEN settled_at ELSE lease_until END) <= $1 OR changed_at > $2)
    LIMIT 50 FOR UPDATE SKIP LOCKED
  ), waiting AS (
    SELECT * FROM wetread.study
    WHERE state IN ('accepted', 'failed') AND (state = 'accepted' OR retry_at <= $1 OR changed_at > $2)
    ORDER BY due_at, study_instance_uid LIMIT 1 FOR UPDATE SKIP LOCKED
  )
  SELECT * FROM due UNION ALL SELECT * FROM waiting`;

const FORGET_LAST = `DELETE FROM wetread.step WHERE study_instance_uid = $1 AND number > (
  SELECT MAX(number) FROM wetread.step WHERE study_instance_uid = $1 AND transition <> ALL($2))`;

const LOCKED_LEASE = 'SELECT FROM wetread.source_lease WHERE source = $3 AND worker = $4 FOR UPDATE';

/**
 * A server that is down is no fault here: calls throw `ledger-unreachable` until it is back.
 * @throws WetreadError `config-invalid` where the server refuses the log-in, or a newer Wetread has changed the tables.
 */
export async function postgresLedger(options: PostgresLedgerOptions): Promise<PostgresLedger> {
  const database = new Database(options);
  try {
    await database.migrate();
  } catch (error) {
    if (!(error instanceof WetreadError) || error.code !== 'ledger-unreachable') {
      await database.close();
      throw error;
    }
  }
  return new PostgresLedger(database, options);
}

export class PostgresLedger implements Ledger, AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #announces: boolean;

  constructor(database: Database, { clock, announces = false }: Pick<PostgresLedgerOptions, 'clock' | 'announces'>) {
    this.#database = database;
    this.#clock = clock;
    this.#announces = announces;
  }

  async notice(event: StudyEvent, settledAt: string): Promise<void> {
    const { row, steps } = noticed(event, settledAt, this.#now());
    const columns = Object.keys(row);
    const written = await this.#database.run(
      `WITH written AS (
         INSERT INTO wetread.study (${columns.join(', ')}) VALUES (${columns.map((_, i) => `$${i + 1}`).join(', ')})
         ON CONFLICT DO NOTHING RETURNING *)
       ${addSteps(columns.length + 1)}`,
      [...Object.values(row), JSON.stringify(steps)],
    );
    if (written === 0)
      await this.#change(event.studyInstanceUid, (known) => arrived(known!, event, settledAt, this.#now()));
  }

  async claim(worker: string, leaseMs: number): Promise<Attempt | undefined> {
    return this.#database.transaction(async (session) => {
      const now = this.#now();
      const rows = await session.rows<LedgerRow>(CLAIMABLE, [now, this.#now(CLOCK_SLACK_MS)]);
      const changes = rows.map((row) => (isWaiting(row) ? { row, steps: [] } : movedOn(row, now)));
      const [next, ...others] = changes.toSorted(byUrgency);
      for (const change of others) if (change.steps.length > 0) write(session, change);
      if (next === undefined) return undefined;
      const taken = claimed(next.row, worker, now, this.#now(leaseMs));
      write(session, { row: taken.row, steps: [...next.steps, ...taken.steps] });
      return attemptOf(taken.row);
    });
  }

  async heartbeat(attempt: Attempt, leaseMs: number): Promise<void> {
    const written = await this.#database.run(
      'UPDATE wetread.study SET lease_until = $3 WHERE study_instance_uid = $1 AND fence = $2',
      [attempt.studyInstanceUid, attempt.fence, this.#now(leaseMs)],
    );
    if (written === 0) throw leaseLost();
  }

  async advance(attempt: Attempt, transition: StudyTransition, patch: RecordPatch = {}): Promise<StudyState> {
    const change = await this.#change(attempt.studyInstanceUid, (row) =>
      advanced(owned(row, attempt), transition, patch, this.#now()),
    );
    return change.state;
  }

  async move(studyInstanceUid: StudyInstanceUid, transition: StudyTransition, because?: Reason): Promise<StudyState> {
    const change = await this.#change(studyInstanceUid, (row) => moved(row, transition, this.#now(), because));
    return change.state;
  }

  async get(studyInstanceUid: StudyInstanceUid): Promise<StudyRecord | undefined> {
    const [row] = await this.#database.rows<LedgerRow>('SELECT * FROM wetread.study WHERE study_instance_uid = $1', [
      studyInstanceUid,
    ]);
    return row === undefined ? undefined : recordOf(row);
  }

  async list(limit?: number): Promise<readonly StudyRecord[]> {
    const rows = await this.#database.rows<LedgerRow>(
      'SELECT * FROM wetread.study ORDER BY changed_at DESC, study_instance_uid LIMIT $1',
      [limit ?? null],
    );
    return rows.map(recordOf);
  }

  async countByState(): Promise<ReadonlyMap<StudyState, number>> {
    const rows = await this.#database.rows<{ state: StudyState; count: number }>(
      'SELECT state, COUNT(*)::INTEGER AS count FROM wetread.study GROUP BY state',
    );
    return new Map(rows.map(({ state, count }) => [state, count]));
  }

  async history(studyInstanceUid: StudyInstanceUid): Promise<readonly StudyStep[]> {
    const rows = await this.#database.rows<StepRow>(
      'SELECT * FROM wetread.step WHERE study_instance_uid = $1 ORDER BY number',
      [studyInstanceUid],
    );
    return rows.map(stepOf);
  }

  async saveDocument(attempt: Attempt, name: DocumentName, bytes: Uint8Array): Promise<void> {
    const written = await this.#database.run(
      `WITH own AS (SELECT FROM wetread.study WHERE study_instance_uid = $1 AND fence = $2 FOR UPDATE)
       INSERT INTO wetread.document (study_instance_uid, name, bytes) SELECT $1, $3, $4::BYTEA FROM own
       ON CONFLICT (study_instance_uid, name) DO UPDATE SET bytes = excluded.bytes`,
      [attempt.studyInstanceUid, attempt.fence, name, bytes],
    );
    if (written === 0) throw leaseLost();
  }

  async document(studyInstanceUid: StudyInstanceUid, name: DocumentName): Promise<Uint8Array | undefined> {
    const [row] = await this.#database.rows<{ bytes: Uint8Array }>(
      'SELECT bytes FROM wetread.document WHERE study_instance_uid = $1 AND name = $2',
      [studyInstanceUid, name],
    );
    return row?.bytes;
  }

  async sourceState(source: string): Promise<string | undefined> {
    const [row] = await this.#database.rows<{ state: string }>(
      'SELECT state FROM wetread.source_state WHERE source = $1',
      [source],
    );
    return row?.state;
  }

  async saveSourceState(source: string, state: string, lease?: SourceLease): Promise<void> {
    // The lease's row stays locked until the state is written: nobody takes it over in between.
    const own = lease === undefined ? 'SELECT' : LOCKED_LEASE;
    const written = await this.#database.run(
      `WITH own AS (${own}) INSERT INTO wetread.source_state (source, state) SELECT $1, $2 FROM own
       ON CONFLICT (source) DO UPDATE SET state = excluded.state`,
      [source, state, ...(lease === undefined ? [] : [lease.source, lease.worker])],
    );
    if (written === 0) throw sourceLeaseLost();
  }

  async leaseSource({ source, worker }: SourceLease, leaseMs: number): Promise<boolean> {
    const written = await this.#database.run(
      `INSERT INTO wetread.source_lease AS held (source, worker, lease_until) VALUES ($1, $2, $3)
       ON CONFLICT (source) DO UPDATE SET worker = $2, lease_until = $3
       WHERE held.worker = $2 OR held.lease_until <= $4 OR held.lease_until > $5`,
      [source, worker, this.#now(leaseMs), this.#now(), this.#now(leaseMs + CLOCK_SLACK_MS)],
    );
    return written > 0;
  }

  async releaseSource({ source, worker }: SourceLease): Promise<void> {
    await this.#database.run('DELETE FROM wetread.source_lease WHERE source = $1 AND worker = $2', [source, worker]);
  }

  async takeOutgoing(limit: number, leaseMs: number): Promise<readonly FindingsReady[]> {
    const rows = await this.#database.rows<OutgoingRow>(
      `UPDATE wetread.outgoing SET taken_until = $2 WHERE number IN (
         SELECT number FROM wetread.outgoing WHERE sent_at IS NULL
           AND (taken_until IS NULL OR taken_until <= $1 OR taken_until > $4)
         ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING number::INTEGER, event`,
      [this.#now(), this.#now(leaseMs), limit, this.#now(leaseMs + CLOCK_SLACK_MS)],
    );
    return inOrder(rows);
  }

  async markSent(eventIds: readonly string[]): Promise<void> {
    await this.#database.run('UPDATE wetread.outgoing SET sent_at = $1 WHERE event_id = ANY($2)', [
      this.#now(),
      [...eventIds],
    ]);
  }

  async prune(before: string, limit: number): Promise<readonly StudyInstanceUid[]> {
    return this.#database.transaction(async (session) => {
      const rows = await session.rows<{ study_instance_uid: StudyInstanceUid }>(
        `SELECT study_instance_uid FROM wetread.study WHERE state = ANY($1) AND changed_at < $2
         ORDER BY changed_at LIMIT $3 FOR UPDATE SKIP LOCKED`,
        [FINAL_STATES, before, limit],
      );
      const old = rows.map((row) => row.study_instance_uid);
      for (const table of ['document', 'step', 'study']) {
        session.send(`DELETE FROM wetread.${table} WHERE study_instance_uid = ANY($1)`, [old]);
      }
      session.send('DELETE FROM wetread.outgoing WHERE sent_at < $1', [before]);
      return old;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }

  /** Changes a row that nobody else can change meanwhile. */
  #change<T extends ChangedRow>(
    studyInstanceUid: StudyInstanceUid,
    step: (row: LedgerRow | undefined) => T,
  ): Promise<T> {
    return this.#database.transaction(async (session) => {
      const [row] = await session.rows<LedgerRow>(
        'SELECT * FROM wetread.study WHERE study_instance_uid = $1 FOR UPDATE',
        [studyInstanceUid],
      );
      const change = step(row);
      write(session, change);
      if (change.outgoing !== undefined && this.#announces) announce(session, change.outgoing);
      return change;
    });
  }

  #now(aheadMs = 0): string {
    return new Date(this.#clock.now().getTime() + aheadMs).toISOString();
  }
}

function isWaiting({ state }: LedgerRow): boolean {
  return state === 'accepted' || state === 'failed';
}

function byUrgency({ row: a }: ChangedRow, { row: b }: ChangedRow): number {
  const [first, second] = [a, b].map((row) => `${row.due_at} ${row.study_instance_uid}`) as [string, string];
  return first < second ? -1 : 1;
}

/** Row and history in one statement: every statement is a way to the server and back. */
function write(session: Session, { row, steps, replaces = [] }: ChangedRow): void {
  const columns = Object.keys(row);
  if (replaces.length > 0) session.send(FORGET_LAST, [row.study_instance_uid, [...replaces]]);
  session.send(
    `WITH written AS (
       UPDATE wetread.study SET ${columns.map((name, i) => `${name} = $${i + 1}`).join(', ')}
       WHERE study_instance_uid = $${columns.indexOf('study_instance_uid') + 1} RETURNING *)
     ${addSteps(columns.length + 1)}`,
    [...Object.values(row), JSON.stringify(steps)],
  );
}

function announce(session: Session, event: FindingsReady): void {
  session.send('INSERT INTO wetread.outgoing (event_id, event) VALUES ($1, $2)', [
    event.eventId,
    JSON.stringify(event),
  ]);
}

/** Adds the steps of the JSON array in a parameter to the history of the study in `written`, in their order. */
function addSteps(parameter: number): string {
  return `INSERT INTO wetread.step (study_instance_uid, number, at, transition, state, reason)
    SELECT written.study_instance_uid,
      (SELECT COUNT(*) FROM wetread.step WHERE study_instance_uid = written.study_instance_uid) + added.number,
      value->>'at', value->>'transition', value->>'state', value->>'reason'
    FROM written, JSON_ARRAY_ELEMENTS($${parameter}::JSON) WITH ORDINALITY AS added (value, number)`;
}
