/**
 * The embedded FHIR store: resources with their versions in one SQLite file through `node:sqlite`, write-ahead log and
 * `synchronous=FULL`. One process, one connection, short synchronous statements. It holds what Wetread writes and what
 * that refers to; it is no general FHIR server.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import type { FhirResource } from 'fhir/r4.js';
import { WetreadError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { MIGRATIONS } from './schema.ts';
import { matching, type SearchQuery } from './search.ts';
import { isResourceType, type ResourceType, searchTokens } from './search-parameters.ts';
import { processTransaction, type StoredVersion, type TransactionStore } from './transaction.ts';

type Row = Record<string, SQLOutputValue>;

export interface SearchPage {
  /** Matches on all pages. */
  readonly total: number;
  readonly resources: readonly FhirResource[];
}

export interface LocalFhirStoreOptions {
  /** Path of the database file; `:memory:` keeps nothing. */
  readonly file: string;
  readonly clock: Pick<Clock, 'now'>;
}

export function localFhirStore(options: LocalFhirStoreOptions): LocalFhirStore {
  if (options.file !== ':memory:') mkdirSync(dirname(options.file), { recursive: true });
  return new LocalFhirStore(open(options.file), options.clock);
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

export class LocalFhirStore implements TransactionStore {
  readonly #database: DatabaseSync;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(database: DatabaseSync, clock: Pick<Clock, 'now'>) {
    this.#database = database;
    this.#clock = clock;
  }

  read(type: ResourceType, id: string): StoredVersion | undefined {
    return this.#one('SELECT type, id, version, last_updated, body FROM resource WHERE type = ? AND id = ?', type, id);
  }

  readVersion(type: ResourceType, id: string, versionId: string): StoredVersion | undefined {
    const sql = 'SELECT type, id, version, last_updated, body FROM version WHERE type = ? AND id = ? AND version = ?';
    return /^\d{1,9}$/.test(versionId) ? this.#one(sql, type, id, Number(versionId)) : undefined;
  }

  /** Newest first. */
  history(type: ResourceType, id: string): readonly StoredVersion[] {
    const sql = `SELECT type, id, version, last_updated, body FROM version
      WHERE type = ? AND id = ? ORDER BY version DESC`;
    return this.#database.prepare(sql).all(type, id).map(stored);
  }

  /** In the order of creation, so that pages do not shift while new resources arrive. */
  search(type: ResourceType, query: SearchQuery, page: { offset: number; count: number }): SearchPage {
    const { sql: where, values } = matching(type, query);
    const { total } = this.#database
      .prepare(`SELECT count(*) AS total FROM resource WHERE ${where}`)
      .get(...values) as Row;
    const rows = this.#database
      .prepare(`SELECT body FROM resource WHERE ${where} ORDER BY sequence LIMIT ? OFFSET ?`)
      .all(...values, page.count, page.offset) as Row[];
    return { total: Number(total), resources: rows.map((row) => JSON.parse(String(row['body'])) as FhirResource) };
  }

  findOne(type: ResourceType, query: SearchQuery): FhirResource | undefined {
    const { total, resources } = this.search(type, query, { offset: 0, count: 1 });
    if (total > 1) throw new WetreadError('conflict', `Several ${type} meet the condition of one entry`);
    return resources[0];
  }

  /**
   * All entries or none (FHIR R4 3.1.0.11.2).
   * @returns a transaction-response; throws `conflict` where a condition fails, `request-invalid` for a bad bundle
   */
  transaction(bundle: Bundle): Bundle {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const response = processTransaction(bundle, this);
      this.#database.exec('COMMIT');
      return response;
    } catch (cause) {
      this.#database.exec('ROLLBACK');
      throw WetreadError.from(cause);
    }
  }

  /**
   * Writes the next version; the same content again writes none. For {@link transaction} only: it is not atomic alone.
   * @param resource undefined deletes
   */
  put(type: ResourceType, id: string, resource: FhirResource | undefined): StoredVersion {
    const current = this.read(type, id);
    if (current !== undefined && sameContent(current.resource, resource)) return current;
    const version = Number(current?.versionId ?? 0) + 1;
    const lastUpdated = this.#clock.now().toISOString();
    const meta = { ...resource?.meta, versionId: String(version), lastUpdated };
    const complete = resource === undefined ? undefined : ({ ...resource, id, meta } as FhirResource);
    const body = complete === undefined ? null : JSON.stringify(complete);
    const { sequence } = this.#database
      .prepare(
        `INSERT INTO resource (type, id, version, last_updated, body) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (type, id) DO UPDATE SET version = excluded.version, last_updated = excluded.last_updated,
           body = excluded.body
         RETURNING sequence`,
      )
      .get(type, id, version, lastUpdated, body) as Row;
    this.#database
      .prepare('INSERT INTO version (type, id, version, last_updated, body) VALUES (?, ?, ?, ?, ?)')
      .run(type, id, version, lastUpdated, body);
    this.#index(Number(sequence), type, complete);
    return {
      type,
      id,
      versionId: String(version),
      lastUpdated,
      ...(complete === undefined ? {} : { resource: complete }),
    };
  }

  newId(): string {
    return randomUUID();
  }

  close(): void {
    this.#database.close();
  }

  #index(sequence: number, type: ResourceType, resource: FhirResource | undefined): void {
    this.#database.prepare('DELETE FROM search_token WHERE sequence = ?').run(sequence);
    if (resource === undefined) return;
    const insert = this.#database.prepare(
      'INSERT INTO search_token (sequence, parameter, system, value) VALUES (?, ?, ?, ?)',
    );
    for (const { parameter, system, value } of searchTokens(type, resource))
      insert.run(sequence, parameter, system, value);
  }

  #one(sql: string, ...values: SQLInputValue[]): StoredVersion | undefined {
    const row = this.#database.prepare(sql).get(...values) as Row | undefined;
    return row === undefined ? undefined : stored(row);
  }
}

function stored(row: Row): StoredVersion {
  const type = String(row['type']);
  if (!isResourceType(type)) throw new WetreadError('internal', 'The FHIR store holds a type that it does not know');
  const body = row['body'];
  return {
    type,
    id: String(row['id']),
    versionId: String(row['version']),
    lastUpdated: String(row['last_updated']),
    ...(body === null ? {} : { resource: JSON.parse(String(body)) as FhirResource }),
  };
}

/** Equal but for what the store itself stamps. */
function sameContent(a: FhirResource | undefined, b: FhirResource | undefined): boolean {
  return canonical(unstamped(a)) === canonical(unstamped(b));
}

function unstamped(resource: FhirResource | undefined): object | undefined {
  if (resource === undefined) return undefined;
  const { id: _id, meta, ...content } = resource as FhirResource & { id?: string };
  const { versionId: _version, lastUpdated: _updated, ...kept } = meta ?? {};
  return { ...content, ...(Object.keys(kept).length === 0 ? {} : { meta: kept }) };
}

/** JSON with sorted keys: the order of elements carries no meaning. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
        : item,
    ) ?? ''
  );
}
