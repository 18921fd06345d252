/** One Wetread with an archive of its own and two further ones, which it polls. Reads a real phantom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdentity } from '../../adapters/part10/reader.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type DicomwebServer, dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { studyUid } from '../support/part10.ts';
import { datedToday, smallChest, smallHead } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const polling = { intervalSeconds: 0.1 };

function studyOf(files: readonly Uint8Array[]): StudyInstanceUid {
  const identity = readIdentity(files[0]!);
  assert.ok(!isSkipped(identity));
  return identity.studyInstanceUid;
}

async function store(pacs: DicomwebServer, files: readonly Uint8Array[]): Promise<void> {
  assert.equal((await stow(pacs.url, stowBody(...files))).status, 200);
}

async function ended({ wetread }: RunningWetread, uid: StudyInstanceUid): Promise<StudyRecord> {
  for (;;) {
    const record = await wetread.ports.ledger.get(uid);
    if (record !== undefined && isFinal(record.state)) return record;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function instancesIn(pacs: DicomwebServer, uid: StudyInstanceUid): number {
  return pacs.use.archive.instances({ studyInstanceUid: uid }).length;
}

test('WR-FEED-13 a study is read from the archive that named it, and its results go back there, once', async () => {
  await using second = await dicomwebServer();
  await using third = await dicomwebServer();
  const [chest, head] = [datedToday(smallChest()), datedToday(smallHead())];
  await store(second, chest);
  await using running = await runWetread({
    archives: [
      { name: 'second', url: second.url, polling },
      { name: 'third', url: third.url, polling },
    ],
  });
  const uid = studyOf(chest);
  const filed = await ended(running, uid);
  assert.deepEqual([filed.state, filed.archive, filed.source], ['filed', 'second', 'qido:second']);
  assert.equal(instancesIn(second, uid), chest.length + 2);
  const page = await fetch(`${running.wetread.url}/api/studies/${uid}/views/0/slices/0/voxels`);
  assert.equal(page.status, 200, 'the page shows images of the archive that holds them');
  await page.body?.cancel();

  const namedToo = new Promise<void>((resolve) => {
    running.onLog = (event, { source, studyInstanceUid }) => {
      if (event === 'study-noticed' && source === 'qido:third' && studyInstanceUid === uid) resolve();
    };
  });
  await store(third, chest);
  await namedToo;
  await store(third, head);
  const other = await ended(running, studyOf(head));
  assert.deepEqual([other.state, other.archive], ['not-evaluable', 'third']);
  const named = await running.wetread.ports.ledger.get(uid);
  assert.deepEqual([named?.state, named?.revision, named?.archive], ['filed', 1, 'second']);
  assert.equal(instancesIn(third, uid), chest.length, 'no second draft');
});

test('WR-FEED-13 a study in an archive that is not configured is parked, with the reason', async () => {
  await using running = await runWetread();
  const { ledger } = running.wetread.ports;
  const studyInstanceUid = studyUid('elsewhere');
  const receivedAt = new Date().toISOString();
  await ledger.notice({ studyInstanceUid, archive: 'unknown', source: 'test', receivedAt }, receivedAt);
  const record = await ended(running, studyInstanceUid);
  assert.deepEqual([record.state, record.reason?.code], ['parked', 'config-invalid']);
});
