/** Real CT: heads and scans without lungs are refused; what is marked in a chest was looked at, and is wrong. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../../adapters/codecs/frame-decoder.ts';
import { isSkipped } from '../../../src/reasons.ts';
import { assembleFolder } from '../../../test/support/assemble-folder.ts';
import { type ModelReader, openModelReader } from '../../../test/support/model-reading.ts';
import { dataPath, withoutTestData } from '../../../test/support/test-data.ts';

let reader: ModelReader;
let decoder: ThreadedFrameDecoder;
before(async () => {
  reader = await openModelReader(join(import.meta.dirname, '..', '..', 'examples', 'ct-nodule-candidates'));
  decoder = new ThreadedFrameDecoder();
});
after(async () => {
  await reader.close();
  await decoder[Symbol.asyncDispose]();
});

/** Looked at: both are the edge of a vertebral body that bulges into the lung. No nodule is known in this study. */
const VERTEBRAE = [
  [-30.3, 22, 1065],
  [-30.3, 12, 1042.5],
] as const;

test('WR-DET-15 a low-dose chest CT of a screening trial: two marks, both wrong, as the card says', {
  skip: withoutTestData,
}, async () => {
  const volume = await assembleFolder(dataPath('ct-chest-nlst/ct'), (bytes) => reader.acquire(bytes), decoder);
  assert.ok('voxels' in volume);
  const reading = await reader.read(volume);
  assert.ok(!isSkipped(reading));
  const { findings } = reading.findings;
  assert.equal(findings.length, VERTEBRAE.length);
  for (const [at, { region, laterality }] of findings.entries()) {
    assert.ok(region?.kind === 'patient-sphere' && laterality?.meaning === 'Right');
    assert.ok(Math.hypot(...VERTEBRAE[at]!.map((place, axis) => place - region.center[axis]!)) < 3);
  }
  reader.release(volume);
});

for (const folder of ['ct-head-philips-study/S2010', 'ct-head-ge-tilt'])
  test(`WR-DET-08 a real head has neither nodules nor their absence: ${folder}`, {
    skip: withoutTestData,
  }, async () => {
    const volume = await assembleFolder(dataPath(folder), (bytes) => reader.acquire(bytes), decoder);
    if (!('voxels' in volume)) return;
    assert.ok(isSkipped(await reader.read(volume)));
    reader.release(volume);
  });
