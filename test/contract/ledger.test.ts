/**
 * One suite for every ledger: the embedded one, and PostgreSQL where its server is installed. What only several workers
 * or a killed server can show is in test/conformance/ledger-postgres.test.ts.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { postgresLedger } from '../../adapters/postgres/ledger.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { StudyEvent } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Attempt, Clock, Ledger } from '../../src/ports.ts';
import { reason } from '../../src/reasons.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { claimForReading } from '../support/claim.ts';
import { type Postgres, startPostgres, withoutPostgres } from '../support/postgres.ts';

class ManualClock {
  #ms = Date.parse('2026-01-01T00:00:00Z');
  now(): Date {
    return new Date(this.#ms);
  }
  monotonicMs(): number {
    return this.#ms;
  }
  pass(seconds: number): string {
    this.#ms += seconds * 1000;
    return this.now().toISOString();
  }
}

const study = (name: string): StudyInstanceUid => nameBasedUid<StudyInstanceUid>('ledger-test', name);
const LEASE_MS = 10_000;

interface LedgerKind {
  readonly name: string;
  readonly skip: string | false;
  /** What must run before the first ledger is opened; undefined where nothing must. */
  readonly start?: () => Promise<void>;
  readonly stop?: () => Promise<void>;
  /** An empty ledger. */
  readonly open: (clock: Clock) => Promise<Ledger & (Disposable | AsyncDisposable)>;
}

const KINDS: readonly LedgerKind[] = [
  { name: 'SQLite', skip: false, open: async (clock) => sqliteLedger({ file: ':memory:', clock }) },
  postgresKind(25_001),
];

function postgresKind(port: number): LedgerKind {
  let server: Postgres | undefined;
  let databases = 0;
  return {
    name: 'PostgreSQL',
    skip: withoutPostgres,
    start: async () => {
      server = await startPostgres(port);
    },
    stop: async () => server?.[Symbol.asyncDispose](),
    open: async (clock) => {
      databases += 1;
      return postgresLedger({ url: await server!.createDatabase(`ledger-${databases}`), clock });
    },
  };
}

interface Fixture extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly ledger: Ledger;
  readonly notice: (name: string, settleSeconds?: number) => Promise<void>;
}

async function setUp(open: LedgerKind['open']): Promise<Fixture> {
  const clock = new ManualClock();
  const stack = new AsyncDisposableStack();
  const ledger = stack.use(await open(clock));
  return {
    clock,
    ledger,
    notice: async (name, settleSeconds = 0) => {
      const now = clock.now();
      const event: StudyEvent = { studyInstanceUid: study(name), source: 'stow', receivedAt: now.toISOString() };
      await ledger.notice(event, new Date(now.getTime() + settleSeconds * 1000).toISOString());
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function claimed(ledger: Ledger): Promise<Attempt> {
  const attempt = await claimForReading(ledger, 'worker', LEASE_MS);
  assert.ok(attempt);
  return attempt;
}

const isCode = (code: string) => (error: unknown) => error instanceof WetreadError && error.code === code;

for (const { name, skip, start, stop, open } of KINDS) {
  describe(name, { skip }, () => {
    before(() => start?.());
    after(() => stop?.());

    test('WR-LED-01 a study settles before it is claimed, and every new hint settles it anew', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      await notice('one', 5);
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
      clock.pass(4);
      await notice('one', 5);
      clock.pass(2);
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
      clock.pass(4);
      const attempt = await claimed(ledger);
      assert.equal(attempt.studyInstanceUid, study('one'));
      assert.equal(attempt.revision, 1);
      assert.equal((await ledger.get(study('one')))?.state, 'reading');
    });

    test('WR-LED-01 two claims never give the same study', async () => {
      await using fixture = await setUp(open);
      const { ledger, notice } = fixture;
      await notice('one');
      await notice('two');
      const first = await claimed(ledger);
      const second = await claimed(ledger);
      assert.notEqual(first.studyInstanceUid, second.studyInstanceUid);
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
    });

    test('WR-LED-02 a lapsed lease is taken over, and the old worker can no longer write', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      await notice('one');
      const dead = await claimed(ledger);
      clock.pass(11);
      const alive = await claimed(ledger);
      assert.equal(alive.number, 2);
      assert.equal(alive.acceptedAt, dead.acceptedAt, 'content times stay those of the first acceptance');
      await assert.rejects(ledger.advance(dead, 'draft'), isCode('lease-lost'));
      await assert.rejects(ledger.saveDocument(dead, 'report.json', new Uint8Array([1])), isCode('lease-lost'));
      await assert.rejects(ledger.heartbeat(dead, LEASE_MS), isCode('lease-lost'));
      assert.equal(await ledger.advance(alive, 'draft'), 'drafted');
    });

    test('WR-LED-02 a heartbeat keeps the lease', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      clock.pass(8);
      await ledger.heartbeat(attempt, LEASE_MS);
      clock.pass(8);
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
    });

    test('WR-LED-03 images that arrive during a reading reopen the study when the reading has ended', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      await notice('one', 5);
      await ledger.advance(attempt, 'draft');
      assert.equal(await ledger.advance(attempt, 'file'), 'filed');
      assert.equal((await ledger.get(study('one')))?.state, 'settling');
      clock.pass(6);
      const again = await claimed(ledger);
      assert.equal(again.revision, 2);
      assert.equal(again.number, 1);
      assert.notEqual(again.acceptedAt, attempt.acceptedAt);
    });

    test('WR-LED-04 a fault is tried again at its time, a parked study only after a replay', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      const retryAt = new Date(clock.now().getTime() + 30_000).toISOString();
      await ledger.advance(attempt, 'fail', { reason: { code: 'inference-unreachable' }, retryAt });
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
      clock.pass(31);
      const second = await claimed(ledger);
      assert.equal(second.number, 2);
      await ledger.advance(second, 'park', { reason: { code: 'inference-unreachable', detail: 'used up' } });
      clock.pass(1000);
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
      assert.equal(await ledger.move(study('one'), 'replay'), 'accepted');
      assert.equal((await claimed(ledger)).number, 1);
    });

    test('WR-LED-05 the state table is law', async () => {
      await using fixture = await setUp(open);
      const { ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      await assert.rejects(ledger.advance(attempt, 'file'), isCode('conflict'));
      await assert.rejects(ledger.move(study('one'), 'replay'), isCode('conflict'));
      assert.equal((await ledger.get(study('one')))?.state, 'reading');
    });

    test('WR-LED-06 record, history and documents come back as they were written', async () => {
      await using fixture = await setUp(open);
      const { ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      const notRead = [{ seriesInstanceUid: '1.2.3', count: 2, reason: reason('localizer') }];
      await ledger.saveDocument(attempt, 'report.json', new Uint8Array([1, 2, 3]));
      await ledger.advance(attempt, 'refuse', {
        reason: reason('wrong-body-part', 'no lungs'),
        timingsMs: { assembly: 12.5 },
        notRead,
        traceId: 'abc',
      });
      const record = await ledger.get(study('one'));
      assert.deepEqual(record?.reason, { code: 'wrong-body-part', detail: 'no lungs' });
      assert.deepEqual(record?.notRead, notRead);
      assert.deepEqual(record?.timingsMs, { assembly: 12.5 });
      assert.equal(record?.traceId, 'abc');
      assert.deepEqual(
        (await ledger.history(study('one'))).map((step) => step.transition),
        ['notice', 'complete', 'triage', 'accept', 'claim', 'refuse'],
      );
      assert.deepEqual([...((await ledger.document(study('one'), 'report.json')) ?? [])], [1, 2, 3]);
      assert.equal(await ledger.document(study('one'), 'sr.dcm'), undefined);
      assert.deepEqual(await ledger.list(), [record]);
    });

    test('WR-LED-08 where a source stands comes back as it was kept last, each source by itself', async () => {
      await using fixture = await setUp(open);
      const { ledger } = fixture;
      assert.equal(await ledger.sourceState('qido one'), undefined);
      await ledger.saveSourceState('qido one', '{"seen":1}');
      await ledger.saveSourceState('qido two', '');
      await ledger.saveSourceState('qido one', '{"seen":2}');
      assert.equal(await ledger.sourceState('qido one'), '{"seen":2}');
      assert.equal(await ledger.sourceState('qido two'), '');
    });
  });
}

test('WR-LED-07 what a killed process had committed is there after the kill, and nothing half-written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-ledger-'));
  try {
    const file = join(folder, 'ledger.sqlite');
    const acknowledged = await writeUntilKilled(file);
    assert.ok(acknowledged.length > 0);
    using ledger = sqliteLedger({ file, clock: new ManualClock() });
    const there = new Set((await ledger.list()).map((record) => record.studyInstanceUid as string));
    assert.deepEqual(
      acknowledged.filter((uid) => !there.has(uid)),
      [],
    );
    using database = new DatabaseSync(file);
    assert.deepEqual(Object.values(database.prepare('PRAGMA integrity_check').get()!), ['ok']);
    assert.deepEqual(Object.values(database.prepare('PRAGMA journal_mode').get()!), ['wal']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A process notices studies as fast as it can, prints each when committed, and is killed after the twentieth. */
function writeUntilKilled(file: string): Promise<string[]> {
  const ledgerModule = new URL('../../adapters/sqlite/ledger.ts', import.meta.url).href;
  const program = `
    const { sqliteLedger } = await import(${JSON.stringify(ledgerModule)});
    const ledger = sqliteLedger({ file: ${JSON.stringify(file)}, clock: { now: () => new Date(), monotonicMs: () => 0 } });
    for (let i = 1; ; i += 1) {
      const studyInstanceUid = '2.25.' + i;
      await ledger.notice({ studyInstanceUid, source: 'stow', receivedAt: 'now' }, 'now');
      process.stdout.write(studyInstanceUid + '\\n');
    }`;
  const child = spawn(process.execPath, [
    '--input-type=module',
    '--disable-warning=ExperimentalWarning',
    '-e',
    program,
  ]);
  return new Promise((resolve) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.split('\n').length > 20) child.kill('SIGKILL');
    });
    child.on('close', () => resolve(output.split('\n').slice(0, -1)));
  });
}
