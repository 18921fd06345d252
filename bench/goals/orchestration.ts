/** G8: what a study costs beside its reading: event, look, claim and result, each committed to disk, on both ledgers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { postgresLedger } from '../../adapters/postgres/ledger.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { Clock, Ledger } from '../../src/ports.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { startPostgres, withoutPostgres } from '../../test/support/postgres.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import { median, quantile } from '../harness/statistics.ts';
import type { Line, Question } from '../harness/verdict.ts';

const PORT = 25_360;
const STUDIES = 100;
/** Longer than a run: no lease lapses within it. */
const LEASE_MS = 3_600_000;
const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };

/** One kind of ledger: a line for the median of a round's studies, one for their 95th percentile. */
interface Kind {
  readonly name: string;
  readonly questions: readonly Question[];
}

const SQLITE = kind('SQLite');
const POSTGRES = kind('PostgreSQL');
const CLAIM = 'claim, PostgreSQL';
const BARE = 'SELECT … FOR UPDATE SKIP LOCKED and UPDATE, committed';

const CLAIMS: Question = {
  goal: 'G8',
  title: 'a claim / a bare SKIP LOCKED query with its update',
  target: { kind: 'none' },
  unit: 'ratio',
  measure: (samples) => samples[CLAIM]!.wallMs / samples[BARE]!.wallMs,
};

function kind(name: string): Kind {
  const wall = (line: string) => (samples: Readonly<Record<string, Sample>>) => samples[line]!.wallMs;
  const question = (title: string, value: number, line: string): Question => ({
    goal: 'G8',
    title: `event to recorded result, ${name}, ${title}`,
    target: { kind: 'at-most', value },
    unit: 'ms',
    measure: wall(line),
  });
  return { name, questions: [question('median', 5, name), question('95th percentile', 15, slowest(name))] };
}

function slowest(name: string): string {
  return `${name}, 95th percentile`;
}

export async function orchestration({ bench }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'wetread-bench-')), (path) =>
    rmSync(path, { recursive: true }),
  );
  const sqlite = stack.use(sqliteLedger({ file: join(folder, 'ledger.sqlite'), clock }));
  const lines = linesOf(SQLITE, sqlite);
  if (withoutPostgres !== false) {
    for (const question of [...POSTGRES.questions, CLAIMS]) {
      bench.add(unanswered(question, 'limit-missing', withoutPostgres));
    }
    await bench.compare(SQLITE.questions, lines);
    return;
  }
  const server = stack.use(await startPostgres(PORT));
  const postgres = stack.use(await postgresLedger({ url: await server.createDatabase('flow'), clock }));
  await bench.compare([...SQLITE.questions, ...POSTGRES.questions], [...lines, ...linesOf(POSTGRES, postgres)]);

  const url = await server.createDatabase('claims');
  const waiting = stack.use(await postgresLedger({ url, clock }));
  const client = new Client({ connectionString: url });
  await client.connect();
  stack.defer(() => client.end());
  await bench.compare(
    [CLAIMS],
    [
      { name: CLAIM, role: 'product', run: () => claims(waiting, () => waiting.claim('bench', LEASE_MS)) },
      { name: BARE, role: 'limit', run: () => claims(waiting, () => bareClaim(client)) },
    ],
  );
}

function linesOf({ name }: Kind, ledger: Ledger): readonly Line[] {
  let walls: number[] = [];
  const run = async (): Promise<Sample> => {
    const samples: Sample[] = [];
    for (let study = 0; study < STUDIES; study++) samples.push(await timed(() => wholeLife(ledger)));
    walls = samples.map(({ wallMs }) => wallMs);
    return { wallMs: median(walls), cpuMs: median(samples.map(({ cpuMs }) => cpuMs)) };
  };
  return [
    { name, role: 'product', run },
    { name: slowest(name), role: 'part', run: async () => ({ wallMs: quantile(walls, 0.95), cpuMs: 0 }) },
  ];
}

let named = 0;

function notice(ledger: Ledger): Promise<void> {
  named += 1;
  const now = new Date().toISOString();
  const studyInstanceUid = nameBasedUid<StudyInstanceUid>('bench', String(named));
  return ledger.notice({ studyInstanceUid, source: 'bench', receivedAt: now, rung: 'source-says' }, now);
}

/** Every commit of a study that goes well. */
async function wholeLife(ledger: Ledger): Promise<void> {
  await notice(ledger);
  const look = (await ledger.claim('bench', LEASE_MS))!;
  await ledger.advance(look, 'accept', { priority: 'routine', rule: 'bench' });
  const attempt = (await ledger.claim('bench', LEASE_MS))!;
  await ledger.advance(attempt, 'draft');
  await ledger.advance(attempt, 'file');
}

/** Claims studies that wait already; each line finds as many as it takes. */
async function claims(ledger: Ledger, claim: () => Promise<unknown>): Promise<Sample> {
  for (let study = 0; study < STUDIES; study++) await notice(ledger);
  const { wallMs, cpuMs } = await timed(async () => {
    for (let study = 0; study < STUDIES; study++) {
      if ((await claim()) === undefined) throw new Error('no study waits');
    }
  });
  return { wallMs: wallMs / STUDIES, cpuMs: cpuMs / STUDIES };
}

/** The least that a queue in PostgreSQL does: find one that nobody else holds, and mark it. */
async function bareClaim(client: Client): Promise<unknown> {
  await client.query('BEGIN');
  const found = await client.query<{ study_instance_uid: string }>(
    `SELECT study_instance_uid FROM wetread.study WHERE state = 'settling'
     ORDER BY study_instance_uid LIMIT 1 FOR UPDATE SKIP LOCKED`,
  );
  const uid = found.rows[0]?.study_instance_uid;
  await client.query(`UPDATE wetread.study SET state = 'reading', lease_until = $2 WHERE study_instance_uid = $1`, [
    uid,
    new Date(Date.now() + 3_600_000).toISOString(),
  ]);
  await client.query('COMMIT');
  return uid;
}
