/**
 * A real PostgreSQL for tests: a cluster of its own in a temporary folder, on loopback. The server refuses to run as
 * root, so root runs it as the user `postgres` that the package brings.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

const DEBIAN = '/usr/lib/postgresql';
const START_LIMIT_MS = 60_000;

/** The tests' own role needs no password, every other one does. */
const ACCESS = 'host all wetread 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n';

const programs = findPrograms();

/** For `test(name, { skip: withoutPostgres }, …)`: false, or the sentence that says what is missing. */
export const withoutPostgres: string | false =
  programs === undefined ? 'POSTGRESQL ABSENT: apt-get install --no-install-recommends postgresql' : false;

if (withoutPostgres !== false)
  process.stderr.write(`\n*** ${withoutPostgres}: tests against a real PostgreSQL are skipped ***\n`);

export interface Postgres extends AsyncDisposable {
  readonly port: number;
  /** Makes an empty database. @returns its connection URI. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server at once, in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Starts the server anew on the same cluster and waits until it answers. */
  start(): Promise<void>;
}

/** Resolves when the server answers. Throws with what it said where it does not start. */
export async function startPostgres(port: number): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-postgres-'));
  const user = serverUser();
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const cluster = join(folder, 'cluster');
  const initdb = spawnSync(
    join(programs!, 'initdb'),
    ['-D', cluster, '-U', 'wetread', '-A', 'trust', '-E', 'UTF8', '-N'],
    {
      ...user,
      cwd: folder,
      encoding: 'utf8',
    },
  );
  if (initdb.status !== 0) throw new Error(`initdb: ${initdb.stderr}`);
  writeFileSync(join(cluster, 'pg_hba.conf'), ACCESS);
  let server: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, 'exit');
  };
  const start = async (): Promise<void> => {
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'shared_buffers=16MB'];
    const launch = (): ChildProcess =>
      spawn(join(programs!, 'postgres'), ['-D', cluster, ...settings.flatMap((setting) => ['-c', setting])], {
        ...user,
        cwd: folder,
        stdio: 'ignore',
      });
    server = launch();
    for (let waited = 0; !(await answers(uriOf(port, 'postgres'))); waited += 100) {
      if (waited > START_LIMIT_MS) throw new Error('PostgreSQL does not start');
      // It refuses to start while a process of the killed server still ends.
      if (server.exitCode !== null) server = launch();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await start();
  return {
    port,
    createDatabase: async (name) => {
      await ask(uriOf(port, 'postgres'), `CREATE DATABASE "${name}"`);
      return uriOf(port, name);
    },
    kill: () => end('SIGKILL'),
    start,
    async [Symbol.asyncDispose]() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One statement on a connection of its own. */
export async function ask(uri: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: uri, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

function answers(uri: string): Promise<boolean> {
  return ask(uri, 'SELECT 1').then(
    () => true,
    () => false,
  );
}

function uriOf(port: number, database: string): string {
  return `postgresql://wetread@127.0.0.1:${port}/${database}`;
}

/** Nothing for an ordinary user. */
function serverUser(): { readonly uid: number; readonly gid: number } | Record<'uid' | 'gid', undefined> {
  if (process.getuid?.() !== 0) return { uid: undefined, gid: undefined };
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout),
  );
  return { uid: uid!, gid: gid! };
}

/** Debian keeps the server's programs of every version in a folder of its own, off the path. */
function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const onPath = (process.env['PATH'] ?? '').split(':');
  return [...versions.map((version) => join(DEBIAN, version, 'bin')), ...onPath].find((folder) =>
    ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))),
  );
}
