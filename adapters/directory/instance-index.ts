/**
 * The index of the archive: one SQLite file beside the instances, written after the files and rebuilt from them, so
 * that losing it loses nothing. Synchronous, short statements on one connection.
 */
import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';
import type { Reason, ReasonCode } from '../../src/reasons.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../../src/uid.ts';
import { attributesAt } from './attributes.ts';
import type { InstanceIdentity, Refusal } from './instance.ts';

/** Raised whenever the tables or what they hold change: an index of another version is built anew. */
const VERSION = 2;

const TABLES = `
  CREATE TABLE study (
    study_instance_uid TEXT PRIMARY KEY,
    study_date TEXT,
    patient_id TEXT,
    accession_number TEXT,
    attributes TEXT NOT NULL
  ) STRICT;
  CREATE INDEX study_by_date ON study (study_date);
  CREATE INDEX study_by_patient ON study (patient_id);
  CREATE INDEX study_by_accession ON study (accession_number);
  CREATE TABLE series (
    study_instance_uid TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    modality TEXT NOT NULL,
    attributes TEXT NOT NULL,
    PRIMARY KEY (study_instance_uid, series_instance_uid)
  ) STRICT;
  CREATE INDEX series_by_uid ON series (series_instance_uid);
  CREATE TABLE instance (
    sop_instance_uid TEXT PRIMARY KEY,
    study_instance_uid TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    modified_ms REAL NOT NULL,
    sha256 TEXT NOT NULL,
    own INTEGER NOT NULL,
    attributes TEXT NOT NULL
  ) STRICT;
  CREATE INDEX instance_by_series ON instance (study_instance_uid, series_instance_uid);
  CREATE TABLE arrival (
    study_instance_uid TEXT PRIMARY KEY,
    instances INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE refusal (
    at TEXT NOT NULL,
    study_instance_uid TEXT,
    sop_instance_uid TEXT,
    code TEXT NOT NULL,
    detail TEXT
  ) STRICT;
`;

/** New instances of a study, results of this product not counted. */
export interface Arrival {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly instances: number;
}

export type Row = Record<string, SQLOutputValue>;

/** One instance as the index takes it. */
export interface IndexedInstance {
  readonly identity: InstanceIdentity;
  readonly dataSet: DicomDataSet;
  /** Relative to the folder of instances. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly sha256: string;
  /** A result that Wetread itself stored. */
  readonly own: boolean;
}

/** An instance as the index gives it back. */
export interface IndexRow extends InstanceIdentity {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface InstanceSelector {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid?: string;
  readonly sopInstanceUid?: string;
}

/** Opens the index; one that is damaged or of another version is replaced by an empty one. */
export function openInstanceIndex(file: string): InstanceIndex {
  try {
    return new InstanceIndex(openDatabase(file));
  } catch (error) {
    const { errcode } = error as { errcode?: number };
    const damaged = errcode === 11 || errcode === 26;
    if (!damaged) throw error;
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return new InstanceIndex(openDatabase(file));
  }
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000');
    const version = Number((database.prepare('PRAGMA user_version').get() as Row)['user_version']);
    if (version !== VERSION) {
      database.exec('BEGIN IMMEDIATE');
      for (const table of ['study', 'series', 'instance', 'arrival', 'refusal'])
        database.exec(`DROP TABLE IF EXISTS ${table}`);
      database.exec(`${TABLES}; PRAGMA user_version=${VERSION}; COMMIT`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export class InstanceIndex {
  /** It began empty and is filled from the files. */
  readonly rebuilt: boolean;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.rebuilt = database.prepare('SELECT 1 FROM instance LIMIT 1').get() === undefined;
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /** All or none; returns when they are on disk. */
  insert(instances: readonly IndexedInstance[]): void {
    this.#transaction(() => {
      for (const instance of instances) this.#insert(instance);
    });
  }

  #insert(instance: IndexedInstance): void {
    const { identity, dataSet } = instance;
    this.run(
      'INSERT OR IGNORE INTO study VALUES (?, ?, ?, ?, ?)',
      identity.studyInstanceUid,
      stringOf(dataSet, '00080020')?.replaceAll('.', '') ?? null,
      stringOf(dataSet, '00100020') ?? null,
      stringOf(dataSet, '00080050') ?? null,
      JSON.stringify(attributesAt('study', dataSet)),
    );
    this.run(
      'INSERT OR IGNORE INTO series VALUES (?, ?, ?, ?)',
      identity.studyInstanceUid,
      identity.seriesInstanceUid,
      stringOf(dataSet, '00080060') ?? '',
      JSON.stringify(attributesAt('series', dataSet)),
    );
    this.run(
      'INSERT INTO instance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      identity.sopInstanceUid,
      identity.studyInstanceUid,
      identity.seriesInstanceUid,
      identity.sopClassUid,
      identity.transferSyntaxUid,
      instance.path,
      instance.bytes,
      instance.modifiedMs,
      instance.sha256,
      instance.own ? 1 : 0,
      JSON.stringify(attributesAt('instance', dataSet)),
    );
    if (instance.own) return;
    this.run(
      `INSERT INTO arrival VALUES (?, 1)
       ON CONFLICT (study_instance_uid) DO UPDATE SET instances = arrival.instances + 1`,
      identity.studyInstanceUid,
    );
  }

  /** Studies with instances that nobody has been told of, and how many: committed with the instances themselves. */
  arrivals(): readonly Arrival[] {
    return this.all('SELECT study_instance_uid, instances FROM arrival ORDER BY rowid').map((row) => ({
      studyInstanceUid: text(row, 'study_instance_uid') as StudyInstanceUid,
      instances: Number(row['instances']),
    }));
  }

  /** After a rebuild from files every instance looks new; whoever listens tells the known from the unknown. */
  forgetArrivals(): void {
    this.run('DELETE FROM arrival');
  }

  /** Takes an arrival off the list, unless more has come since. */
  noticed({ studyInstanceUid, instances }: Arrival): void {
    this.run('DELETE FROM arrival WHERE study_instance_uid = ? AND instances = ?', studyInstanceUid, instances);
  }

  /** Forgets an instance whose file is gone, and its series and study with the last one. */
  remove(sopInstanceUid: string): void {
    this.#transaction(() => {
      const row = this.get('SELECT * FROM instance WHERE sop_instance_uid = ?', sopInstanceUid);
      if (row === undefined) return;
      const [study, series] = [text(row, 'study_instance_uid'), text(row, 'series_instance_uid')];
      this.run('DELETE FROM instance WHERE sop_instance_uid = ?', sopInstanceUid);
      this.run(
        `DELETE FROM series WHERE study_instance_uid = ?1 AND series_instance_uid = ?2 AND NOT EXISTS
         (SELECT 1 FROM instance WHERE study_instance_uid = ?1 AND series_instance_uid = ?2)`,
        study,
        series,
      );
      this.run(
        `DELETE FROM study WHERE study_instance_uid = ?1 AND NOT EXISTS
         (SELECT 1 FROM instance WHERE study_instance_uid = ?1)`,
        study,
      );
    });
  }

  instance(sopInstanceUid: string): IndexRow | undefined {
    const row = this.get('SELECT * FROM instance WHERE sop_instance_uid = ?', sopInstanceUid);
    return row === undefined ? undefined : indexRow(row);
  }

  /** In the order of their numbers. */
  instances(selector: InstanceSelector): readonly IndexRow[] {
    const { studyInstanceUid, seriesInstanceUid = null, sopInstanceUid = null } = selector;
    return this.all(
      `SELECT * FROM instance WHERE study_instance_uid = ?1 AND (?2 IS NULL OR series_instance_uid = ?2)
       AND (?3 IS NULL OR sop_instance_uid = ?3) ORDER BY rowid`,
      studyInstanceUid,
      seriesInstanceUid,
      sopInstanceUid,
    ).map(indexRow);
  }

  knowsFile(path: string): boolean {
    return this.get('SELECT 1 FROM instance WHERE path = ?', path) !== undefined;
  }

  /**
   * Many changes that are not waited for one by one. Nothing can be damaged by that, and what a power cut takes away is
   * read again from the files.
   */
  async inBulk(work: () => Promise<void>): Promise<void> {
    this.#database.exec('PRAGMA synchronous=NORMAL');
    try {
      await work();
    } finally {
      this.#database.exec('PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)');
    }
  }

  /** Patient and study attributes, or undefined where the study is unknown. */
  study(studyInstanceUid: string): DicomDataSet | undefined {
    const row = this.get('SELECT attributes FROM study WHERE study_instance_uid = ?', studyInstanceUid);
    return row === undefined ? undefined : dataSetOf(row, 'attributes');
  }

  refuse(refusal: Refusal): void {
    const { at, studyInstanceUid = null, sopInstanceUid = null, reason } = refusal;
    this.run(
      'INSERT INTO refusal VALUES (?, ?, ?, ?, ?)',
      at,
      studyInstanceUid,
      sopInstanceUid,
      reason.code,
      reason.detail ?? null,
    );
    this.run('DELETE FROM refusal WHERE rowid <= (SELECT max(rowid) FROM refusal) - 1000');
  }

  /** The last 1,000, newest first. */
  refusals(): readonly Refusal[] {
    return this.all('SELECT * FROM refusal ORDER BY rowid DESC').map(refusalOf);
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  iterate(sql: string, ...values: readonly SQLInputValue[]): Iterable<Row> {
    return this.#prepare(sql).iterate(...values) as Iterable<Row>;
  }

  run(sql: string, ...values: readonly SQLInputValue[]): void {
    this.#prepare(sql).run(...values);
  }

  #prepare(sql: string): ReturnType<DatabaseSync['prepare']> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself where the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

export function text(row: Row, column: string): string {
  return String(row[column] ?? '');
}

export function dataSetOf(row: Row, column: string): DicomDataSet {
  return JSON.parse(text(row, column)) as DicomDataSet;
}

function indexRow(row: Row): IndexRow {
  return {
    studyInstanceUid: text(row, 'study_instance_uid') as StudyInstanceUid,
    seriesInstanceUid: text(row, 'series_instance_uid') as SeriesInstanceUid,
    sopInstanceUid: text(row, 'sop_instance_uid') as SopInstanceUid,
    sopClassUid: text(row, 'sop_class_uid'),
    transferSyntaxUid: text(row, 'transfer_syntax_uid'),
    path: text(row, 'path'),
    bytes: Number(row['bytes']),
    sha256: text(row, 'sha256'),
  };
}

function refusalOf(row: Row): Refusal {
  const detail = row['detail'];
  const reason: Reason = {
    code: text(row, 'code') as ReasonCode,
    ...(detail === null ? {} : { detail: String(detail) }),
  };
  return {
    at: text(row, 'at'),
    reason,
    ...(row['study_instance_uid'] === null ? {} : { studyInstanceUid: text(row, 'study_instance_uid') }),
    ...(row['sop_instance_uid'] === null ? {} : { sopInstanceUid: text(row, 'sop_instance_uid') }),
  };
}
