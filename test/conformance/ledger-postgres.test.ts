/** What only several workers, or a server that dies, can show of the ledger on PostgreSQL. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Database } from '../../adapters/postgres/database.ts';
import { type PostgresLedger, postgresLedger } from '../../adapters/postgres/ledger.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Attempt, Clock } from '../../src/ports.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { claimForReading } from '../support/claim.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { ask, type Postgres, startPostgres, withoutPostgres } from '../support/postgres.ts';

const LEASE_MS = 60_000;
const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
/** A worker whose clock is past every lease. */
const later: Clock = { ...clock, now: () => new Date(Date.now() + 2 * LEASE_MS) };

const study = (name: string | number): StudyInstanceUid =>
  nameBasedUid<StudyInstanceUid>('postgres-test', String(name));
const isRefused = (message: RegExp) => (error: unknown) => error instanceof WetreadError && message.test(error.message);
const isCode = (code: string) => (error: unknown) => error instanceof WetreadError && error.code === code;

async function notice(ledger: PostgresLedger, name: string | number): Promise<StudyInstanceUid> {
  const now = clock.now().toISOString();
  await ledger.notice({ studyInstanceUid: study(name), source: 'stow', receivedAt: now }, now);
  return study(name);
}

async function readToTheEnd(ledger: PostgresLedger, attempt: Attempt): Promise<void> {
  await ledger.advance(attempt, 'draft');
  await ledger.saveDocument(attempt, 'report.json', new TextEncoder().encode(attempt.studyInstanceUid));
  await ledger.advance(attempt, 'file');
}

describe('the ledger on PostgreSQL', { skip: withoutPostgres }, () => {
  let server: Postgres;
  let databases = 0;
  before(async () => {
    server = await startPostgres(25_010);
  });
  after(() => server?.[Symbol.asyncDispose]());

  const database = (): Promise<string> => {
    databases += 1;
    return server.createDatabase(`ledger-${databases}`);
  };

  /** Any number of workers, each with connections of its own. */
  async function workers(
    url: string,
    count: number,
  ): Promise<AsyncDisposable & { readonly ledgers: PostgresLedger[] }> {
    const stack = new AsyncDisposableStack();
    const ledgers = await Promise.all(Array.from({ length: count }, () => postgresLedger({ url, clock })));
    for (const ledger of ledgers) stack.use(ledger);
    return { ledgers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test('WR-LED-09 four workers share 200 studies, none is claimed twice and none is left', async () => {
    await using four = await workers(await database(), 4);
    const names = Array.from({ length: 200 }, (_, i) => i);
    // Every study is named by two sources at once.
    await Promise.all(
      names.flatMap((name) => [notice(four.ledgers[name % 4]!, name), notice(four.ledgers[(name + 1) % 4]!, name)]),
    );
    const claims = await Promise.all(four.ledgers.map((ledger, worker) => workUntilNothingIsLeft(ledger, `${worker}`)));
    assert.deepEqual(claims.flat().sort(), names.map(study).sort());
    assert.ok(
      claims.every((claimed) => claimed.length > 0),
      'every worker had a share',
    );
    const [ledger] = four.ledgers;
    for (const name of names) {
      const history = await ledger!.history(study(name));
      assert.deepEqual(
        history.map((step) => step.transition).filter((transition) => transition !== 'arrive'),
        ['notice', 'complete', 'triage', 'accept', 'claim', 'draft', 'file'],
      );
    }
  });

  /** Two claims that meet may both come away empty: studies are left as long as the ledger shows one that waits. */
  async function workUntilNothingIsLeft(ledger: PostgresLedger, worker: string): Promise<StudyInstanceUid[]> {
    const claimed: StudyInstanceUid[] = [];
    for (;;) {
      const attempt = await claimForReading(ledger, worker, LEASE_MS);
      if (attempt === undefined) {
        const records = await ledger.list();
        if (records.every(({ state }) => !['settling', 'accepted', 'triaging'].includes(state))) return claimed;
        continue;
      }
      claimed.push(attempt.studyInstanceUid);
      await readToTheEnd(ledger, attempt);
    }
  }

  test('WR-LED-10 a worker that was taken over on another connection can write nothing', async () => {
    const url = await database();
    await using first = await postgresLedger({ url, clock });
    await using second = await postgresLedger({ url, clock: later });
    await notice(first, 'one');
    const dead = (await claimForReading(first, 'dead', LEASE_MS))!;
    await first.saveDocument(dead, 'report.json', new Uint8Array([1]));
    const alive = (await claimForReading(second, 'alive', LEASE_MS))!;
    assert.equal(alive.fence, dead.fence + 1);
    await assert.rejects(first.heartbeat(dead, LEASE_MS), isCode('lease-lost'));
    await assert.rejects(first.advance(dead, 'draft'), isCode('lease-lost'));
    await assert.rejects(first.saveDocument(dead, 'report.json', new Uint8Array([2])), isCode('lease-lost'));
    await second.advance(alive, 'draft');
    assert.deepEqual([...((await second.document(study('one'), 'report.json')) ?? [])], [1]);
  });

  test('WR-LED-10 a write that waits for the take-over sees it', async () => {
    const url = await database();
    await using ledger = await postgresLedger({ url, clock });
    await notice(ledger, 'one');
    const dead = (await claimForReading(ledger, 'dead', LEASE_MS))!;
    const other = new Client({ connectionString: url });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query('UPDATE wetread.study SET fence = fence + 1');
      const writes = [
        ledger.advance(dead, 'draft'),
        ledger.saveDocument(dead, 'report.json', new Uint8Array([2])),
        ledger.heartbeat(dead, LEASE_MS),
      ];
      const refused = writes.map((write) => assert.rejects(write, isCode('lease-lost')));
      await waiting(url, writes.length);
      await other.query('COMMIT');
      await Promise.all(refused);
    } finally {
      await other.end();
    }
    assert.equal((await ledger.get(study('one')))?.state, 'reading');
    assert.equal(await ledger.document(study('one'), 'report.json'), undefined);
  });

  /** Resolves when so many statements wait for a lock. */
  async function waiting(url: string, count: number): Promise<void> {
    for (;;) {
      const [row] = await ask(
        url,
        `SELECT COUNT(*)::INTEGER AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
      );
      if (row!['count'] === count) return;
      await sleep(20);
    }
  }

  test('WR-LED-12 eight replicas start at once on an empty database', async () => {
    const url = await database();
    await using eight = await workers(url, 8);
    await Promise.all(eight.ledgers.map((ledger, i) => notice(ledger, i)));
    assert.equal((await eight.ledgers[0]!.list()).length, 8);
    const versions = await ask(url, 'SELECT version FROM wetread.migration ORDER BY version');
    assert.deepEqual(
      versions.map(({ version }) => version),
      versions.map((_, i) => i + 1),
    );
  });

  test('WR-LED-12 tables that a newer Wetread has changed are left alone', async () => {
    const url = await database();
    await using _ = await postgresLedger({ url, clock });
    await ask(url, 'INSERT INTO wetread.migration (version) VALUES (1000)');
    await assert.rejects(postgresLedger({ url, clock }), isCode('config-invalid'));
  });

  test('WR-LED-21 a newer Wetread changes the tables under statements that are prepared: one call is tried again', async () => {
    const url = await database();
    await using ledger = await postgresLedger({ url, clock });
    const uid = await notice(ledger, 'prepared');
    assert.equal((await ledger.get(uid))?.state, 'settling');
    await ask(url, 'ALTER TABLE wetread.study ADD COLUMN later INTEGER');
    await assert.rejects(ledger.get(uid), isCode('ledger-unreachable'));
    assert.equal((await ledger.get(uid))?.state, 'settling');
  });

  test('WR-LED-21 statements need not be prepared', async () => {
    const url = await database();
    await using ledger = await postgresLedger({ url, clock, preparedStatements: false });
    const uid = await notice(ledger, 'unprepared');
    await readToTheEnd(ledger, (await claimForReading(ledger, 'one', LEASE_MS))!);
    assert.equal((await ledger.get(uid))?.state, 'filed');
  });

  test('WR-LED-22 a refused statement that nobody waited for: nothing is committed, and the first refusal is told', async () => {
    await using stack = new AsyncDisposableStack();
    const tables = stack.adopt(new Database({ url: await database() }), (opened) => opened.close());
    const save = 'INSERT INTO wetread.source_state (source, state) VALUES ($1, $2)';
    const count = async (): Promise<unknown> =>
      (await tables.rows('SELECT COUNT(*)::INTEGER FROM wetread.source_state'))[0];
    const refused = isRefused(/23505/);
    await assert.rejects(
      tables.transaction(async (session) => {
        session.send(save, ['first', '1']);
        session.send(save, ['first', '2']);
        session.send(save, ['second', '1']);
      }),
      refused,
    );
    await assert.rejects(
      tables.transaction(async (session) => {
        session.send(save, ['first', '1']);
        session.send(save, ['first', '2']);
        await session.rows('SELECT 1');
      }),
      refused,
    );
    assert.deepEqual(await count(), { count: 0 });
    await tables.transaction(async (session) => session.send(save, ['first', '1']));
    assert.deepEqual(await count(), { count: 1 });
  });

  test('WR-LED-13 a wrong log-in names its key and tells no secret', async () => {
    const url = new URL(await database());
    url.username = 'nobody';
    url.password = 'secret';
    const refused = await postgresLedger({ url: url.href, clock }).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(isCode('config-invalid')(refused));
    assert.match((refused as WetreadError).message, /^ledger\.url: /);
    assert.doesNotMatch((refused as WetreadError).message, /secret|nobody/);
  });

  test('WR-LED-13 the password comes from its file at every connect', async () => {
    await using folder = new TemporaryFolder();
    const passwordFile = join(folder.path, 'password');
    const url = await database();
    await ask(
      url,
      `CREATE ROLE reader LOGIN PASSWORD 'first'; GRANT ALL ON DATABASE "${url.split('/').at(-1)}" TO reader`,
    );
    const named = url.replace('wetread@', 'reader@');
    await assert.rejects(postgresLedger({ url: named, passwordFile, clock }), (error) => {
      assert.ok(isCode('config-invalid')(error));
      return (error as WetreadError).message.startsWith('ledger.passwordFile: ');
    });
    await assert.rejects(postgresLedger({ url: named, clock }), isCode('config-invalid'), 'without any password');
    writeFileSync(passwordFile, 'wrong\n');
    await assert.rejects(postgresLedger({ url: named, passwordFile, clock }), isCode('config-invalid'));
    writeFileSync(passwordFile, 'first\n');
    await using ledger = await postgresLedger({ url: named, passwordFile, clock });
    await notice(ledger, 'one');
    assert.equal((await ledger.list()).length, 1);
  });

  test('WR-LED-13 a server that is not there at the start is waited for', async () => {
    const url = await database();
    await server.kill();
    await using ledger = await postgresLedger({ url, clock });
    await assert.rejects(notice(ledger, 'one'), isCode('ledger-unreachable'));
    await server.start();
    await untilItAnswers(() => notice(ledger, 'one'));
    assert.equal((await ledger.list()).length, 1);
  });

  test('WR-LED-11 nothing committed is lost by a kill of the server in mid-work, and work goes on when it is back', async () => {
    const url = await database();
    await using three = await workers(url, 3);
    const noticed: StudyInstanceUid[] = [];
    const finished: StudyInstanceUid[] = [];
    const codes = new Set<string>();
    let stopped = false;
    const underway = three.ledgers.map(async (ledger, worker) => {
      for (let number = 0; !stopped; number += 1) {
        try {
          noticed.push(await notice(ledger, `${worker}-${number}`));
          const attempt = await claimForReading(ledger, `${worker}`, LEASE_MS);
          if (attempt === undefined) continue;
          await readToTheEnd(ledger, attempt);
          finished.push(attempt.studyInstanceUid);
        } catch (error) {
          codes.add(error instanceof WetreadError ? error.code : String(error));
          await sleep(20);
        }
      }
    });
    for (let kills = 0; kills < 3; kills += 1) {
      const target = finished.length + 20;
      while (finished.length < target) await sleep(5);
      await server.kill();
      await server.start();
    }
    const resumed = finished.length + 20;
    while (finished.length < resumed) await sleep(5);
    stopped = true;
    await Promise.all(underway);

    assert.deepEqual([...codes], ['ledger-unreachable']);
    const [ledger] = three.ledgers;
    const states = new Map((await ledger!.list()).map((record) => [record.studyInstanceUid, record.state]));
    assert.deepEqual(
      noticed.filter((uid) => !states.has(uid)),
      [],
      'noticed and lost',
    );
    assert.deepEqual(
      finished.filter((uid) => states.get(uid) !== 'filed'),
      [],
      'filed and lost',
    );
    for (const uid of finished) {
      assert.equal(new TextDecoder().decode(await ledger!.document(uid, 'report.json')), uid);
    }
    // What the kills interrupted is taken over when its lease has lapsed: in the end every study is filed once.
    await using last = await postgresLedger({ url, clock: later });
    await workUntilNothingIsLeft(last, 'last');
    const ends = await last.list();
    assert.deepEqual([...new Set(ends.map(({ state }) => state))], ['filed']);
  });

  async function untilItAnswers(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        assert.ok(isCode('ledger-unreachable')(error), String(error));
        await sleep(50);
      }
    }
  }
});
