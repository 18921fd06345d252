/**
 * The embedded ledger: one SQLite file through `node:sqlite`, write-ahead log and `synchronous=FULL`, so that a call
 * that returned survives a power cut. One process, one connection, short synchronous statements.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
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
import { MIGRATIONS } from './schema.ts';

export interface SqliteLedgerOptions {
  /** Path of the database file; `:memory:` keeps nothing. */
  readonly file: string;
  readonly clock: Clock;
  /** Whether filed drafts leave events to be sent; default no. */
  readonly announces?: boolean;
}

const FINAL = FINAL_STATES.map((state) => `'${state}'`).join(', ');

export function sqliteLedger(options: SqliteLedgerOptions): SqliteLedger {
  if (options.file !== ':memory:') mkdirSync(dirname(options.file), { recursive: true });
  return new SqliteLedger(open(options.file), options);
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000');
  const applied = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < applied) continue;
    database.exec(`BEGIN IMMEDIATE; ${migration}; PRAGMA user_version=${index + 1}; COMMIT`);
  }
  return database;
}

export class SqliteLedger implements Ledger {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #announces: boolean;

  constructor(database: DatabaseSync, { clock, announces = false }: Omit<SqliteLedgerOptions, 'file'>) {
    this.#database = database;
    this.#clock = clock;
    this.#announces = announces;
  }

  async notice(event: StudyEvent, settledAt: string): Promise<void> {
    this.#transaction(() => {
      const row = this.#row(event.studyInstanceUid);
      this.#write(
        row === undefined ? noticed(event, settledAt, this.#now()) : arrived(row, event, settledAt, this.#now()),
      );
    });
  }

  async claim(worker: string, leaseMs: number): Promise<Attempt | undefined> {
    return this.#transaction(() => {
      const now = this.#now();
      const ahead = this.#now(CLOCK_SLACK_MS);
      const due = this.#rows(
        `WHERE (state = 'settling' AND (settled_at <= :now OR changed_at > :ahead))
            OR (state IN ('triaging', 'reading', 'drafted') AND (lease_until <= :now OR changed_at > :ahead))`,
        { now, ahead },
      );
      for (const row of due) this.#write(movedOn(row, now));
      const [next] = this.#rows(
        `WHERE state = 'accepted' OR (state = 'failed' AND (retry_at <= :now OR changed_at > :ahead))
         ORDER BY due_at, study_instance_uid LIMIT 1`,
        { now, ahead },
      );
      if (next === undefined) return undefined;
      return attemptOf(this.#write(claimed(next, worker, now, this.#now(leaseMs))).row);
    });
  }

  async heartbeat(attempt: Attempt, leaseMs: number): Promise<void> {
    this.#transaction(() => {
      const row = owned(this.#row(attempt.studyInstanceUid), attempt);
      this.#write({ row: { ...row, lease_until: this.#now(leaseMs) }, steps: [] });
    });
  }

  async advance(attempt: Attempt, transition: StudyTransition, patch: RecordPatch = {}): Promise<StudyState> {
    return this.#transaction(() => {
      const row = owned(this.#row(attempt.studyInstanceUid), attempt);
      return this.#write(advanced(row, transition, patch, this.#now())).state;
    });
  }

  async move(studyInstanceUid: StudyInstanceUid, transition: StudyTransition, because?: Reason): Promise<StudyState> {
    return this.#transaction(
      () => this.#write(moved(this.#row(studyInstanceUid), transition, this.#now(), because)).state,
    );
  }

  async get(studyInstanceUid: StudyInstanceUid): Promise<StudyRecord | undefined> {
    const row = this.#row(studyInstanceUid);
    return row === undefined ? undefined : recordOf(row);
  }

  async list(limit?: number): Promise<readonly StudyRecord[]> {
    // Minus one is no limit.
    const rows = this.#rows('ORDER BY changed_at DESC, study_instance_uid LIMIT :limit', { limit: limit ?? -1 });
    return rows.map(recordOf);
  }

  async countByState(): Promise<ReadonlyMap<StudyState, number>> {
    const rows = this.#database.prepare('SELECT state, COUNT(*) AS count FROM study GROUP BY state').all();
    return new Map(rows.map(({ state, count }) => [state as StudyState, Number(count)]));
  }

  async history(studyInstanceUid: StudyInstanceUid): Promise<readonly StudyStep[]> {
    const rows = this.#database
      .prepare('SELECT * FROM step WHERE study_instance_uid = ? ORDER BY number')
      .all(studyInstanceUid);
    return rows.map((row) => stepOf(row as unknown as StepRow));
  }

  async saveDocument(attempt: Attempt, name: DocumentName, bytes: Uint8Array): Promise<void> {
    this.#transaction(() => {
      owned(this.#row(attempt.studyInstanceUid), attempt);
      this.#database
        .prepare(
          `INSERT INTO document (study_instance_uid, name, bytes) VALUES (?, ?, ?)
           ON CONFLICT (study_instance_uid, name) DO UPDATE SET bytes = excluded.bytes`,
        )
        .run(attempt.studyInstanceUid, name, bytes);
    });
  }

  async document(studyInstanceUid: StudyInstanceUid, name: DocumentName): Promise<Uint8Array | undefined> {
    const row = this.#database
      .prepare('SELECT bytes FROM document WHERE study_instance_uid = ? AND name = ?')
      .get(studyInstanceUid, name);
    return row?.['bytes'] instanceof Uint8Array ? row['bytes'] : undefined;
  }

  async sourceState(source: string): Promise<string | undefined> {
    const row = this.#database.prepare('SELECT state FROM source_state WHERE source = ?').get(source);
    return row === undefined ? undefined : String(row['state']);
  }

  async saveSourceState(source: string, state: string, lease?: SourceLease): Promise<void> {
    this.#transaction(() => {
      if (lease !== undefined && this.#lesseeOf(lease.source) !== lease.worker) throw sourceLeaseLost();
      this.#database
        .prepare(
          `INSERT INTO source_state (source, state) VALUES (?, ?)
           ON CONFLICT (source) DO UPDATE SET state = excluded.state`,
        )
        .run(source, state);
    });
  }

  async leaseSource({ source, worker }: SourceLease, leaseMs: number): Promise<boolean> {
    return this.#transaction(() => {
      const { changes } = this.#database
        .prepare(
          `INSERT INTO source_lease (source, worker, lease_until) VALUES (:source, :worker, :until)
           ON CONFLICT (source) DO UPDATE SET worker = :worker, lease_until = :until
           WHERE worker = :worker OR lease_until <= :now OR lease_until > :ahead`,
        )
        .run({
          source,
          worker,
          until: this.#now(leaseMs),
          now: this.#now(),
          ahead: this.#now(leaseMs + CLOCK_SLACK_MS),
        });
      return changes > 0;
    });
  }

  async releaseSource({ source, worker }: SourceLease): Promise<void> {
    this.#transaction(() => {
      this.#database.prepare('DELETE FROM source_lease WHERE source = ? AND worker = ?').run(source, worker);
    });
  }

  async takeOutgoing(limit: number, leaseMs: number): Promise<readonly FindingsReady[]> {
    return this.#transaction(() => {
      const rows = this.#database
        .prepare(
          `UPDATE outgoing SET taken_until = :until WHERE number IN (
             SELECT number FROM outgoing WHERE sent_at IS NULL
               AND (taken_until IS NULL OR taken_until <= :now OR taken_until > :ahead)
             ORDER BY number LIMIT :limit)
           RETURNING number, event`,
        )
        .all({ until: this.#now(leaseMs), now: this.#now(), ahead: this.#now(leaseMs + CLOCK_SLACK_MS), limit });
      return inOrder(rows as unknown as OutgoingRow[]);
    });
  }

  async markSent(eventIds: readonly string[]): Promise<void> {
    this.#transaction(() => {
      const mark = this.#database.prepare('UPDATE outgoing SET sent_at = ? WHERE event_id = ?');
      for (const eventId of eventIds) mark.run(this.#now(), eventId);
    });
  }

  async prune(before: string, limit: number): Promise<readonly StudyInstanceUid[]> {
    return this.#transaction(() => {
      const old = this.#rows(`WHERE state IN (${FINAL}) AND changed_at < :before ORDER BY changed_at LIMIT :limit`, {
        before,
        limit,
      }).map((row) => row.study_instance_uid);
      for (const table of ['document', 'step', 'study']) {
        const remove = this.#database.prepare(`DELETE FROM ${table} WHERE study_instance_uid = ?`);
        for (const studyInstanceUid of old) remove.run(studyInstanceUid);
      }
      this.#database.prepare('DELETE FROM outgoing WHERE sent_at < ?').run(before);
      return old;
    });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #lesseeOf(source: string): unknown {
    return this.#database.prepare('SELECT worker FROM source_lease WHERE source = ?').get(source)?.['worker'];
  }

  #row(studyInstanceUid: StudyInstanceUid): LedgerRow | undefined {
    return this.#rows('WHERE study_instance_uid = :studyInstanceUid', { studyInstanceUid })[0];
  }

  #rows(condition: string, values: Record<string, string | number>): LedgerRow[] {
    return this.#database.prepare(`SELECT * FROM study ${condition}`).all(values) as unknown as LedgerRow[];
  }

  /** @returns the change itself. */
  #write<T extends ChangedRow>(change: T): T {
    const { row, steps, replaces = [] } = change;
    const columns = Object.keys(row);
    if (replaces.length > 0) this.#forgetLast(row.study_instance_uid, replaces);
    this.#database
      .prepare(
        `INSERT INTO study (${columns.join(', ')}) VALUES (${columns.map((name) => `:${name}`).join(', ')})
         ON CONFLICT DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
      )
      .run({ ...row });
    for (const step of steps) {
      this.#database
        .prepare(
          `INSERT INTO step (study_instance_uid, number, at, transition, state, reason)
           SELECT :uid, COUNT(*) + 1, :at, :transition, :state, :reason FROM step WHERE study_instance_uid = :uid`,
        )
        .run({ uid: row.study_instance_uid, ...step });
    }
    if (change.outgoing !== undefined && this.#announces) this.#announce(change.outgoing);
    return change;
  }

  #forgetLast(studyInstanceUid: StudyInstanceUid, transitions: readonly StudyTransition[]): void {
    const others = transitions.map(() => '?').join(', ');
    this.#database
      .prepare(
        `DELETE FROM step WHERE study_instance_uid = ? AND number > (
           SELECT MAX(number) FROM step WHERE study_instance_uid = ? AND transition NOT IN (${others}))`,
      )
      .run(studyInstanceUid, studyInstanceUid, ...transitions);
  }

  #announce(event: FindingsReady): void {
    this.#database
      .prepare('INSERT INTO outgoing (event_id, event) VALUES (?, ?)')
      .run(event.eventId, JSON.stringify(event));
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw asWetreadError(error);
    }
  }

  #now(aheadMs = 0): string {
    return new Date(this.#clock.now().getTime() + aheadMs).toISOString();
  }
}

/** SQLITE_FULL (13) and SQLITE_IOERR (10) are what a full disk looks like from here. */
function asWetreadError(error: unknown): WetreadError {
  const primary = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
  if (primary === 13 || primary === 10) {
    return new WetreadError('disk-full', 'The ledger could not be written', { cause: error });
  }
  return WetreadError.from(error);
}
