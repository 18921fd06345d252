import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { type DicomDataSet, itemsOf, stringOf } from '../../src/dicom-json.ts';
import { stow, stowBody } from '../support/dicomweb-server.ts';
import { testArchive } from '../support/directory-archive.ts';
import { part10File, studyUid } from '../support/part10.ts';

const SCRIPT = join(import.meta.dirname, '..', 'support', 'dicomweb-process.ts');

async function start(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [SCRIPT, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return { url, child };
}

test('WR-ARC-25 killed while instances arrive: every acknowledged one is there, whole, and nothing half-written', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-kill-'));
  t.after(() => rm(folder, { recursive: true }));
  const acknowledged = new Set<string>();
  let next = 0;
  for (let round = 0; round < 4; round++) {
    const { url, child } = await start(folder);
    const exited = once(child, 'exit');
    // Three senders, so that the kill comes in the midst of groups; each ends with the connection.
    const sender = async (): Promise<void> => {
      for (;;) {
        const files = Array.from({ length: 5 }, () => part10File({ instance: `${next++}`, columns: 128 }).bytes);
        const { body } = await stow(url, stowBody(...files));
        const answer = JSON.parse(body.toString()) as DicomDataSet;
        for (const item of itemsOf(answer, '00081199')) acknowledged.add(stringOf(item, '00081155')!);
      }
    };
    const senders = Promise.allSettled([sender(), sender(), sender()]);
    const enough = acknowledged.size + 30 + round * 7;
    while (acknowledged.size < enough) await new Promise((resolve) => setTimeout(resolve, 1));
    child.kill('SIGKILL');
    await exited;
    await senders;
  }
  await using use = await testArchive(folder);
  const held = use.archive.instances({ studyInstanceUid: studyUid('study') });
  const uids = new Set<string>(held.map(({ sopInstanceUid }) => sopInstanceUid));
  assert.deepEqual(
    [...acknowledged].filter((uid) => !uids.has(uid)),
    [],
  );
  assert.deepEqual(await readdir(join(folder, 'incoming')), []);
  const size = part10File({ instance: '0', columns: 128 }).bytes.length;
  for (const instance of held) assert.ok(Math.abs((await use.archive.readInstance(instance)).length - size) < 16);
  assert.deepEqual(use.refusals, [], 'no file under a final name is broken');
});
