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
import type { Completeness } from '../../src/arrival/completeness.ts';
import { ALLOWANCE_MINUTES, type Priority } from '../../src/arrival/priority.ts';
import type { StudyEvent, StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Attempt, Clock, FiledResults, Ledger, SourceLease } from '../../src/ports.ts';
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
  readonly open: (clock: Clock, announces: boolean) => Promise<Ledger & (Disposable | AsyncDisposable)>;
}

const KINDS: readonly LedgerKind[] = [
  {
    name: 'SQLite',
    skip: false,
    open: async (clock, announces) => sqliteLedger({ file: ':memory:', clock, announces }),
  },
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
    open: async (clock, announces) => {
      databases += 1;
      return postgresLedger({ url: await server!.createDatabase(`ledger-${databases}`), clock, announces });
    },
  };
}

interface Fixture extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly ledger: Ledger;
  readonly notice: (name: string, settleSeconds?: number) => Promise<void>;
  /** What a source says of a study that has settled. */
  readonly hint: (name: string, hint: Omit<StudyHint, 'studyInstanceUid'>) => Promise<void>;
}

const RESULTS: FiledResults = {
  objects: [{ kind: 'sr', sopClassUid: '1.2.3', sopInstanceUid: '1.2.4', seriesInstanceUid: '1.2.5' }],
  diagnosticReport: 'DiagnosticReport/1',
};

async function setUp(open: LedgerKind['open'], announces = false): Promise<Fixture> {
  const clock = new ManualClock();
  const stack = new AsyncDisposableStack();
  const ledger = stack.use(await open(clock, announces));
  return {
    clock,
    ledger,
    notice: async (name, settleSeconds = 0) => {
      const now = clock.now();
      const event: StudyEvent = { studyInstanceUid: study(name), source: 'stow', receivedAt: now.toISOString() };
      await ledger.notice(event, new Date(now.getTime() + settleSeconds * 1000).toISOString());
    },
    hint: async (name, hint) => {
      const receivedAt = clock.now().toISOString();
      await ledger.notice({ ...hint, studyInstanceUid: study(name), source: 'test', receivedAt }, receivedAt);
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

    test('WR-FLT-07 a clock that was set back holds nothing: no settling, no retry, no lease', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      await notice('settling', 2);
      await notice('failed');
      const failed = (await claimForReading(ledger, 'w1', LEASE_MS))!;
      await ledger.advance(failed, 'fail', { retryAt: '2026-01-01T00:00:30.000Z' });
      await notice('reading');
      assert.equal((await claimForReading(ledger, 'w1', LEASE_MS))?.studyInstanceUid, study('reading'));
      clock.pass(-60);
      assert.equal(await ledger.claim('w2', LEASE_MS), undefined, 'clocks that differ by a minute are no reason');
      await ledger.leaseSource({ source: 'qido', worker: 'w1' }, LEASE_MS);
      const receivedAt = clock.now().toISOString();
      clock.pass(-7200);
      await ledger.notice({ studyInstanceUid: study('received before'), source: 'test', receivedAt }, receivedAt);
      assert.equal(await ledger.leaseSource({ source: 'qido', worker: 'w2' }, LEASE_MS), true);
      const taken = new Set<string>();
      for (let attempt = await ledger.claim('w2', LEASE_MS); attempt; attempt = await ledger.claim('w2', LEASE_MS)) {
        taken.add(attempt.studyInstanceUid);
      }
      assert.deepEqual(taken, new Set(['settling', 'failed', 'reading', 'received before'].map(study)));
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
      assert.deepEqual(await ledger.list(0), []);
      assert.deepEqual(await ledger.countByState(), new Map([['not-evaluable', 1]]));
    });

    test('WR-LED-16 a settled study is looked at first; what the look found comes back with the attempt and the record', async () => {
      await using fixture = await setUp(open);
      const { ledger, hint } = fixture;
      await hint('one', { expectedInstances: 3, priority: 'urgent', archive: 'second', patientDigest: 'ab' });
      const look = (await ledger.claim('worker', LEASE_MS))!;
      assert.equal(look.task, 'triage');
      assert.deepEqual(look.hint, { expectedInstances: 3, priority: 'urgent', archive: 'second', patientDigest: 'ab' });
      const completeness: Completeness = {
        rung: 'expected-reached',
        counts: { series: 1, instances: 3 },
        since: look.arrivedAt,
        expectedInstances: 3,
      };
      assert.equal(
        await ledger.advance(look, 'accept', { priority: 'stat', rule: 'a rule', completeness }),
        'accepted',
      );
      const attempt = (await ledger.claim('worker', LEASE_MS))!;
      assert.deepEqual([attempt.task, attempt.number], ['read', 1]);
      assert.deepEqual(attempt.completeness, completeness);
      const record = await ledger.get(study('one'));
      assert.deepEqual(
        [record?.priority, record?.rule, record?.completeness, record?.archive],
        ['stat', 'a rule', completeness, 'second'],
      );
    });

    test('WR-LED-16 a study that is not complete settles once more, and is looked at anew', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, hint } = fixture;
      await hint('one', {});
      const look = (await ledger.claim('worker', LEASE_MS))!;
      const retryAt = new Date(clock.now().getTime() + 5000).toISOString();
      assert.equal(await ledger.advance(look, 'wait', { retryAt }), 'settling');
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
      clock.pass(6);
      const again = (await ledger.claim('worker', LEASE_MS))!;
      assert.deepEqual([again.task, again.revision, again.arrivedAt], ['triage', 1, look.arrivedAt]);
    });

    test('WR-LKT-07 of looks that found a study waiting the history keeps the last, and of everything else all', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, hint } = fixture;
      const looks = async (count: number): Promise<void> => {
        for (let look = 0; look < count; look += 1) {
          const attempt = (await ledger.claim('worker', LEASE_MS))!;
          const retryAt = new Date(clock.now().getTime() + 5000).toISOString();
          await ledger.advance(attempt, 'wait', { retryAt, reason: reason('study-not-found', `look ${look}`) });
          clock.pass(6);
        }
      };
      await hint('one', {});
      await looks(300);
      await hint('one', {});
      await looks(3);
      const attempt = (await ledger.claim('worker', LEASE_MS))!;
      await ledger.advance(attempt, 'accept', { priority: 'routine', rule: 'a rule' });
      const history = await ledger.history(study('one'));
      assert.deepEqual(
        history.map(({ transition }) => transition),
        ['notice', 'wait', 'arrive', 'wait', 'complete', 'triage', 'accept'],
      );
      assert.deepEqual(history[1]?.reason, { code: 'study-not-found', detail: 'look 299' });
    });

    test('WR-LED-16 images that arrive during a look or a wait are looked at, and an old word of completeness is forgotten', async () => {
      await using fixture = await setUp(open);
      const { ledger, hint } = fixture;
      await hint('one', { rung: 'source-says', expectedInstances: 2 });
      const look = (await ledger.claim('worker', LEASE_MS))!;
      await hint('one', {});
      assert.equal(await ledger.advance(look, 'accept', { priority: 'routine', rule: 'a rule' }), 'accepted');
      assert.equal((await ledger.get(study('one')))?.state, 'settling');
      const again = (await ledger.claim('worker', LEASE_MS))!;
      assert.deepEqual([again.task, again.hint], ['triage', { expectedInstances: 2 }]);
    });

    test('WR-LED-17 studies are claimed by due time: urgent ones pass, and nobody is passed for longer than an allowance', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, hint } = fixture;
      const accept = async (name: string, priority: Priority): Promise<void> => {
        await hint(name, {});
        const look = (await ledger.claim('worker', LEASE_MS))!;
        assert.equal(look.studyInstanceUid, study(name), 'a study that nobody has looked at comes first');
        await ledger.advance(look, 'accept', { priority, rule: 'a rule' });
        clock.pass(1);
      };
      await accept('old-routine', 'routine');
      clock.pass(ALLOWANCE_MINUTES.routine * 60);
      await accept('routine', 'routine');
      await accept('urgent', 'urgent');
      await accept('stat', 'stat');
      const order: string[] = [];
      for (let claimed = 0; claimed < 4; claimed += 1) {
        order.push((await ledger.claim('worker', LEASE_MS))!.studyInstanceUid);
      }
      assert.deepEqual(order, ['old-routine', 'stat', 'urgent', 'routine'].map(study));
    });

    test('WR-LED-18 a filed draft leaves one event, given out again until it is marked as sent', async () => {
      await using fixture = await setUp(open, true);
      const { clock, ledger, notice } = fixture;
      const filedEvents = [];
      for (const name of ['one', 'two']) {
        await notice(name);
        const attempt = await claimed(ledger);
        await ledger.advance(attempt, 'draft');
        await ledger.advance(attempt, 'file', { results: RESULTS });
        filedEvents.push({
          eventId: `${study(name)}/1/${attempt.fence}`,
          studyInstanceUid: study(name),
          revision: 1,
          filedAt: clock.now().toISOString(),
          results: RESULTS,
        });
      }
      assert.deepEqual((await ledger.get(study('one')))?.results, RESULTS);
      assert.deepEqual(await ledger.takeOutgoing(10, LEASE_MS), filedEvents);
      assert.deepEqual(await ledger.takeOutgoing(10, LEASE_MS), [], 'nobody else is given them meanwhile');
      clock.pass(11);
      assert.deepEqual(await ledger.takeOutgoing(1, LEASE_MS), filedEvents.slice(0, 1));
      await ledger.markSent([filedEvents[0]!.eventId]);
      clock.pass(11);
      assert.deepEqual(await ledger.takeOutgoing(10, LEASE_MS), filedEvents.slice(1));
    });

    test('WR-LED-18 nothing is kept for subscribers where none is configured', async () => {
      await using fixture = await setUp(open);
      const { ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      await ledger.advance(attempt, 'draft');
      await ledger.advance(attempt, 'file', { results: RESULTS });
      assert.deepEqual(await ledger.takeOutgoing(10, LEASE_MS), []);
    });

    test('WR-LED-19 old studies in a final state are removed with all that is kept of them, and no other', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger, notice } = fixture;
      for (const name of ['done', 'waiting']) {
        await notice(name);
        const attempt = await claimed(ledger);
        await ledger.saveDocument(attempt, 'report.json', new Uint8Array([1]));
        if (name === 'done') await ledger.advance(attempt, 'refuse', { reason: reason('localizer') });
      }
      clock.pass(100);
      await notice('young');
      await ledger.advance(await claimed(ledger), 'refuse', { reason: reason('localizer') });
      const before = new Date(clock.now().getTime() - 50_000).toISOString();
      assert.deepEqual(await ledger.prune(before, 10), [study('done')]);
      assert.equal(await ledger.get(study('done')), undefined);
      assert.deepEqual(await ledger.history(study('done')), []);
      assert.equal(await ledger.document(study('done'), 'report.json'), undefined);
      assert.deepEqual(
        new Set((await ledger.list()).map((r) => r.studyInstanceUid)),
        new Set([study('waiting'), study('young')]),
      );
      assert.deepEqual(await ledger.prune(before, 10), []);
    });

    test('WR-LED-20 an operator parks, closes and replays; a worker that is at it can no longer write', async () => {
      await using fixture = await setUp(open);
      const { ledger, notice } = fixture;
      await notice('one');
      const attempt = await claimed(ledger);
      assert.equal(await ledger.move(study('one'), 'park'), 'parked');
      await assert.rejects(ledger.advance(attempt, 'draft'), isCode('lease-lost'));
      assert.equal(await ledger.move(study('one'), 'close'), 'closed');
      await assert.rejects(ledger.move(study('one'), 'close'), isCode('conflict'));
      assert.equal(await ledger.claim('worker', LEASE_MS), undefined);
      assert.equal(await ledger.move(study('one'), 'replay'), 'accepted');
      assert.equal((await ledger.claim('worker', LEASE_MS))?.task, 'triage');
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

    test('WR-FEED-09 one worker at a time has the lease of a source, until it lapses or is given up', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger } = fixture;
      const [first, second] = ['one', 'two'].map((worker) => ({ source: 'qido', worker })) as [
        SourceLease,
        SourceLease,
      ];
      assert.equal(await ledger.leaseSource(first, LEASE_MS), true);
      assert.equal(await ledger.leaseSource(second, LEASE_MS), false);
      assert.equal(await ledger.leaseSource({ ...second, source: 'qido:other' }, LEASE_MS), true);
      clock.pass(8);
      assert.equal(await ledger.leaseSource(first, LEASE_MS), true, 'kept for longer');
      clock.pass(8);
      assert.equal(await ledger.leaseSource(second, LEASE_MS), false);
      clock.pass(3);
      assert.equal(await ledger.leaseSource(second, LEASE_MS), true, 'lapsed');
      await ledger.releaseSource(first);
      assert.equal(await ledger.leaseSource(first, LEASE_MS), false, 'it is not the first one that gives it up');
      await ledger.releaseSource(second);
      assert.equal(await ledger.leaseSource(first, LEASE_MS), true);
    });

    test('WR-FEED-10 a study that was found with as many images is not read again when another archive names it too', async () => {
      await using fixture = await setUp(open);
      const { ledger, hint } = fixture;
      await hint('one', { instances: 10, rung: 'counts-unchanged' });
      await hint('one', { instances: 9, archive: 'second' });
      const look = await ledger.claim('worker', LEASE_MS);
      assert.ok(look);
      assert.equal(look.hint.archive, undefined, 'the one that holds more');
      assert.equal(look.hint.rung, 'counts-unchanged');
      const found = { rung: 'counts-unchanged', counts: { series: 1, instances: 10 }, since: look.arrivedAt } as const;
      await ledger.advance(look, 'accept', { priority: 'routine', completeness: found });
      await hint('one', { instances: 10, archive: 'second' });
      await hint('one', { instances: 10 });
      const reading = await ledger.claim('worker', LEASE_MS);
      await ledger.advance(reading!, 'draft');
      assert.equal(await ledger.advance(reading!, 'file'), 'filed');
      const filed = await ledger.get(study('one'));
      await hint('one', { instances: 10, archive: 'second' });
      assert.deepEqual(await ledger.get(study('one')), filed);
      await hint('one', { instances: 11, archive: 'second' });
      const again = await ledger.claim('worker', LEASE_MS);
      assert.deepEqual([again?.revision, again?.hint.archive], [2, 'second']);
      await ledger.advance(again!, 'accept', {
        priority: 'routine',
        completeness: { ...found, counts: { series: 1, instances: 11 } },
      });
      await hint('one', { archive: 'second' });
      assert.equal((await ledger.get(study('one')))?.state, 'settling', 'a change that a source has seen');
    });

    test('WR-FEED-10 where the first archive failed, or had nothing, the second one is asked', async () => {
      await using fixture = await setUp(open);
      const { ledger, hint } = fixture;
      for (const end of ['park', 'select-none'] as const) {
        await hint(end, { instances: 10 });
        const look = await ledger.claim('worker', LEASE_MS);
        await ledger.advance(look!, end, { reason: { code: 'archive-unreachable' } });
        await hint(end, { instances: 10, archive: 'second' });
        assert.equal((await ledger.claim('worker', LEASE_MS))?.hint.archive, 'second');
      }
    });

    test('WR-FEED-09 a worker that has lost the lease cannot say any more where the source stands', async () => {
      await using fixture = await setUp(open);
      const { clock, ledger } = fixture;
      const [dead, alive] = ['dead', 'alive'].map((worker) => ({ source: 'qido', worker })) as [
        SourceLease,
        SourceLease,
      ];
      await assert.rejects(ledger.saveSourceState('cursor', '0', dead), isCode('lease-lost'));
      await ledger.leaseSource(dead, LEASE_MS);
      await ledger.saveSourceState('cursor', '1', dead);
      clock.pass(11);
      await ledger.saveSourceState('cursor', '2', dead);
      await ledger.leaseSource(alive, LEASE_MS);
      await ledger.saveSourceState('cursor', '3', alive);
      await assert.rejects(ledger.saveSourceState('cursor', '2', dead), isCode('lease-lost'));
      assert.equal(await ledger.sourceState('cursor'), '3');
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
      await ledger.notice({ studyInstanceUid, source: 'stow', receivedAt: '2026-01-01' }, '2026-01-01');
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
