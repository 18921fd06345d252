/** A running Wetread reads what is put into a folder. Reads real phantoms. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import { runWetread } from '../support/running-wetread.ts';

test('WR-WATCH-07 a study that is put into a watched folder, one file after the other, is read once, with all its images', async () => {
  await using folder = new TemporaryFolder();
  const [root, stored] = [join(folder.path, 'in'), join(folder.path, 'stored')];
  mkdirSync(join(root, 'CD', 'DICOM'), { recursive: true });
  await using running = await runWetread({
    completeness: { quietSeconds: 0.5 },
    folderWatch: { folders: [root], intervalSeconds: 0.1, after: 'move', storedFolder: stored },
  });
  const files = smallChest();
  for (const [index, bytes] of files.entries()) {
    const path = join(root, 'CD', 'DICOM', `IM${index}`);
    // Half of them as a sender writes that renames, half as one that does not.
    writeFileSync(index % 2 === 0 ? path : `${path}.part`, bytes);
    if (index % 2 === 1) renameSync(`${path}.part`, path);
    if (index % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
  }
  writeFileSync(join(root, 'CD', 'readme.txt'), 'not an image');
  const record = await running.reached('filed');
  assert.equal(record.completeness?.counts.instances, files.length);
  assert.equal(record.revision, 1);
  assert.deepEqual(readdirSync(join(root, 'CD', 'DICOM')), []);
  assert.equal(readdirSync(join(stored, 'CD', 'DICOM')).length, files.length);
  assert.deepEqual(readdirSync(join(root, 'CD')).sort(), ['DICOM', 'readme.txt']);
});
