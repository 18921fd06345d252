/**
 * Real CT. The outline of the chest was looked at slice by slice; the numbers are those of that outline, so that a change
 * to the graph that moves it is noticed and looked at again.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../../adapters/codecs/frame-decoder.ts';
import { sliceVoxels, type Volume } from '../../../src/assembly/volume.ts';
import { isSkipped, type Reason } from '../../../src/reasons.ts';
import { assembleFolder } from '../../../test/support/assemble-folder.ts';
import { isInSegment, type LungReader, measuredValue, openLungReader } from '../../../test/support/lung-reading.ts';
import { dataPath, withoutTestData } from '../../../test/support/test-data.ts';

let reader: LungReader;
let decoder: ThreadedFrameDecoder;
before(async () => {
  reader = await openLungReader();
  decoder = new ThreadedFrameDecoder();
});
after(async () => {
  await reader.close();
  await decoder[Symbol.asyncDispose]();
});

function assemble(folder: string): Promise<Volume | Reason> {
  return assembleFolder(dataPath(folder), (byteLength) => reader.acquire(byteLength), decoder);
}

test('WR-MOD-13 a low-dose chest CT of a screening trial', { skip: withoutTestData }, async (t) => {
  const volume = await assemble('ct-chest-nlst/ct');
  assert.ok('voxels' in volume);
  const reading = await reader.read(volume);
  assert.ok(!isSkipped(reading));
  const value = (finding: string, measure: string): number => measuredValue(reading.findings, finding, measure)!;
  t.diagnostic(
    JSON.stringify(reading.findings.findings.map(({ key, measurements }) => [key, measurements.map((m) => m.value)])),
  );
  for (const [finding, milliliters] of [
    ['lung-right', 2185],
    ['lung-left', 1913],
    ['lungs', 4097],
  ] as const)
    assert.ok(
      Math.abs(value(finding, 'volume') / milliliters - 1) < 0.01,
      `${finding}: ${value(finding, 'volume')} ml`,
    );
  assert.ok(Math.abs(value('lungs', 'mean-density') + 915.5) < 2);
  assert.ok(Math.abs(value('lungs', 'perc15') + 982) <= 2);

  const segmentAt = (k: number, row: number, column: number): number =>
    [1, 2].find((segment) => isInSegment(reading.segmentation, segment, k, row * 512 + column)) ?? 0;
  const huAt = (k: number, row: number, column: number): number =>
    sliceVoxels(volume, k)[row * 512 + column]! * volume.slices[k]!.slope + volume.slices[k]!.intercept;
  const POINTS: readonly (readonly [string, readonly [number, number, number], number])[] = [
    ['trachea', [104, 271, 237], 0],
    ['right main bronchus', [92, 275, 222], 0],
    ['gas in the colon', [28, 193, 402], 0],
    ['right lung', [80, 300, 100], 1],
    ['left lung', [80, 300, 400], 2],
    ['recess behind the liver', [22, 343, 149], 1],
  ];
  for (const [name, point, segment] of POINTS) {
    assert.ok(huAt(...point) < -700, `${name} is not at ${point.join(', ')}: ${huAt(...point)} HU`);
    assert.equal(segmentAt(...point), segment, name);
  }
  reader.release(volume);
});

for (const folder of ['ct-head-philips-study/S2010', 'ct-head-ge-tilt']) {
  test(`WR-MOD-13 a real head is never measured: ${folder}`, { skip: withoutTestData }, async () => {
    const volume = await assemble(folder);
    // refused while assembling (irregular spacing), or by the gates
    if (!('voxels' in volume)) return;
    assert.ok(isSkipped(await reader.read({ ...volume, header: { ...volume.header, bodyPartExamined: 'CHEST' } })));
    reader.release(volume);
  });
}
