/** Broken bytes: whatever happens to a file, the outcome is an instance or a typed reason, and the process lives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isSkipped, REASONS } from '../../src/reasons.ts';
import { random } from '../../test/support/random.ts';
import { dataPath, withoutTestData } from '../../test/support/test-data.ts';
import { readDataSet, readIdentity, readInstance } from '../part10/reader.ts';
import { ThreadedFrameDecoder } from './frame-decoder.ts';

const signal = new AbortController().signal;

/** Half of the variants are cut off, half have bytes turned over; both anywhere in the file. */
function* variants(file: Uint8Array, count: number, seed: number): Generator<Uint8Array> {
  const numbers = random(seed);
  for (let i = 0; i < count; i += 1) {
    const at = numbers.integer(0, file.length - 1);
    if (i % 2 === 0) {
      yield file.slice(0, at);
      continue;
    }
    const broken = file.slice();
    const flips = numbers.integer(1, 4);
    for (let k = 0; k < flips; k += 1) broken[(at + k) % file.length]! ^= numbers.integer(1, 255);
    yield broken;
  }
}

const FILES = [
  'MR_small.dcm',
  'MR_small_implicit.dcm',
  'MR_small_bigendian.dcm',
  'MR_small_RLE.dcm',
  'MR_small_jpeg_ls_lossless.dcm',
  'MR_small_jp2klossless.dcm',
  'JPGExtended.dcm',
  'SC_rgb_jpeg_gdcm.dcm',
  'SC_rgb_dcmtk_+eb+cy+s2.dcm',
  'image_dfl.dcm',
];

for (const [seed, name] of FILES.entries()) {
  test(`WR-PIX-20 ${name}, cut off or turned over at 300 places`, { skip: withoutTestData }, async () => {
    await using decoder = new ThreadedFrameDecoder({ workers: 1, timeLimitMs: 5_000 });
    const file = new Uint8Array(readFileSync(dataPath('syntaxes-small', name)));
    let refused = 0;
    for (const broken of variants(file, 300, seed + 1)) {
      for (const outcome of [readDataSet(broken), readIdentity(broken)]) {
        if (isSkipped(outcome)) assert.ok(outcome.skipped.code in REASONS);
        else assert.ok(outcome.transferSyntaxUid.length > 0);
      }
      const instance = readInstance(broken);
      const outcome = isSkipped(instance) ? instance : await decoder.decode(instance, 0, signal);
      if (isSkipped(outcome)) {
        assert.ok(outcome.skipped.code in REASONS);
        refused += 1;
      } else {
        assert.equal(outcome.pixels.length, outcome.rows * outcome.columns * outcome.samplesPerPixel);
      }
      if (!isSkipped(instance)) JSON.stringify(instance.dataSet);
    }
    assert.ok(refused >= 140, `${refused} of 300 refused: at least those that are cut off`);
  });
}
