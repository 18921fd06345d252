import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import type { EncodedInstance, FrameTarget, StoredFrame } from '../../src/ports.ts';
import { explain, isSkipped, type Skipped } from '../../src/reasons.ts';
import { element, encapsulated, imageElements, part10, withUids } from '../../test/support/part10-bytes.ts';
import { dataPath, type TruthInstance, truth, withoutTestData } from '../../test/support/test-data.ts';
import { readInstance } from '../part10/reader.ts';
import { ThreadedFrameDecoder } from './frame-decoder.ts';

const signal = new AbortController().signal;
const LOSSLESS = '1.2.840.10008.1.2.4.70';

function instanceOf(bytes: Uint8Array): EncodedInstance {
  const read = readInstance(bytes);
  const outcome = isSkipped(read) && read.skipped.code === 'uid-missing' ? readInstance(withUids(bytes)) : read;
  return isSkipped(outcome) ? assert.fail(explain(outcome.skipped)) : outcome;
}

function load(...path: string[]): EncodedInstance {
  return instanceOf(readFileSync(dataPath(...path)));
}

function frameOf(outcome: StoredFrame | Skipped): StoredFrame {
  return isSkipped(outcome) ? assert.fail(explain(outcome.skipped)) : outcome;
}

async function decodeAll(decoder: ThreadedFrameDecoder, instance: EncodedInstance): Promise<StoredFrame[]> {
  const outcomes = await Promise.all(instance.frames.map((_, i) => decoder.decode(instance, i, signal)));
  return outcomes.map(frameOf);
}

function sha256(frames: readonly StoredFrame[]): string {
  const hash = createHash('sha256');
  for (const { pixels } of frames) hash.update(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength));
  return hash.digest('hex');
}

/** Files whose truth is another than the hash, and why; each has a test of its own. */
const SPECIAL = new Map([
  ['overlay.dcm', 'the hash includes the overlay in bit 15'],
  ['SC_rgb_small_odd_big_endian.dcm', 'the hash was taken without turning the words of OW around'],
  ['JPEG2000-embedded-sequence-delimiter.dcm', 'the code stream announces 3,722,445,056 columns'],
]);

function factsWithPixels(): { path: string; fact: TruthInstance }[] {
  return Object.entries(truth().folders).flatMap(([folder, { series }]) =>
    (series ?? [])
      .flatMap(({ instances }) => instances)
      .filter((fact) => fact.pixelSha256 !== undefined && !SPECIAL.has(fact.file))
      .map((fact) => ({ path: dataPath(folder, fact.file), fact }))
      .filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isFile() === true),
  );
}

test('WR-PIX-30 every lossless image is equal to the bit to what pydicom, GDCM and DCMTK decode', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const facts = factsWithPixels().filter(({ fact }) => fact['lossy'] !== true);
  for (const { path, fact } of facts) {
    const frames = await decodeAll(decoder, instanceOf(readFileSync(path)));
    assert.equal(sha256(frames), fact.pixelSha256, path);
  }
  assert.equal(facts.length, 384);
});

/** By how much the mean of a whole image may differ where decoders round differently. */
const MEAN_TOLERANCE = 0.002;

test('WR-PIX-31 lossy images: equal to the bit, or, where decoders may round, in range and mean', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const rounded: string[] = [];
  const facts = factsWithPixels().filter(({ fact }) => fact['lossy'] === true);
  for (const { path, fact } of facts) {
    const frames = await decodeAll(decoder, instanceOf(readFileSync(path)));
    if (sha256(frames) === fact.pixelSha256) continue;
    rounded.push(fact.file);
    const { low, high, mean } = statistics(frames);
    assert.deepEqual([low, high], [fact['min'], fact['max']], path);
    assert.ok(
      Math.abs(mean - Number(fact['mean'])) < MEAN_TOLERANCE,
      `${path}: mean ${mean}, not ${Number(fact['mean'])}`,
    );
  }
  assert.equal(facts.length, 31);
  assert.deepEqual(rounded.toSorted(), [
    'CT0012.fragmented_no_bot_jpeg_baseline.51.dcm',
    'CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm',
    'HTJ2K_08_RGB.dcm',
    'JPEG-lossy.dcm',
    'JPGExtended.dcm',
  ]);
});

function statistics(frames: readonly StoredFrame[]): { low: number; high: number; mean: number } {
  let [low, high, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const { pixels } of frames) {
    for (const value of pixels) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      sum += value;
    }
    count += pixels.length;
  }
  return { low, high, mean: sum / count };
}

test('WR-PIX-31 lossy CT differs from its original by no more than other decoders differ', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const folder = truth().folders['ct-14-syntaxes']!;
  const original = load('ct-14-syntaxes', 'CTImage.dcm');
  const reference = rescaled(original, (await decodeAll(decoder, original))[0]!);
  const comparisons = folder['comparisons'] as { file: string; lossySyntax: boolean; maxAbsDiffRescaled?: number }[];
  const lossy = comparisons.filter((one) => one.lossySyntax && one.maxAbsDiffRescaled !== undefined);
  assert.ok(lossy.length >= 4);
  for (const { file, maxAbsDiffRescaled } of lossy) {
    const instance = load('ct-14-syntaxes', file);
    const values = rescaled(instance, (await decodeAll(decoder, instance))[0]!);
    const largest = values.reduce((max, value, i) => Math.max(max, Math.abs(value - reference[i]!)), 0);
    const slope = instance.header.frames[0]!.rescaleSlope;
    assert.ok(largest <= maxAbsDiffRescaled! + slope, `${file}: ${largest}, not ${maxAbsDiffRescaled}`);
  }
});

function rescaled({ header }: EncodedInstance, { pixels }: StoredFrame): Float64Array {
  const { rescaleSlope, rescaleIntercept } = header.frames[0]!;
  return Float64Array.from(pixels, (value) => value * rescaleSlope + rescaleIntercept);
}

test('WR-PIX-32 an overlay in unused bits stays out of the pixels', { skip: withoutTestData }, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const instance = load('signed-and-overlays', 'overlay.dcm');
  const [frame] = await decodeAll(decoder, instance);
  const [raw] = await decodeAll(decoder, {
    ...instance,
    header: { ...instance.header, bitsStored: 16, highBit: 15 },
    frames: instance.frames,
    transferSyntaxUid: instance.transferSyntaxUid,
  });
  const fact = truth().folders['signed-and-overlays']!.series.flatMap((s) => s.instances);
  assert.equal(sha256([raw!]), fact.find(({ file }) => file === 'overlay.dcm')?.pixelSha256);
  assert.deepEqual(
    frame!.pixels,
    Uint16Array.from(raw!.pixels, (value) => value & 0x0fff),
  );
});

test('WR-PIX-33 8-bit samples in words of a big endian file are those of its little endian twin', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const [big] = await decodeAll(decoder, load('syntaxes-small', 'SC_rgb_small_odd_big_endian.dcm'));
  const [little] = await decodeAll(decoder, load('syntaxes-small', 'SC_rgb_small_odd.dcm'));
  assert.deepEqual(big!.pixels, little!.pixels);
});

test('WR-PIX-34 a code stream that announces another image than the header is refused', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder({ workers: 1 });
  const embedded = load('syntaxes-small', 'JPEG2000-embedded-sequence-delimiter.dcm');
  assert.deepEqual(await decoder.decode(embedded, 0, signal), {
    skipped: {
      code: 'decode-failed',
      detail: 'the code stream holds 3722445056x1024x1, the header says 256x1024x1',
    },
  });
  for (const [name, syntax] of FAMILIES) {
    const instance = load('syntaxes-small', name);
    const smaller = { ...instance, header: { ...instance.header, rows: 16 }, frames: instance.frames };
    const outcome = await decoder.decode({ ...smaller, transferSyntaxUid: instance.transferSyntaxUid }, 0, signal);
    assert.equal(isSkipped(outcome) && outcome.skipped.code, 'decode-failed', syntax);
  }
});

/** One small file per family of codecs. */
const FAMILIES: readonly (readonly [string, string])[] = [
  ['MR_small_jpeg_ls_lossless.dcm', 'JPEG-LS'],
  ['MR_small_jp2klossless.dcm', 'JPEG 2000'],
  ['SC_rgb_jpeg_gdcm.dcm', 'JPEG lossless'],
  ['SC_rgb_jpeg_dcmtk.dcm', 'JPEG baseline'],
  ['JPGExtended.dcm', 'JPEG 12 bit'],
];

for (const [name, family] of [...FAMILIES, ['MR_small_RLE.dcm', 'RLE'] as const]) {
  test(`WR-PIX-35 ${family}: a code stream cut in half is refused, not filled up`, {
    skip: withoutTestData,
  }, async () => {
    await using decoder = new ThreadedFrameDecoder({ workers: 1 });
    const instance = load('syntaxes-small', name);
    const frames = instance.frames.map((frame) => frame.subarray(0, frame.length >> 1));
    const outcome = await decoder.decode({ ...visible(instance), frames }, 0, signal);
    assert.equal(isSkipped(outcome) && outcome.skipped.code, 'decode-failed');
    assert.ok(!isSkipped(await decoder.decode(instance, 0, signal)), 'the next frame is decoded');
  });
}

test('WR-PIX-35 HTJ2K: a code stream cut in half is refused, not filled up', { skip: withoutTestData }, async () => {
  await using decoder = new ThreadedFrameDecoder({ workers: 1 });
  const instance = load('htj2k', 'HTJ2KLossless_08_RGB.dcm');
  const frames = instance.frames.map((frame) => frame.subarray(0, frame.length >> 1));
  const outcome = await decoder.decode({ ...visible(instance), frames }, 0, signal);
  assert.equal(isSkipped(outcome) && outcome.skipped.code, 'decode-failed');
});

/** The fields of an instance, without the getter that spreading would lose. */
function visible({ header, study, transferSyntaxUid, frames, dataSet }: EncodedInstance): EncodedInstance {
  return { header, study, transferSyntaxUid, frames, dataSet };
}

test('WR-PIX-36 decoding into a volume writes the same values as a frame of its own', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const files: readonly (readonly [string, string])[] = [
    ['ct-14-syntaxes', 'CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm'],
    ['ct-14-syntaxes', 'CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm'],
    ['ct-14-syntaxes', 'CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm'],
    ['ct-head-philips-study', 'S2010/I10'],
    ['syntaxes-small', 'J2K_pixelrep_mismatch.dcm'],
    ['signed-and-overlays', 'signed-raw-9bit.dcm'],
    ['signed-and-overlays', 'overlay.dcm'],
    ['us-palette-cine', 'US-PAL-8-10x-echo'],
  ];
  for (const [folder, name] of files) {
    const instance = load(folder, name);
    const frame = frameOf(await decoder.decode(instance, 0, signal));
    const margin = 3;
    const target = targetFor(frame.pixels.length + 2 * margin, margin);
    assert.equal(await decoder.decodeInto(instance, 0, target, signal), undefined, name);
    const expected = [7, 7, 7, ...frame.pixels, 7, 7, 7];
    assert.deepEqual(target.voxels, Int16Array.from(expected), name);
  }
});

/** Every voxel is 7 before anything is decoded. */
function targetFor(length: number, offset = 0, shift: FrameTarget['shift'] = 0): FrameTarget {
  return { voxels: new Int16Array(new SharedArrayBuffer(length * 2)).fill(7), offset, shift };
}

function native(pixels: Uint16Array, description: Partial<Parameters<typeof imageElements>[0]>, ...more: Uint8Array[]) {
  const elements = imageElements({ rows: 1, columns: pixels.length, ...description });
  const data = element(0x7fe00010, 'OW', new Uint8Array(pixels.buffer));
  return instanceOf(part10('1.2.840.10008.1.2.1', ...elements, ...more, data));
}

test('WR-PIX-37 full-range unsigned data is moved down by 32768, and refused where it is not', async () => {
  await using decoder = new ThreadedFrameDecoder();
  for (const columns of [4, 5]) {
    const values = Uint16Array.from([0, 1, 32_768, 65_535, 40_000].slice(0, columns));
    const instance = native(values, {});
    const moved = targetFor(columns, 0, -32_768);
    assert.equal(await decoder.decodeInto(instance, 0, moved, signal), undefined);
    assert.deepEqual(
      [...moved.voxels],
      [...values].map((value) => value - 32_768),
    );
    const refused = await decoder.decodeInto(instance, 0, targetFor(columns), signal);
    assert.deepEqual(refused, { skipped: { code: 'decode-failed', detail: 'a value does not fit INT16' } });
  }
});

test('WR-PIX-37 a volume that is too small is never written beyond', async () => {
  await using decoder = new ThreadedFrameDecoder();
  const instance = native(Uint16Array.from([1, 2, 3, 4]), {});
  for (const offset of [-1, 3]) {
    const target = targetFor(6, offset);
    const outcome = await decoder.decodeInto(instance, 0, target, signal);
    assert.equal(outcome?.skipped.code, 'decode-failed');
    assert.ok(target.voxels.every((voxel) => voxel === 7));
  }
});

test('WR-PIX-38 signs and bits: odd depths, high bits elsewhere, other data above and below', async () => {
  await using decoder = new ThreadedFrameDecoder();
  const cases = [
    { stored: 12, signed: false, raw: [0xf7ff, 0x1fff, 0x0001], values: [0x7ff, 0xfff, 1] },
    { stored: 12, signed: true, raw: [0xf7ff, 0x0fff, 0x0800], values: [2047, -1, -2048] },
    { stored: 9, signed: true, raw: [0x01ff, 0x00ff, 0xfe00], values: [-1, 255, 0] },
    { stored: 12, highBit: 15, signed: false, raw: [0xfff5, 0x0010, 0x000f], values: [4095, 1, 0] },
    { stored: 12, highBit: 15, signed: true, raw: [0xfff5, 0x7ff0, 0x8000], values: [-1, 2047, -2048] },
    { stored: 10, highBit: 11, signed: false, raw: [0xf004, 0x0ffc, 0x0003], values: [1, 1023, 0] },
    { stored: 16, signed: true, raw: [0xffff, 0x8000, 0x7fff], values: [-1, -32_768, 32_767] },
  ];
  for (const { raw, values, ...bits } of cases) {
    const instance = native(Uint16Array.from(raw), bits);
    assert.deepEqual([...frameOf(await decoder.decode(instance, 0, signal)).pixels], values, JSON.stringify(bits));
    const target = targetFor(3);
    assert.equal(await decoder.decodeInto(instance, 0, target, signal), undefined);
    assert.deepEqual([...target.voxels], values, JSON.stringify(bits));
  }
});

test('WR-PIX-39 a modality LUT is applied, clamped at both ends', async () => {
  await using decoder = new ThreadedFrameDecoder();
  const lut = Buffer.concat([element(0x00283002, 'US', [3, 10, 16]), element(0x00283006, 'US', [100, 200, 60_000])]);
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, lut.length, 0, 0, 0]);
  const sequence = element(0x00283000, 'SQ', Buffer.concat([head, lut]));
  const instance = native(Uint16Array.from([0, 10, 11, 12, 4095]), { stored: 12 }, sequence);
  assert.deepEqual(instance.header.modalityLut, { firstMapped: 10, values: Uint16Array.from([100, 200, 60_000]) });
  const target = targetFor(5, 0, -32_768);
  assert.equal(await decoder.decodeInto(instance, 0, target, signal), undefined);
  assert.deepEqual(
    [...target.voxels],
    [100, 100, 200, 60_000, 60_000].map((value) => value - 32_768),
  );
  const unshifted = await decoder.decodeInto(instance, 0, targetFor(5), signal);
  assert.equal(unshifted?.skipped.code, 'decode-failed');
});

test('WR-PIX-40 colour by plane and by pixel, single bits across bytes', async () => {
  await using decoder = new ThreadedFrameDecoder();
  const rgb = { rows: 1, columns: 2, samples: 3, photometric: 'RGB', allocated: 8 };
  const planar = part10(
    '1.2.840.10008.1.2.1',
    ...imageElements({ ...rgb, planar: 1 }),
    element(0x7fe00010, 'OB', Uint8Array.from([1, 2, 3, 4, 5, 6])),
  );
  const before = Buffer.from(planar);
  assert.deepEqual([...frameOf(await decoder.decode(instanceOf(planar), 0, signal)).pixels], [1, 3, 5, 2, 4, 6]);
  assert.deepEqual(Buffer.from(planar), before, 'the input is left alone');
  const bits = part10(
    '1.2.840.10008.1.2.1',
    ...imageElements({ rows: 1, columns: 3, frames: 3, allocated: 1 }),
    element(0x7fe00010, 'OB', Uint8Array.from([0b01_011_101, 0b1])),
  );
  const frames = await decodeAll(decoder, instanceOf(bits));
  assert.deepEqual(
    frames.map(({ pixels }) => [...pixels]),
    [
      [1, 0, 1],
      [1, 1, 0],
      [1, 0, 1],
    ],
  );
});

test('WR-PIX-41 a frame above the limit is refused before it is decoded', { skip: withoutTestData }, async () => {
  await using decoder = new ThreadedFrameDecoder({ frameBytes: 8_000 });
  const outcome = await decoder.decode(load('syntaxes-small', 'MR_small_jp2klossless.dcm'), 0, signal);
  assert.deepEqual(outcome, { skipped: { code: 'decode-limit', detail: '8192 bytes in one frame' } });
});

test('WR-PIX-42 a frame that takes too long ends with its worker; the next one is decoded', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder({ workers: 1, timeLimitMs: 1 });
  const slow = load('mg-screening', 'GH133.dcm');
  const outcome = await decoder.decode(slow, 0, signal);
  assert.deepEqual(outcome, { skipped: { code: 'decode-limit', detail: 'more than 1 ms' } });
  const again = await decoder.decode(slow, 0, signal);
  assert.equal(isSkipped(again) && again.skipped.code, 'decode-limit', 'a new worker took it');
});

test('WR-PIX-43 more frames than may wait are refused', { skip: withoutTestData }, async () => {
  await using decoder = new ThreadedFrameDecoder({ workers: 1, waitingLimit: 2 });
  const instance = load('syntaxes-small', 'MR_small_RLE.dcm');
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => decoder.decode(instance, 0, signal)));
  const codes = outcomes.map((outcome) => (isSkipped(outcome) ? outcome.skipped.code : 'decoded'));
  assert.deepEqual(codes, ['decoded', 'decoded', 'decoded', 'decode-limit', 'decode-limit']);
});

test('WR-PIX-44 an abort ends the wait at once, and lets no half-written frame behind', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder({ workers: 1 });
  const instance = load('ct-14-syntaxes', 'CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm');
  const frame = frameOf(await decoder.decode(instance, 0, signal));
  const abort = new AbortController();
  const target = targetFor(512 * 512);
  const running = decoder.decodeInto(instance, 0, target, abort.signal);
  const waiting = decoder.decode(instance, 0, abort.signal);
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.ok(
    target.voxels.every((voxel) => voxel === 7),
    'the first one was still being decoded',
  );
  await assert.rejects(running, { name: 'AbortError' });
  assert.deepEqual(target.voxels, new Int16Array(frame.pixels), 'the worker had come to its end');
  await assert.rejects(decoder.decode(instance, 0, abort.signal), { name: 'AbortError' });
});

test('WR-PIX-45 after closing nothing is decoded any more', { skip: withoutTestData }, async () => {
  const decoder = new ThreadedFrameDecoder({ workers: 1 });
  const instance = load('syntaxes-small', 'MR_small_RLE.dcm');
  await decoder.close();
  await assert.rejects(decoder.decode(instance, 0, signal), { name: 'WetreadError', code: 'internal' });
});

test('WR-PIX-46 a J2K stream with its offset table too short decodes like its original', {
  skip: withoutTestData,
}, async () => {
  await using decoder = new ThreadedFrameDecoder();
  const short = await decodeAll(decoder, load('mr-enhanced-small', 'emri_small_jpeg_2k_lossless_too_short.dcm'));
  const original = await decodeAll(decoder, load('mr-enhanced-small', 'emri_small.dcm'));
  assert.equal(sha256(short), sha256(original));
});

test('WR-PIX-47 frames that do not exist, streams that are none, syntaxes that nobody decodes', async () => {
  await using decoder = new ThreadedFrameDecoder({ workers: 1 });
  const noise = part10(LOSSLESS, ...imageElements({ rows: 2, columns: 2 }), encapsulated([], [Buffer.alloc(64, 3)]));
  const instance = instanceOf(noise);
  assert.equal(codeOf(await decoder.decode(instance, 0, signal)), 'decode-failed');
  assert.equal(codeOf(await decoder.decode(instance, 1, signal)), 'decode-failed');
  for (const uid of ['90', '80', '50', '201'].map((end) => `1.2.840.10008.1.2.4.${end}`)) {
    assert.equal(
      codeOf(await decoder.decode({ ...visible(instance), transferSyntaxUid: uid }, 0, signal)),
      'decode-failed',
    );
  }
  const unsupported = { ...visible(instance), transferSyntaxUid: '1.2.840.10008.1.2.4.53' };
  assert.deepEqual(await decoder.decode(unsupported, 0, signal), {
    skipped: {
      code: 'transfer-syntax-unsupported',
      detail: 'JPEG Spectral Selection (Process 6 and 8) (1.2.840.10008.1.2.4.53)',
    },
  });
});

function codeOf(outcome: StoredFrame | Skipped): string {
  return isSkipped(outcome) ? outcome.skipped.code : 'decoded';
}
