/** Two Wetreads on one ledger poll one archive. What a ledger owes for it is in test/contract/ledger.test.ts. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { qidoSource } from '../../adapters/dicomweb/qido-source.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { dayOf } from '../../src/arrival/poll-schedule.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Ledger } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type DicomwebServer, dicomwebServer, stow, stowBody } from '../../test/support/dicomweb-server.ts';
import { part10File, studyUid, text } from '../../test/support/part10.ts';
import { leasedSource } from './leased-source.ts';

const clock = { now: () => new Date(), monotonicMs: () => performance.now() };
const LEASE_MS = 300;

interface Replica {
  readonly named: StudyInstanceUid[];
  readonly logged: string[];
  stop(): Promise<void>;
}

/** Resolves when the condition holds; a test that waits in vain ends by its runner's limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function replica(t: TestContext, worker: string, url: string, ledger: Ledger): Replica {
  const named: StudyInstanceUid[] = [];
  const logged: string[] = [];
  const stopping = new AbortController();
  const log = { write: (event: string) => void logged.push(event) };
  const source = leasedSource({
    name: 'qido',
    worker,
    leaseMs: LEASE_MS,
    ports: { ledger, log, clock },
    open: (ownLedger) =>
      qidoSource({
        url,
        intervalMs: 10,
        windowDays: 1,
        sweepDays: 2,
        sweepMs: 3_600_000,
        quietMs: 1,
        chance: () => 0,
        ports: { ledger: ownLedger, log, clock },
      }),
  });
  const running = source.run(async ({ studyInstanceUid }) => void named.push(studyInstanceUid), stopping.signal);
  const stop = (): Promise<void> => {
    stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
    return running;
  };
  t.after(stop);
  return { named, logged, stop };
}

async function pacs(t: TestContext): Promise<DicomwebServer> {
  const server = await dicomwebServer();
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

async function store(server: DicomwebServer, study: string): Promise<StudyInstanceUid> {
  const { bytes } = part10File({ study, attributes: { '00080020': text('DA', dayOf(Date.now())) } });
  assert.equal((await stow(server.url, stowBody(bytes))).status, 200);
  return studyUid(study);
}

/** The ledger as one process sees it: cut off, its calls fail, as those of a process that hangs never come. */
function reachable(ledger: Ledger): { readonly ledger: Ledger; cut: boolean } {
  const way = { cut: false };
  const proxy = new Proxy(ledger, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        if (way.cut) throw new WetreadError('ledger-unreachable', 'The ledger did not answer');
        return Reflect.apply(method, target, args) as Promise<unknown>;
      };
    },
  });
  return Object.assign(way, { ledger: proxy });
}

test('WR-FEED-12 of two Wetreads one polls; the other goes on from there when the first one stops', async (t) => {
  const server = await pacs(t);
  using ledger = sqliteLedger({ file: ':memory:', clock });
  const first = replica(t, 'first', server.url, ledger);
  const one = await store(server, 'one');
  await until(() => first.named.length === 1);
  const second = replica(t, 'second', server.url, ledger);
  const two = await store(server, 'two');
  await until(() => first.named.length === 2);
  await first.stop();
  const three = await store(server, 'three');
  await until(() => second.named.length === 1);
  assert.deepEqual([first.named, second.named], [[one, two], [three]]);
  await second.stop();
});

test('WR-FEED-12 one that is cut off from the ledger gives up polling, and another takes over after the lease', async (t) => {
  const server = await pacs(t);
  using ledger = sqliteLedger({ file: ':memory:', clock });
  const way = reachable(ledger);
  const first = replica(t, 'first', server.url, way.ledger);
  const one = await store(server, 'one');
  await until(() => first.named.length === 1);
  const second = replica(t, 'second', server.url, ledger);
  way.cut = true;
  await until(() => first.logged.includes('source-fault'));
  const two = await store(server, 'two');
  await until(() => second.named.includes(two));
  way.cut = false;
  await until(() => first.logged.includes('source-recovered'));
  const three = await store(server, 'three');
  await until(() => second.named.includes(three));
  assert.ok(!first.named.includes(three), 'it does not go on beside the other');
  assert.deepEqual([first.named.includes(one), second.named.filter((uid) => uid === one).length <= 1], [true, true]);
  await Promise.all([first.stop(), second.stop()]);
});
