/** Wetread polls a real PACS: Orthanc. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdentity } from '../../adapters/part10/reader.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { datedToday, smallChest, smallHead } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const PORTS = { httpPort: 25120, dicomPort: 25121 };

function studyOf(files: readonly Uint8Array[]): StudyInstanceUid {
  const identity = readIdentity(files[0]!);
  assert.ok(!isSkipped(identity));
  return identity.studyInstanceUid;
}

async function load(orthanc: Orthanc, files: readonly Uint8Array[]): Promise<void> {
  for (const file of files) {
    const answer = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: Buffer.from(file) });
    assert.ok(answer.ok, `Orthanc answers ${answer.status}`);
  }
}

async function ended({ wetread }: RunningWetread, uid: StudyInstanceUid, revision = 1): Promise<StudyRecord> {
  for (;;) {
    const record = await wetread.ports.ledger.get(uid);
    if (record !== undefined && record.revision >= revision && isFinal(record.state)) return record;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('WR-SRC-13 studies in Orthanc are found, grow and are read anew, through a restart of it; own results name none', {
  skip: withoutOrthanc,
}, async () => {
  const chest = datedToday(smallChest());
  const head = datedToday(smallHead());
  const uid = studyOf(chest);
  await using orthanc = await startOrthanc(PORTS);
  await load(orthanc, chest.slice(1));
  await using running = await runWetread({
    archive: { kind: 'dicomweb', url: `${orthanc.url}/dicom-web`, polling: { intervalSeconds: 0.3 } },
  });
  const first = await ended(running, uid);
  assert.deepEqual([first.state, first.source, first.revision], ['filed', 'qido', 1], JSON.stringify(first.reason));
  await load(orthanc, chest.slice(0, 1));
  const second = await ended(running, uid, 2);
  assert.deepEqual([second.state, second.revision], ['filed', 2]);
  await orthanc.restart();
  await load(orthanc, head);
  // It is found several polls after the results of the chest were stored, which must have named nothing.
  await ended(running, studyOf(head));
  const history = await running.wetread.ports.ledger.history(uid);
  assert.equal(history.filter(({ transition }) => transition === 'notice' || transition === 'arrive').length, 2);
});

test('WR-FEED-17 Orthanc lists a study of long ago that is imported now: read once, its results name none, growth is read anew', {
  skip: withoutOrthanc,
}, async () => {
  const [chest, head] = [smallChest(), smallHead()];
  const uid = studyOf(chest);
  await using orthanc = await startOrthanc(PORTS);
  const url = `${orthanc.url}/dicom-web`;
  const polling = { intervalSeconds: 0.3, sweepSeconds: 3600, sweepDays: 3, changes: 'orthanc' };
  await using running = await runWetread({ archives: [{ name: 'research', url, polling }] });
  await firstPoll(running);
  await load(orthanc, chest.slice(1));
  const first = await ended(running, uid);
  assert.deepEqual(
    [first.state, first.revision, first.archive],
    ['filed', 1, 'research'],
    JSON.stringify(first.reason),
  );
  await load(orthanc, head);
  // It is found several polls after the results of the chest were stored, which must have had nothing read.
  await ended(running, studyOf(head));
  const { length } = await running.wetread.ports.ledger.history(uid);
  assert.equal((await running.wetread.ports.ledger.get(uid))?.revision, 1);
  await load(orthanc, chest.slice(0, 1));
  const second = await ended(running, uid, 2);
  assert.deepEqual([second.state, second.revision], ['filed', 2]);
  const history = await running.wetread.ports.ledger.history(uid);
  assert.deepEqual(
    history.slice(length).map(({ transition }) => transition),
    history.slice(0, length).map(({ transition }) => (transition === 'notice' ? 'arrive' : transition)),
  );
});

/** Resolves when it is kept where the polling stands: what comes from then on is found by the list alone. */
async function firstPoll({ wetread }: RunningWetread): Promise<void> {
  const state = `qido http://127.0.0.1:${PORTS.httpPort}/dicom-web`;
  while ((await wetread.ports.ledger.sourceState(state)) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
