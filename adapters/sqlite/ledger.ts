/**
 * The embedded ledger: one SQLite file through `node:sqlite`, write-ahead log and `synchronous=FULL`, so that a call
 * that returned survives a power cut. One process, one connection, short synchronous statements.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { isFinal, nextState, type StudyState, type StudyTransition } from '../../src/arrival/lifecycle.ts';
import type { StudyEvent } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type {
  Attempt,
  Clock,
  DocumentName,
  Ledger,
  NotRead,
  RecordPatch,
  StudyRecord,
  StudyStep,
} from '../../src/ports.ts';
import type { Cause } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { MIGRATIONS } from './schema.ts';

type Row = Record<string, SQLOutputValue>;

export interface SqliteLedgerOptions {
  /** Path of the database file; `:memory:` keeps nothing. */
  readonly file: string;
  readonly clock: Clock;
}

export function sqliteLedger(options: SqliteLedgerOptions): SqliteLedger {
  if (options.file !== ':memory:') mkdirSync(dirname(options.file), { recursive: true });
  return new SqliteLedger(open(options.file), options.clock);
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000');
  const applied = Number((database.prepare('PRAGMA user_version').get() as Row)['user_version']);
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < applied) continue;
    database.exec(`BEGIN IMMEDIATE; ${migration}; PRAGMA user_version=${index + 1}; COMMIT`);
  }
  return database;
}

export class SqliteLedger implements Ledger {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async notice(event: StudyEvent, settledAt: string): Promise<void> {
    this.#transaction(() => {
      const row = this.#row(event.studyInstanceUid);
      if (row === undefined) this.#insert(event, settledAt);
      else this.#arriveAgain(row, settledAt);
    });
  }

  async claim(worker: string, leaseMs: number): Promise<Attempt | undefined> {
    return this.#transaction(() => {
      const now = this.#now();
      this.#each("state = 'settling' AND settled_at <= ?", now, (row) => this.#accept(row));
      this.#each("state IN ('reading', 'drafted') AND lease_until <= ?", now, (row) => this.#step(row, 'release'));
      const next = this.#database
        .prepare(
          `SELECT * FROM study WHERE state = 'accepted' OR (state = 'failed' AND retry_at <= ?)
           ORDER BY accepted_at, study_instance_uid LIMIT 1`,
        )
        .get(now) as Row | undefined;
      return next === undefined ? undefined : this.#lease(next, worker, leaseMs);
    });
  }

  async heartbeat(attempt: Attempt, leaseMs: number): Promise<void> {
    this.#transaction(() => {
      this.#owned(attempt);
      this.#set(attempt.studyInstanceUid, { lease_until: this.#now(leaseMs) });
    });
  }

  async advance(attempt: Attempt, transition: StudyTransition, patch: RecordPatch = {}): Promise<StudyState> {
    return this.#transaction(() => {
      const state = this.#step(this.#owned(attempt), transition, patch);
      const arrivedAgainAt = this.#row(attempt.studyInstanceUid)?.['arrived_again_at'];
      if (isFinal(state) && typeof arrivedAgainAt === 'string') {
        this.#arriveAgain(this.#row(attempt.studyInstanceUid)!, arrivedAgainAt);
      }
      return state;
    });
  }

  async move(studyInstanceUid: StudyInstanceUid, transition: StudyTransition): Promise<StudyState> {
    return this.#transaction(() => {
      const row = this.#row(studyInstanceUid);
      if (row === undefined) throw new WetreadError('request-invalid', 'No such study is in the ledger');
      const state = this.#step(row, transition);
      this.#set(studyInstanceUid, { attempts: 0, retry_at: null });
      return state;
    });
  }

  async get(studyInstanceUid: StudyInstanceUid): Promise<StudyRecord | undefined> {
    const row = this.#row(studyInstanceUid);
    return row === undefined ? undefined : recordOf(row);
  }

  async list(): Promise<readonly StudyRecord[]> {
    const rows = this.#database.prepare('SELECT * FROM study ORDER BY changed_at DESC, study_instance_uid').all();
    return rows.map(recordOf);
  }

  async history(studyInstanceUid: StudyInstanceUid): Promise<readonly StudyStep[]> {
    const rows = this.#database
      .prepare('SELECT * FROM step WHERE study_instance_uid = ? ORDER BY number')
      .all(studyInstanceUid);
    return rows.map(stepOf);
  }

  async saveDocument(attempt: Attempt, name: DocumentName, bytes: Uint8Array): Promise<void> {
    this.#transaction(() => {
      this.#owned(attempt);
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
      .get(studyInstanceUid, name) as Row | undefined;
    return row?.['bytes'] instanceof Uint8Array ? row['bytes'] : undefined;
  }

  async sourceState(source: string): Promise<string | undefined> {
    const row = this.#database.prepare('SELECT state FROM source_state WHERE source = ?').get(source);
    return row === undefined ? undefined : String(row['state']);
  }

  async saveSourceState(source: string, state: string): Promise<void> {
    this.#transaction(() => {
      this.#database
        .prepare(
          `INSERT INTO source_state (source, state) VALUES (?, ?)
           ON CONFLICT (source) DO UPDATE SET state = excluded.state`,
        )
        .run(source, state);
    });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #insert(event: StudyEvent, settledAt: string): void {
    const now = this.#now();
    this.#database
      .prepare(
        `INSERT INTO study (study_instance_uid, state, source, traceparent, noticed_at, changed_at, settled_at)
         VALUES (?, 'noticed', ?, ?, ?, ?, ?)`,
      )
      .run(event.studyInstanceUid, event.source, event.traceparent ?? null, now, now, settledAt);
    this.#step(this.#row(event.studyInstanceUid)!, 'notice');
  }

  /** New images: settle anew at once, or, while a worker reads, as soon as that reading has ended. */
  #arriveAgain(row: Row, settledAt: string): void {
    const uid = row['study_instance_uid'] as StudyInstanceUid;
    if (nextState(row['state'] as StudyState, 'arrive') === undefined) {
      this.#set(uid, { arrived_again_at: settledAt });
      return;
    }
    const readBefore = row['accepted_at'] !== null;
    this.#step(row, 'arrive');
    this.#set(uid, {
      settled_at: settledAt,
      arrived_again_at: null,
      accepted_at: null,
      attempts: 0,
      revision: Number(row['revision']) + (readBefore ? 1 : 0),
    });
  }

  #accept(row: Row): void {
    this.#step(row, 'complete');
    this.#set(row['study_instance_uid'] as StudyInstanceUid, { accepted_at: row['accepted_at'] ?? this.#now() });
  }

  #lease(row: Row, worker: string, leaseMs: number): Attempt {
    const studyInstanceUid = row['study_instance_uid'] as StudyInstanceUid;
    const fence = Number(row['fence']) + 1;
    const number = Number(row['attempts']) + 1;
    this.#step(row, 'claim');
    this.#set(studyInstanceUid, { fence, attempts: number, worker, lease_until: this.#now(leaseMs), retry_at: null });
    const traceparent = row['traceparent'];
    return {
      studyInstanceUid,
      fence,
      number,
      revision: Number(row['revision']),
      acceptedAt: row['accepted_at'] as string,
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
    };
  }

  #step(row: Row, transition: StudyTransition, patch: RecordPatch = {}): StudyState {
    const uid = row['study_instance_uid'] as StudyInstanceUid;
    const state = nextState(row['state'] as StudyState, transition);
    if (state === undefined) {
      throw new WetreadError('conflict', `The state table forbids '${transition}' in state '${String(row['state'])}'`);
    }
    const now = this.#now();
    const reason = patch.reason === undefined ? null : JSON.stringify(patch.reason);
    this.#set(uid, {
      state,
      reason,
      changed_at: now,
      ...(patch.retryAt === undefined ? {} : { retry_at: patch.retryAt }),
      ...(patch.traceId === undefined ? {} : { trace_id: patch.traceId }),
      ...(patch.timingsMs === undefined ? {} : { timings: JSON.stringify(patch.timingsMs) }),
      ...(patch.notRead === undefined ? {} : { not_read: JSON.stringify(patch.notRead) }),
    });
    this.#database
      .prepare(
        `INSERT INTO step (study_instance_uid, number, at, transition, state, reason)
         SELECT ?, COUNT(*) + 1, ?, ?, ?, ? FROM step WHERE study_instance_uid = ?`,
      )
      .run(uid, now, transition, state, reason, uid);
    return state;
  }

  #owned(attempt: Attempt): Row {
    const row = this.#row(attempt.studyInstanceUid);
    if (row === undefined || Number(row['fence']) !== attempt.fence) {
      throw new WetreadError('lease-lost', 'Another worker has taken the attempt over');
    }
    return row;
  }

  #row(studyInstanceUid: StudyInstanceUid): Row | undefined {
    return this.#database.prepare('SELECT * FROM study WHERE study_instance_uid = ?').get(studyInstanceUid);
  }

  #each(condition: string, now: string, visit: (row: Row) => void): void {
    for (const row of this.#database.prepare(`SELECT * FROM study WHERE ${condition}`).all(now)) visit(row);
  }

  #set(studyInstanceUid: StudyInstanceUid, values: Record<string, SQLInputValue>): void {
    const columns = Object.keys(values).map((name) => `${name} = ?`);
    this.#database
      .prepare(`UPDATE study SET ${columns.join(', ')} WHERE study_instance_uid = ?`)
      .run(...Object.values(values), studyInstanceUid);
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

function recordOf(row: Row): StudyRecord {
  const text = (name: string): string | undefined => (typeof row[name] === 'string' ? row[name] : undefined);
  const reason = text('reason');
  const retryAt = text('retry_at');
  const traceId = text('trace_id');
  return {
    studyInstanceUid: row['study_instance_uid'] as StudyInstanceUid,
    state: row['state'] as StudyState,
    revision: Number(row['revision']),
    attempts: Number(row['attempts']),
    noticedAt: text('noticed_at')!,
    changedAt: text('changed_at')!,
    source: text('source')!,
    timingsMs: JSON.parse(text('timings')!) as Record<string, number>,
    notRead: JSON.parse(text('not_read')!) as NotRead[],
    ...(reason === undefined ? {} : { reason: JSON.parse(reason) as Cause }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(traceId === undefined ? {} : { traceId }),
  };
}

function stepOf(row: Row): StudyStep {
  return {
    at: row['at'] as string,
    transition: row['transition'] as StudyTransition,
    state: row['state'] as StudyState,
    ...(typeof row['reason'] === 'string' ? { reason: JSON.parse(row['reason']) as Cause } : {}),
  };
}
