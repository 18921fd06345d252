/**
 * One suite for every source of studies: the duties of `StudySource` in src/ports.ts, each against a server that runs.
 * A new kind is one file below `sources` and one line in KINDS.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { Clock, Ledger } from '../../src/ports.ts';
import { isUid, type StudyInstanceUid } from '../../src/uid.ts';
import { Conditions } from '../support/conditions.ts';
import { azureChangeFeedKind, orthancChangesKind } from './sources/change-feeds.ts';
import { fhirSubscriptionKind } from './sources/fhir-subscription.ts';
import { folderWatchKind } from './sources/folder-watch.ts';
import { qidoKind } from './sources/qido.ts';
import { rabbitmqKind } from './sources/rabbitmq.ts';
import type { SourceKind, SourceServer } from './sources/source-kind.ts';
import { upsKind } from './sources/ups.ts';

const KINDS: readonly SourceKind[] = [
  qidoKind(24_000),
  orthancChangesKind(24_001, 24_002),
  azureChangeFeedKind(24_003),
  fhirSubscriptionKind(25_000),
  upsKind(23_010, 'standard'),
  upsKind(23_011, 'dcm4chee'),
  folderWatchKind,
  rabbitmqKind(22_030),
];

const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };

/** A source that runs until it is stopped, and what it has said. */
class Run {
  readonly hints: StudyHint[] = [];
  readonly logged: [LogEvent, SafeAttributes][] = [];
  readonly #conditions = new Conditions();
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;

  /** @param commit what happens to a hint; it counts once this resolves */
  constructor(server: SourceServer, ledger: Ledger, commit: (hint: StudyHint) => Promise<void> = async () => {}) {
    const write = (event: LogEvent, attributes: SafeAttributes): void => {
      this.logged.push([event, attributes]);
      this.#conditions.changed();
    };
    const notice = async (hint: StudyHint): Promise<void> => {
      await commit(hint);
      this.hints.push(hint);
      this.#conditions.changed();
    };
    this.#ended = server.source({ ledger, clock, log: { write } }).run(notice, this.#stopping.signal);
  }

  /** Resolves when the condition holds; looked at after every hint and log line. */
  until(condition: () => boolean): Promise<void> {
    return this.#conditions.until(condition);
  }

  times(study: StudyInstanceUid): number {
    return this.hints.filter(({ studyInstanceUid }) => studyInstanceUid === study).length;
  }

  named(...studies: readonly StudyInstanceUid[]): Promise<void> {
    return this.until(() => studies.every((study) => this.times(study) > 0));
  }

  told(event: LogEvent): Promise<void> {
    return this.until(() => this.logged.some(([written]) => written === event));
  }

  /** Rejects where the source rejects. */
  stop(): Promise<void> {
    this.#stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The ledger, with what it is called with. */
function watched(ledger: Ledger, calls: unknown[]): Ledger {
  return new Proxy(ledger, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        calls.push(args);
        return Reflect.apply(method, target, args);
      };
    },
  });
}

for (const { name, skip, start } of KINDS) {
  describe(name, { skip }, () => {
    let server: SourceServer;
    let ledger: Ledger & Disposable;
    before(async () => {
      server = await start();
      ledger = sqliteLedger({ file: ':memory:', clock });
    });
    after(async () => {
      await server?.[Symbol.asyncDispose]();
      ledger?.[Symbol.dispose]();
    });
    let sentinels = 0;
    /** What has not been named again when two studies that came later have been, is not named again. */
    const later = async (run: Run): Promise<void> => {
      for (let count = 0; count < 2; count += 1) {
        sentinels += 1;
        await run.named(await server.announce(`later ${sentinels}`));
      }
    };

    test('WR-FEED-01 every study is named, those that were there and those that come, and not again without a change', async () => {
      const there = [await server.announce('there one'), await server.announce('there two')];
      await using run = new Run(server, ledger);
      await run.named(...there);
      const comes = await server.announce('comes');
      await run.named(comes);
      await later(run);
      assert.deepEqual(
        [...there, comes].map((study) => run.times(study)),
        [1, 1, 1],
      );
      assert.ok(run.hints.every(({ studyInstanceUid }) => isUid(studyInstanceUid)));
    });

    test('WR-FEED-02 a study that has changed is named again', async () => {
      await using run = new Run(server, ledger);
      const study = await server.announce('grows');
      await run.named(study);
      await later(run);
      assert.equal(await server.announce('grows'), study);
      await run.until(() => run.times(study) === 2);
      await later(run);
      assert.equal(run.times(study), 2);
    });

    test('WR-FEED-03 what was committed before a restart is not named after it, what came meanwhile is', async () => {
      let committed: StudyInstanceUid;
      {
        await using run = new Run(server, ledger);
        committed = await server.announce('before the restart');
        await run.named(committed);
        await later(run);
      }
      const meanwhile = await server.announce('during the restart');
      await using run = new Run(server, ledger);
      await run.named(meanwhile);
      await later(run);
      assert.equal(run.times(committed), 0);
    });

    test('WR-FEED-04 a hint that could not be committed is told, given again, and holds up no other study for good', async () => {
      const refused = new Set<StudyInstanceUid>();
      let asked = 0;
      await using run = new Run(server, ledger, async ({ studyInstanceUid }) => {
        asked += 1;
        if (refused.has(studyInstanceUid)) return;
        refused.add(studyInstanceUid);
        throw new WetreadError('disk-full', 'The ledger could not be written');
      });
      const studies = [await server.announce('refused one'), await server.announce('refused two')];
      await run.named(...studies);
      assert.ok(asked >= 4);
      const faults = run.logged.filter(([event]) => event === 'source-fault');
      assert.ok(faults.some(([, { errorCode }]) => errorCode === 'disk-full'));
    });

    test('WR-FEED-05 a hint that was in the air when Wetread ended is given again after the start', async () => {
      const dying = Promise.withResolvers<void>();
      const given = Promise.withResolvers<StudyInstanceUid>();
      const study = await server.announce('in the air');
      const run = new Run(server, ledger, ({ studyInstanceUid }) => {
        if (studyInstanceUid !== study) return Promise.resolve();
        given.resolve(studyInstanceUid);
        return dying.promise;
      });
      await given.promise;
      const stopped = run.stop();
      dying.reject(new WetreadError('ledger-unreachable', 'The ledger is gone'));
      await stopped;
      assert.equal(run.times(study), 0);
      await using again = new Run(server, ledger);
      await again.named(study);
    });

    test('WR-FEED-06 a server that is down at the start is waited for, which the log tells', async () => {
      await server.breakServer();
      await using run = new Run(server, ledger);
      await run.told('source-fault');
      await server.mendServer();
      await run.named(await server.announce('after a start without server'));
      await run.told('source-recovered');
    });

    test('WR-FEED-06 a server that goes down later is waited for, which the log tells', async () => {
      await using run = new Run(server, ledger);
      await run.named(await server.announce('before the server went down'));
      await server.breakServer();
      await run.told('source-fault');
      await server.mendServer();
      await run.named(await server.announce('after the server came back'));
      await run.told('source-recovered');
    });

    test('WR-FEED-07 it ends when it is told to, asked before its start, at rest, and while its server is down', async () => {
      const early = new AbortController();
      early.abort(new WetreadError('timeout', 'Wetread is stopping'));
      await server.source({ ledger, clock, log: { write: () => {} } }).run(async () => {}, early.signal);
      const resting = new Run(server, ledger);
      await resting.named(await server.announce('at rest'));
      await resting.stop();
      const { length } = resting.hints;
      await server.breakServer();
      const down = new Run(server, ledger);
      await down.told('source-fault');
      await down.stop();
      await server.mendServer();
      assert.equal(resting.hints.length, length);
    });

    test('WR-FEED-08 hints, log lines and what is kept hold nothing of a patient', async () => {
      const kept: unknown[] = [];
      await using run = new Run(server, watched(ledger, kept));
      await run.named(await server.announce('of a patient'));
      await later(run);
      await server.breakServer();
      await run.told('source-fault');
      await server.mendServer();
      const said = JSON.stringify([run.hints, run.logged, kept]);
      for (const word of server.patientData) assert.ok(!said.includes(word), word);
    });
  });
}
