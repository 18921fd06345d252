import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { goldenCases } from './golden-cases.ts';

/** What is said of a case whose output holds these scores. */
async function complaintsAbout(...scores: readonly number[]): Promise<readonly string[]> {
  await using folder = new TemporaryFolder();
  const input = { name: 'image', datatype: 'FP32', shape: [1], file: 'image.gz' };
  const tensor = { name: 'scores', datatype: 'FP32', shape: [scores.length], file: 'scores.gz' };
  const tolerance = { absolute: 0, differingPercent: 0 };
  const golden = { description: 'One', inputs: [input], outputs: [{ tensor, tolerance }] };
  folder.write({
    'golden/one.json': JSON.stringify(golden),
    'golden/image.gz': gzipSync(Float32Array.of(1)),
    'golden/scores.gz': gzipSync(Float32Array.from(scores)),
  });
  return (await goldenCases(folder.path, ['golden/one.json'])).complaints;
}

test('WR-LKM-13 a golden case without a number is none: a graph that gives NaN would pass it', async () => {
  const empty = ['golden/one.json: golden/scores.gz holds no number, only NaN'];
  assert.deepEqual(await complaintsAbout(Number.NaN, Number.NaN), empty);
  assert.deepEqual(await complaintsAbout(Number.NaN, 0.5), []);
  assert.deepEqual(await complaintsAbout(Number.NEGATIVE_INFINITY), []);
});
