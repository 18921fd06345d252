import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../test/support/random.ts';
import { assembleAll, CountedMemory, instance, seriesOf, type TestInstance } from '../../test/support/slices.ts';
import type { FrameHeader, ImageHeader } from '../arrival/study.ts';
import type { NotRead } from '../ports.ts';
import { type Reason, reason } from '../reasons.ts';
import { imageSetBuilder } from './image-set.ts';
import type { ImageSet } from './volume.ts';

const FRAME: FrameHeader = { rescaleSlope: 1, rescaleIntercept: 0 };
const DX: Partial<ImageHeader> = {
  modality: 'DX',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
  imageType: ['ORIGINAL', 'PRIMARY'],
  bitsStored: 12,
  pixelRepresentation: 0,
};

function build(instances: readonly TestInstance[]): {
  readonly images?: ImageSet;
  readonly skipped?: Reason;
  readonly notRead: readonly NotRead[];
} {
  const memory = new CountedMemory();
  const built = assembleAll(imageSetBuilder(seriesOf(instances), memory.allocate, memory.release), instances);
  if (built.images === undefined) assert.equal(memory.held, 0);
  return built;
}

test('WR-ASM-40 images of different matrices stay apart, in order of their numbers', () => {
  const series = [3, 1, 2].map((number) =>
    instance(number, [FRAME], { ...DX, rows: number + 1, columns: 5 }, (r, c) => 100 * number + 10 * r + c),
  );
  const { images } = build(random(1).shuffled(series));
  assert.deepEqual(
    images!.images.map(({ header, pixels }) => [header.rows, pixels.length, pixels[0]]),
    [
      [2, 10, 100],
      [3, 15, 200],
      [4, 20, 300],
    ],
  );
});

test('WR-ASM-41 MONOCHROME1 is mirrored within its range; values are unchanged', () => {
  const formats: readonly (readonly [Partial<ImageHeader>, readonly number[]])[] = [
    [{ bitsStored: 10, pixelRepresentation: 0 }, [0, 1, 1023]],
    [{ bitsStored: 16, pixelRepresentation: 0 }, [0, 1, 65_535]],
    [{ bitsStored: 16, pixelRepresentation: 1 }, [-32_768, 0, 32_767]],
    [{ bitsStored: 12, pixelRepresentation: 1 }, [-2048, 0, 2047]],
  ];
  for (const [format, stored] of formats) {
    const frame = { rescaleSlope: 0.5, rescaleIntercept: -7 };
    const one = instance(
      1,
      [frame],
      { ...DX, ...format, rows: 1, columns: 3, photometricInterpretation: 'MONOCHROME1' },
      (_r, c) => stored[c]!,
    );
    const [image] = build([one]).images!.images;
    const { pixels, slope, intercept } = image!;
    assert.deepEqual(
      [...pixels],
      [...pixels].sort((a, b) => b - a),
      'the darkest comes last',
    );
    assert.deepEqual(
      Array.from(pixels, (pixel) => pixel * slope + intercept),
      stored.map((value) => value * 0.5 - 7),
    );
  }
});

test('WR-ASM-41 a modality LUT in MONOCHROME1: mirrored within the range of its output', () => {
  const modalityLut = { firstMapped: 0, values: new Uint16Array([100, 4000, 60_000]) };
  const one = instance(
    1,
    [FRAME],
    { ...DX, rows: 1, columns: 3, photometricInterpretation: 'MONOCHROME1', modalityLut },
    (_r, c) => modalityLut.values[c]!,
  );
  const { pixels, slope, intercept } = build([one]).images!.images[0]!;
  assert.deepEqual(
    Array.from(pixels, (pixel) => pixel * slope + intercept),
    [100, 4000, 60_000],
  );
  assert.ok(pixels[0]! > pixels[1]! && pixels[1]! > pixels[2]!);
});

test('WR-ASM-42 colour keeps its three samples, every frame its number', () => {
  const cine = instance(
    1,
    [FRAME, FRAME],
    {
      modality: 'US',
      samplesPerPixel: 3,
      photometricInterpretation: 'RGB',
      bitsAllocated: 8,
      bitsStored: 8,
      pixelRepresentation: 0,
      rows: 2,
      columns: 2,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.3.1',
    },
    (r, c, f) => 100 * f + 20 * r + 10 * c,
  );
  const { images } = build([cine]);
  assert.deepEqual(
    images!.images.map(({ frameNumber, pixels }) => [frameNumber, ...pixels.subarray(3, 9)]),
    [
      [1, 10, 11, 12, 20, 21, 22],
      [2, 110, 111, 112, 120, 121, 122],
    ],
  );
});

test('WR-ASM-43 what is not read has its reason', () => {
  const kinds: readonly (readonly [Partial<ImageHeader>, Reason])[] = [
    [{ sopClassUid: '1.2.840.10008.5.1.4.1.1.7' }, reason('screenshot')],
    [{ photometricInterpretation: 'PALETTE COLOR' }, reason('pixel-format-unsupported', 'palette colour')],
    [{ samplesPerPixel: 4 }, reason('pixel-format-unsupported', '4 samples per pixel')],
    [{ bitsAllocated: 32, bitsStored: 32 }, reason('pixel-format-unsupported', '32 bits')],
    [{ numberOfFrames: 5 }, reason('header-implausible', 'number of frames')],
  ];
  for (const [change, why] of kinds) {
    const { skipped, notRead } = build([instance(1, [FRAME], { ...DX, ...change })]);
    assert.deepEqual(skipped, why);
    assert.deepEqual(
      notRead.map((row) => row.reason),
      [why],
    );
  }
});

test('WR-ASM-43 a frame that cannot be decoded is left out, the others are read', () => {
  const memory = new CountedMemory();
  const cine = instance(1, [FRAME, FRAME, FRAME], DX);
  const builder = imageSetBuilder(seriesOf([cine]), memory.allocate, memory.release);
  builder.place(cine);
  builder.dropped(cine, 1, reason('decode-failed'));
  const { images, notRead } = builder.finish();
  assert.deepEqual(
    images!.images.map(({ frameNumber }) => frameNumber),
    [1, 3],
  );
  assert.deepEqual(
    notRead.map((row) => row.reason.code),
    ['decode-failed'],
  );
});
