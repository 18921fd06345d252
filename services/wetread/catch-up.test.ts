/** Who notices a study that arrives: the request that brings it, or, where that cannot, a look that finds it at rest. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { Ledger, Log, Tracer } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { studyUid } from '../../test/support/part10.ts';
import { catchUp } from './catch-up.ts';
import { type ArrivalList, Intake } from './intake.ts';

const clock = { now: () => new Date(), monotonicMs: () => performance.now() };
const log: Log = { write: () => {} };
const tracer: Tracer = {
  span: (_name, _attributes, work) => work({ traceId: '', set: () => {} }),
  traceparent: () => undefined,
  document: async () => ({}),
};
const WHOLE = studyUid('whole');
const COMING = studyUid('coming');

/** An archive to which the test brings instances, asked `looks` times so far. */
class Arriving implements ArrivalList {
  looks = 0;
  readonly #arrived = new Map<StudyInstanceUid, number>();

  bring(studyInstanceUid: StudyInstanceUid): void {
    this.#arrived.set(studyInstanceUid, (this.#arrived.get(studyInstanceUid) ?? 0) + 1);
  }

  studies(): readonly StudyInstanceUid[] {
    return [];
  }

  arrivals(): ReturnType<ArrivalList['arrivals']> {
    this.looks += 1;
    return [...this.#arrived].map(([studyInstanceUid, instances]) => ({ studyInstanceUid, instances }));
  }

  noticed({ studyInstanceUid }: Parameters<ArrivalList['noticed']>[0]): void {
    this.#arrived.delete(studyInstanceUid);
  }
}

function parts(t: TestContext): { archive: Arriving; ledger: Ledger; intake: Intake } {
  const ledger = sqliteLedger({ file: ':memory:', clock });
  t.after(() => ledger[Symbol.dispose]());
  const intake = new Intake({ ports: { clock, ledger, log, tracer }, quietMs: 0, onNoticed: () => {} });
  return { archive: new Arriving(), ledger, intake };
}

async function noticedIn(ledger: Ledger): Promise<readonly string[]> {
  return (await ledger.list()).map(({ studyInstanceUid }) => studyInstanceUid);
}

test('WR-ARC-47 a request that ends notices its own study, and leaves what another still brings alone', async (t) => {
  const { archive, ledger, intake } = parts(t);
  archive.bring(WHOLE);
  archive.bring(COMING);
  await intake.received(archive, [WHOLE], 'stow');
  assert.deepEqual(await noticedIn(ledger), [WHOLE]);
  assert.deepEqual(archive.arrivals(), [{ studyInstanceUid: COMING, instances: 1 }]);
});

test('WR-ARC-47 what no request has noticed is noticed when nothing more of it comes', async (t) => {
  const { archive, ledger, intake } = parts(t);
  const running = await catchUp(archive, intake, log, 1);
  t.after(() => running[Symbol.asyncDispose]());
  // one more instance for every look: the study is never as it was
  const arrivals = archive.arrivals.bind(archive);
  archive.arrivals = () => {
    if (archive.looks < 20) archive.bring(COMING);
    return arrivals();
  };
  while (archive.looks < 20) {
    assert.deepEqual(await noticedIn(ledger), []);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while ((await noticedIn(ledger)).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(await noticedIn(ledger), [COMING]);
  assert.deepEqual(arrivals(), []);
});
