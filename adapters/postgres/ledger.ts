/**
 * The ledger that replicas share, on PostgreSQL: a row lock puts the changes of a study one after the other, and a claim
 * skips what another claim has locked. A call that returned is on the server's disk as far as its `synchronous_commit`
 * says.
 */
import {
  advanced,
  arrived,
  attemptOf,
  type ChangedRow,
  claimed,
  type LedgerRow,
  leaseLost,
  moved,
  movedOn,
  noticed,
  owned,
  recordOf,
  type StepRow,
  stepOf,
} from '../../src/arrival/ledger-row.ts';
import type { StudyState, StudyTransition } from '../../src/arrival/lifecycle.ts';
import type { StudyEvent } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Attempt, Clock, DocumentName, Ledger, RecordPatch, StudyRecord, StudyStep } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { Database, type DatabaseOptions, type Session } from './database.ts';

export interface PostgresLedgerOptions extends DatabaseOptions {
  /** Leases and retries are compared with it: replicas keep their clocks together (NTP) to well below a lease. */
  readonly clock: Clock;
}

/** Due studies that one claim moves on; the rest is left to the claims beside and after it. */
const MOVED_AT_ONCE = 50;

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
  return new PostgresLedger(database, options.clock);
}

export class PostgresLedger implements Ledger, AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async notice(event: StudyEvent, settledAt: string): Promise<void> {
    await this.#database.transaction(async (session) => {
      const first = noticed(event, settledAt, this.#now());
      if (await insert(session, first)) return;
      const row = await lock(session, event.studyInstanceUid);
      await update(session, arrived(row!, settledAt, this.#now()));
    });
  }

  async claim(worker: string, leaseMs: number): Promise<Attempt | undefined> {
    return this.#database.transaction(async (session) => {
      const now = this.#now();
      const due = await session.rows<LedgerRow>(
        `SELECT * FROM wetread.study
         WHERE state IN ('settling', 'reading', 'drafted')
           AND (CASE state WHEN 'settling' THEN settled_at ELSE lease_until END) <= $1
         LIMIT ${MOVED_AT_ONCE} FOR UPDATE SKIP LOCKED`,
        [now],
      );
      for (const row of due) await update(session, movedOn(row, now));
      const [next] = await session.rows<LedgerRow>(
        `SELECT * FROM wetread.study
         WHERE state IN ('accepted', 'failed') AND (state = 'accepted' OR retry_at <= $1)
         ORDER BY accepted_at, study_instance_uid LIMIT 1 FOR UPDATE SKIP LOCKED`,
        [now],
      );
      if (next === undefined) return undefined;
      return attemptOf((await update(session, claimed(next, worker, now, this.#now(leaseMs)))).row);
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
    return this.#database.transaction(async (session) => {
      const row = owned(await lock(session, attempt.studyInstanceUid), attempt);
      return (await update(session, advanced(row, transition, patch, this.#now()))).state;
    });
  }

  async move(studyInstanceUid: StudyInstanceUid, transition: StudyTransition): Promise<StudyState> {
    return this.#database.transaction(async (session) => {
      const row = await lock(session, studyInstanceUid);
      return (await update(session, moved(row, transition, this.#now()))).state;
    });
  }

  async get(studyInstanceUid: StudyInstanceUid): Promise<StudyRecord | undefined> {
    const [row] = await this.#database.rows<LedgerRow>('SELECT * FROM wetread.study WHERE study_instance_uid = $1', [
      studyInstanceUid,
    ]);
    return row === undefined ? undefined : recordOf(row);
  }

  async list(): Promise<readonly StudyRecord[]> {
    const rows = await this.#database.rows<LedgerRow>(
      'SELECT * FROM wetread.study ORDER BY changed_at DESC, study_instance_uid',
    );
    return rows.map(recordOf);
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

  async saveSourceState(source: string, state: string): Promise<void> {
    await this.#database.run(
      `INSERT INTO wetread.source_state (source, state) VALUES ($1, $2)
       ON CONFLICT (source) DO UPDATE SET state = excluded.state`,
      [source, state],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }

  #now(aheadMs = 0): string {
    return new Date(this.#clock.now().getTime() + aheadMs).toISOString();
  }
}

/** The row, for this transaction alone until it ends. */
async function lock(session: Session, studyInstanceUid: StudyInstanceUid): Promise<LedgerRow | undefined> {
  const rows = await session.rows<LedgerRow>('SELECT * FROM wetread.study WHERE study_instance_uid = $1 FOR UPDATE', [
    studyInstanceUid,
  ]);
  return rows[0];
}

/** @returns false where the study is there already; one that is being noticed beside this is waited for. */
async function insert(session: Session, change: ChangedRow): Promise<boolean> {
  const columns = Object.keys(change.row);
  const written = await session.run(
    `INSERT INTO wetread.study (${columns.join(', ')}) VALUES (${columns.map((_, i) => `$${i + 1}`).join(', ')})
     ON CONFLICT DO NOTHING`,
    Object.values(change.row),
  );
  if (written === 1) await addSteps(session, change);
  return written === 1;
}

/** Writes a locked row. @returns the change itself. */
async function update<T extends ChangedRow>(session: Session, change: T): Promise<T> {
  const columns = Object.keys(change.row);
  await session.run(
    `UPDATE wetread.study SET ${columns.map((name, i) => `${name} = $${i + 1}`).join(', ')}
     WHERE study_instance_uid = $${columns.indexOf('study_instance_uid') + 1}`,
    Object.values(change.row),
  );
  await addSteps(session, change);
  return change;
}

async function addSteps(session: Session, { row, steps }: ChangedRow): Promise<void> {
  for (const { at, transition, state, reason } of steps) {
    await session.run(
      `INSERT INTO wetread.step (study_instance_uid, number, at, transition, state, reason)
       SELECT $1, COUNT(*) + 1, $2, $3, $4, $5 FROM wetread.step WHERE study_instance_uid = $1`,
      [row.study_instance_uid, at, transition, state, reason],
    );
  }
}
