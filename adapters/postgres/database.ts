/**
 * Connections to PostgreSQL: a pool that connects anew by itself, transactions, and errors by their meaning. Everything
 * is set per transaction, so that a pooler between may share connections by transaction; statements are prepared, which
 * halves what a study costs, and which a pooler must know (PgBouncer from 1.21 on) or the site switch off.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type ClientConfig, DatabaseError, Pool, type PoolClient } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { WetreadError } from '../../src/errors.ts';
import { MIGRATIONS } from './schema.ts';

export interface DatabaseOptions {
  /** `postgresql://user@host:5432/database`, with `sslmode` and the other parameters of a connection URI. */
  readonly url: string;
  /** Read at every connect, so that a changed password needs no restart. */
  readonly passwordFile?: string;
  /** Statements are prepared once per connection; default true. */
  readonly preparedStatements?: boolean;
}

type Value = string | number | null | Uint8Array | readonly string[];

/** What a transaction works with. Statements are carried out one after the other, as they were given. */
export interface Session {
  rows<T>(sql: string, values?: readonly Value[]): Promise<readonly T[]>;
  /** Nobody waits for the answer, which is a way to the server and back: where it is no, nothing is committed. */
  send(sql: string, values?: readonly Value[]): void;
}

interface Connection {
  readonly rows: Session['rows'];
  /** @returns how many rows were written. */
  readonly run: (sql: string, values?: readonly Value[]) => Promise<number>;
}

const CONNECTIONS = 8;
const CONNECT_LIMIT_MS = 5000;
/** A server that hangs is one that does not answer. */
const ANSWER_LIMIT_MS = 15_000;
/** A process that hangs in a transaction must not keep its rows from the others. */
const BEGIN = `BEGIN; SET LOCAL idle_in_transaction_session_timeout TO '30s'; SET LOCAL lock_timeout TO '10s'`;
/** A prepared statement that the connection does not have, has already, or whose tables have changed since. */
const STALE: readonly string[] = ['26000', '42P05', '0A000'];
/** The key of the lock under which one process at a time migrates: "wetread" in ASCII. */
const MIGRATION_LOCK = '33607073038426468';

export class Database {
  readonly #pool: Pool;
  readonly #nameOf: (sql: string) => string | undefined;
  #migrated: Promise<void> | undefined;

  constructor({ url, passwordFile, preparedStatements = true }: DatabaseOptions) {
    this.#nameOf = preparedStatements ? statementNames() : () => undefined;
    this.#pool = new Pool({
      ...parseUrl(url),
      ...(passwordFile === undefined ? {} : { password: () => readPassword(passwordFile) }),
      application_name: 'wetread',
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: ANSWER_LIMIT_MS,
      keepAlive: true,
      pipeline: true,
    });
    // A connection that breaks ends the process where nobody listens; whoever uses it next hears of it.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Brings the tables up to date, once; where that fails, the next use tries again. */
  async migrate(): Promise<void> {
    this.#migrated ??= this.#transact(applyMigrations);
    try {
      await this.#migrated;
    } catch (error) {
      this.#migrated = undefined;
      throw error;
    }
  }

  /** Commits what `work` has written, or nothing of it where it throws. Statements see what others have committed. */
  async transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    await this.migrate();
    return this.#transact(work);
  }

  /** One statement, which is a transaction in itself. */
  async rows<T>(sql: string, values: readonly Value[] = []): Promise<readonly T[]> {
    await this.migrate();
    return this.#connected((connection) => connection.rows<T>(sql, values));
  }

  /** One statement, which is a transaction in itself. @returns how many rows were written. */
  async run(sql: string, values: readonly Value[] = []): Promise<number> {
    await this.migrate();
    return this.#connected((connection) => connection.run(sql, values));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #transact<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#connected(async ({ rows, run }) => {
      const sent: Promise<number>[] = [];
      const send: Session['send'] = (sql, values) => {
        const answer = run(sql, values);
        answer.catch(() => {}); // heard of below
        sent.push(answer);
      };
      send(BEGIN);
      try {
        const result = await work({
          // Nothing may be written on rows that were read outside of the transaction.
          rows: async <R>(sql: string, values?: readonly Value[]) =>
            (await Promise.all([rows<R>(sql, values), sent[0]]))[0],
          send,
        });
        send('COMMIT');
        await Promise.all(sent);
        return result;
      } catch (error) {
        // A connection that is gone has nothing left to roll back.
        await run('ROLLBACK').catch(() => {});
        throw (await firstRefusal(sent)) ?? error;
      }
    });
  }

  /** A connection that has failed is not used again. */
  async #connected<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    let broken = false;
    const query = (sql: string, values: readonly Value[] = []): ReturnType<typeof ask> =>
      ask(client, sql, values, this.#nameOf).catch((error: unknown) => {
        broken ||= !(error instanceof DatabaseError) || STALE.includes(error.code ?? '');
        throw databaseError(error);
      });
    try {
      return await work({
        rows: async <T>(sql: string, values?: readonly Value[]) => (await query(sql, values)).rows as T[],
        run: async (sql, values) => (await query(sql, values)).rowCount ?? 0,
      });
    } finally {
      client.release(broken);
    }
  }
}

/** What follows in the transaction is refused for no reason of its own. */
async function firstRefusal(sent: readonly Promise<unknown>[]): Promise<unknown> {
  const answers = await Promise.allSettled(sent);
  return answers.find((answer) => answer.status === 'rejected')?.reason;
}

function ask(
  client: PoolClient,
  sql: string,
  values: readonly Value[],
  nameOf: (sql: string) => string | undefined,
): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }> {
  // Without values pg takes the simple protocol, which alone allows several statements at once.
  if (values.length === 0) return client.query(sql);
  const name = nameOf(sql);
  return client.query({ text: sql, values: [...values], ...(name !== undefined && { name }) });
}

/** Named by their text, so that every process behind a pooler means the same by a name. */
function statementNames(): (sql: string) => string {
  const names = new Map<string, string>();
  return (sql) => {
    const name = names.get(sql) ?? `wetread_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`;
    names.set(sql, name);
    return name;
  };
}

/** All pending migrations or none; a process that comes second waits, and finds them done. */
async function applyMigrations(session: Session): Promise<void> {
  session.send(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  session.send(`CREATE SCHEMA IF NOT EXISTS wetread;
    CREATE TABLE IF NOT EXISTS wetread.migration (version INTEGER PRIMARY KEY)`);
  const [found] = await session.rows<{ version: number }>(
    'SELECT COALESCE(MAX(version), 0)::INTEGER AS version FROM wetread.migration',
  );
  const applied = found?.version ?? 0;
  if (applied > MIGRATIONS.length) {
    throw new WetreadError('config-invalid', 'ledger.url: a newer Wetread has changed the tables; update this one');
  }
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < applied) continue;
    session.send(migration);
    session.send('INSERT INTO wetread.migration (version) VALUES ($1)', [index + 1]);
  }
}

/** Read here, because pg lets a URI without a password overrule the file. It holds names of files (`sslrootcert`). */
function parseUrl(url: string): ClientConfig {
  try {
    return parseIntoClientConfig(url);
  } catch (cause) {
    throw new WetreadError('config-invalid', 'ledger.url: no connection URI, or it names a file that cannot be read', {
      cause,
    });
  }
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trimEnd();
  } catch (cause) {
    throw new WetreadError('config-invalid', 'ledger.passwordFile: the file cannot be read', { cause });
  }
}

const DENIALS: readonly (readonly [RegExp, string])[] = [
  [/^28/, 'the server refuses the log-in of the user'],
  [/^3D/, 'the server has no such database'],
  [/^42501$/, 'the user lacks a right; it must own the schema wetread, or be allowed to create it in the database'],
];

/**
 * By SQLSTATE class (PostgreSQL, appendix A): 28, 3D and 42501 are a wrong log-in, database or right; 53100 and 58030 a
 * full disk; 08, 40, 53, 55 and 57 a server that is starting, stopping or has too much to do, 25 one that is only a copy
 * or has given a transaction up. What has no SQLSTATE never reached a server or lost it, save for a log-in that ends on
 * our side of SCRAM (RFC 5802).
 */
function databaseError(error: unknown): WetreadError {
  if (error instanceof WetreadError) return error;
  if (error instanceof Error && error.message.startsWith('SASL: ')) {
    return new WetreadError('config-invalid', 'ledger.url: log-in impossible, such as without a password', {
      cause: error,
    });
  }
  if (!(error instanceof DatabaseError)) {
    return new WetreadError('ledger-unreachable', 'The ledger did not answer', { cause: error });
  }
  const sqlState = error.code ?? '';
  const message = `The ledger refused a statement (SQLSTATE ${sqlState})`;
  const denied = DENIALS.find(([pattern]) => pattern.test(sqlState))?.[1];
  if (denied !== undefined) return new WetreadError('config-invalid', `ledger.url: ${denied} (SQLSTATE ${sqlState})`);
  if (sqlState === '53100' || sqlState === '58030') {
    return new WetreadError('disk-full', 'The ledger could not be written', { cause: error });
  }
  if (STALE.includes(sqlState)) {
    const hint = 'a prepared statement is stale; a pooler that knows none needs ledger.preparedStatements: false';
    return new WetreadError('ledger-unreachable', `${message}: ${hint}`, { cause: error });
  }
  if (/^(08|25|40|53|55|57)/.test(sqlState)) return new WetreadError('ledger-unreachable', message, { cause: error });
  return new WetreadError('internal', message, { cause: error });
}
