import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StudyState } from '../../src/arrival/lifecycle.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Ledger } from '../../src/ports.ts';
import { writeNullModel } from '../../test/support/null-model.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { runWetread } from '../../test/support/running-wetread.ts';
import { tinyStudy } from '../../test/support/tiny-studies.ts';

const unreachable = (): WetreadError => new WetreadError('ledger-unreachable', 'as ordered');

/** @param fails what becomes of the first recording of a filed draft */
async function readWith(fails: (record: Ledger['advance'], ...call: Parameters<Ledger['advance']>) => Promise<never>) {
  await using folder = new TemporaryFolder();
  const models = [await writeNullModel(folder.path)];
  await using running = await runWetread({ bundledModels: false, models });
  const { ledger } = running.wetread.ports;
  const advance = ledger.advance.bind(ledger);
  let failures = 0;
  ledger.advance = async (...call) => {
    if (call[1] !== 'file' || failures > 0) return advance(...call);
    failures += 1;
    return fails(advance, ...call);
  };
  const { studyInstanceUid, files } = tinyStudy('recorded');
  const ended = new Promise<void>((resolve) => {
    running.onLog = (event) => {
      if (event === 'read-ended') resolve();
    };
  });
  await running.send(files);
  await ended;
  assert.equal(failures, 1);
  const history = await ledger.history(studyInstanceUid);
  return history.map(({ transition }) => transition).filter((name) => ['claim', 'file', 'fail'].includes(name));
}

test('WR-FLT-05 a ledger that does not answer when a reading ends: it is recorded as soon as it does, nothing is read twice', async () => {
  const history = await readWith(() => Promise.reject(unreachable()));
  assert.deepEqual(history, ['claim', 'file']);
});

test('WR-FLT-05 a ledger that records the end of a reading and loses its answer: it counts as recorded', async () => {
  const history = await readWith(async (record, ...call) => {
    await record(...call);
    throw unreachable();
  });
  assert.deepEqual(history, ['claim', 'file']);
});

for (const [code, state] of [
  ['archive-unreachable', 'failed'],
  ['archive-truncated', 'parked'],
] as const) {
  test(`WR-RUN-03 only a server that does not answer is waited for beyond the usual retries: ${code}`, async () => {
    await using folder = new TemporaryFolder();
    const models = [await writeNullModel(folder.path)];
    const retries = { maximum: 0, maximumUnreachable: 3 };
    await using running = await runWetread({ bundledModels: false, models, retries });
    const { ports } = running.wetread;
    ports.archive.findStudy = () => Promise.reject(new WetreadError(code, 'as ordered'));
    const { studyInstanceUid, files } = tinyStudy(code);
    await running.send(files);
    let ended: StudyState | undefined;
    while (ended !== 'failed' && ended !== 'parked') {
      await sleep(20);
      ended = (await ports.ledger.get(studyInstanceUid))?.state;
    }
    assert.equal(ended, state);
  });
}
