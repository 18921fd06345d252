import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import type { EncodedInstance, StoredFrame } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { part10File, text } from '../../test/support/part10.ts';
import { readJpeg, readPng } from '../../test/support/pictures.ts';
import { readInstance } from '../part10/reader.ts';
import { encodeJpeg } from './jpeg.ts';
import { encodePng } from './png.ts';
import type { Raster } from './raster.ts';
import { renderFrame } from './render.ts';
import { scaled } from './viewport.ts';
import { type Window, windowed } from './voi.ts';

/** An image instance with the given attributes; its pixels are given apart, as a decoder would. */
function instanceWith(attributes: DicomDataSet, header: Partial<EncodedInstance['header']> = {}): EncodedInstance {
  const instance = readInstance(part10File({ columns: 2, attributes }).bytes);
  assert.ok(!isSkipped(instance));
  return { ...instance, dataSet: instance.dataSet, header: { ...instance.header, ...header } };
}

function frame(pixels: StoredFrame['pixels'], samplesPerPixel = 1): StoredFrame {
  return { rows: 1, columns: pixels.length / samplesPerPixel, samplesPerPixel, pixels };
}

function shades(pixels: StoredFrame['pixels'], instance: EncodedInstance, window?: Window, samples = 1): number[] {
  const raster = renderFrame(frame(pixels, samples), instance, 0, window);
  assert.ok(!isSkipped(raster), JSON.stringify(raster));
  return [...raster.data];
}

const NO_WINDOW: DicomDataSet = { '00281050': { vr: 'DS' }, '00281051': { vr: 'DS' } };

test('WR-ARC-50 the three window functions are those of PS3.3 C.11.2', () => {
  const linear = windowed({ center: 2048, width: 4096, function: 'linear' });
  assert.deepEqual([0, 4095].map(linear), [0, 255]);
  assert.ok(Math.abs(linear(2047.5) - 127.5) < 1e-9);
  const narrow = windowed({ center: 10, width: 1, function: 'linear' });
  assert.deepEqual([9, 10].map(narrow), [0, 255]);
  const exact = windowed({ center: 127, width: 254, function: 'linear-exact' });
  assert.deepEqual([0, 254].map(exact), [0, 255]);
  const sigmoid = windowed({ center: 100, width: 50, function: 'sigmoid' });
  assert.equal(sigmoid(100), 127.5);
  assert.ok(Math.abs(sigmoid(150) - 255 / (1 + Math.exp(-4))) < 1e-9);
});

test('WR-ARC-50 rescale, then the window of the image, or the one that was asked for', () => {
  const ct = instanceWith({ '00281050': text('DS', 40), '00281051': text('DS', 400) });
  // Stored 0 is -1024 HU, black; 1064 is 40 HU, the middle; 4000 is white.
  assert.deepEqual(shades(Int16Array.of(0, 864, 1064, 1264, 4000), ct), [0, 0, 128, 255, 255]);
  const lung: Window = { center: -600, width: 1500, function: 'linear' };
  assert.deepEqual(shades(Int16Array.of(0, 424), ct, lung), [55, 128]);
});

test('WR-ARC-51 MONOCHROME1 and the inverse presentation shape turn brightness round', () => {
  const window: Window = { center: 128, width: 256, function: 'linear-exact' };
  const plain = { '00281052': text('DS', 0) };
  const pixels = Uint8Array.of(0, 64, 255);
  assert.deepEqual(shades(pixels, instanceWith(plain), window), [0, 64, 254]);
  const inverse = instanceWith({ ...plain, '00280004': text('CS', 'MONOCHROME1') });
  assert.deepEqual(shades(pixels, inverse, window), [255, 191, 1]);
  const identity = instanceWith({
    ...plain,
    '00280004': text('CS', 'MONOCHROME1'),
    '20500020': text('CS', 'IDENTITY'),
  });
  assert.deepEqual(shades(pixels, identity, window), [0, 64, 254]);
});

test('without window and table the frame is shown in full, padding left out', () => {
  const instance = instanceWith(
    { ...NO_WINDOW, '00281052': text('DS', 0) },
    { pixelPadding: { low: -2000, high: -2000 } },
  );
  assert.deepEqual(shades(Int16Array.of(-2000, 0, 50, 100), instance), [0, 0, 128, 255]);
  assert.deepEqual(shades(Int16Array.of(7, 7), instance).length, 2, 'a flat frame is no division by zero');
});

test('a VOI table and a modality table are applied', () => {
  const voi: DicomDataSet = {
    '00283002': text('US', 4, 10, 8),
    '00283006': text('US', 0, 85, 170, 255),
  };
  const tabulated = instanceWith({ ...NO_WINDOW, '00281052': text('DS', 0), '00283010': { vr: 'SQ', Value: [voi] } });
  assert.deepEqual(shades(Int16Array.of(0, 10, 11, 12, 13, 99), tabulated), [0, 0, 85, 170, 255, 255]);
  const modality = instanceWith({}, { modalityLut: { firstMapped: 5, values: Uint16Array.of(100, 200) } });
  const window: Window = { center: 128, width: 256, function: 'linear-exact' };
  assert.deepEqual(shades(Uint16Array.of(0, 5, 6, 50), modality, window), [100, 100, 199, 199]);
});

test('values of 32 bits, signed bytes and every 16-bit value are shaded right', () => {
  const instance = instanceWith({ '00281052': text('DS', 0) });
  const window: Window = { center: 0, width: 2, function: 'linear-exact' };
  assert.deepEqual(shades(Int32Array.of(-2_000_000, 0, 2_000_000), instance, window), [0, 128, 255]);
  assert.deepEqual(shades(Int8Array.of(-128, 0, 127), instance, window), [0, 128, 255]);
  assert.deepEqual(shades(Uint32Array.of(0, 4_000_000_000), instance, window), [128, 255]);
  assert.deepEqual(shades(Int16Array.of(-32768, -1, 1, 32767), instance, window), [0, 0, 255, 255]);
});

test('WR-ARC-52 colour: RGB, YBR and palette become RGB, unknown models are refused by name', () => {
  const colour = (photometricInterpretation: string): EncodedInstance =>
    instanceWith({}, { photometricInterpretation, samplesPerPixel: 3, bitsStored: 8 });
  const primaries = Uint8Array.of(255, 0, 0, 0, 0, 255);
  assert.deepEqual(shades(primaries, colour('RGB'), undefined, 3), [...primaries]);
  assert.deepEqual(shades(primaries, colour('YBR_RCT'), undefined, 3), [...primaries]);
  // Red and grey in YCbCr.
  assert.deepEqual(
    shades(Uint8Array.of(76, 85, 255, 128, 128, 128), colour('YBR_FULL_422'), undefined, 3),
    [254, 0, 0, 128, 128, 128],
  );
  assert.deepEqual(renderFrame(frame(primaries, 3), colour('HSV'), 0), {
    skipped: { code: 'pixel-format-unsupported', detail: 'HSV' },
  });
  const table = (...values: readonly number[]): DicomDataSet[string] => text('US', ...values);
  const descriptor = text('US', 3, 0, 16);
  const palette = instanceWith({
    '00280004': text('CS', 'PALETTE COLOR'),
    '00281101': descriptor,
    '00281102': descriptor,
    '00281103': descriptor,
    '00281201': table(65535, 0, 0),
    '00281202': table(0, 65535, 0),
    '00281203': { vr: 'OW', InlineBinary: Buffer.from(Uint16Array.of(0, 0, 65535).buffer).toString('base64') },
  });
  assert.deepEqual(shades(Uint8Array.of(0, 1, 2, 9), palette), [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255]);
});

test('WR-ARC-53 a viewport cuts out, scales and turns over', () => {
  const ramp: Raster = { width: 4, height: 2, channels: 1, data: Uint8Array.of(0, 80, 160, 240, 0, 80, 160, 240) };
  const half = scaled(ramp, { width: 2, height: 100 });
  assert.deepEqual([half.width, half.height], [2, 1]);
  assert.ok(half.data[0]! < 80 && half.data[1]! > 160);
  const region = scaled(ramp, { width: 2, height: 1, region: { x: 2, y: 0, width: 2, height: 1 } });
  assert.deepEqual([...region.data], [160, 240]);
  const turned = scaled(ramp, { width: 4, height: 2, region: { x: 0, y: 0, width: -4, height: 2 } });
  assert.deepEqual([...turned.data.subarray(0, 4)], [240, 160, 80, 0]);
  const same = scaled(ramp, { width: 4, height: 2 });
  assert.deepEqual([...same.data], [...ramp.data]);
  const enlarged = scaled({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 100) }, { width: 4, height: 4 });
  assert.deepEqual([...enlarged.data], [0, 25, 75, 100, 0, 25, 75, 100]);
  const flat = scaled(
    { width: 7, height: 5, channels: 3, data: new Uint8Array(105).fill(200) },
    { width: 31, height: 3 },
  );
  assert.ok(
    flat.data.every((value) => value === 200),
    'weights add up to one everywhere',
  );
});

test('PNG and JPEG hold the picture, grey and colour', async () => {
  for (const channels of [1, 3] as const) {
    const [width, height] = [37, 21];
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 5) % 200);
    const raster = { width, height, channels, data };
    assert.deepEqual(readPng(await encodePng(raster)), raster);
    const smooth = { ...raster, data: data.map((_, i) => Math.floor(i / channels / width) * 10) };
    const jpeg = await readJpeg(await encodeJpeg(smooth, 95));
    assert.deepEqual([jpeg.width, jpeg.height, jpeg.channels], [width, height, channels]);
    assert.ok(jpeg.data.every((value, i) => Math.abs(value - smooth.data[i]!) <= 6));
  }
});

test('the quality of JPEG decides its size, and the file is baseline', async () => {
  const data = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i * 7919) % 256);
  const [low, high] = await Promise.all(
    [10, 95].map((quality) => encodeJpeg({ width: 64, height: 64, channels: 1, data }, quality)),
  );
  assert.ok(low!.length < high!.length / 2);
  assert.ok(high!.includes(Buffer.from([0xff, 0xc0])), 'SOF0');
});

test('another program reads the PNG', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-png-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, 'a.png'),
    await encodePng({ width: 3, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }),
  );
  const script = `from PIL import Image; im = Image.open('${folder}/a.png'); im.load(); print(im.size, list(im.getdata()))`;
  const python = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  if (python.status !== 0 && /No module|ENOENT/.test(`${python.stderr}${String(python.error)}`))
    return t.skip('needs python3 with Pillow');
  assert.equal(python.stdout.trim(), '(3, 2) [1, 2, 3, 4, 5, 6]');
});
