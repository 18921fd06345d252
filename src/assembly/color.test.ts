/** Colour as models of images read it; the way back from YBR is checked on one cine that is stored in both models. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { placeFiles } from '../../test/support/assemble-series.ts';
import { imageFrame } from '../../test/support/image-frames.ts';
import { dataPath, truth, withoutTestData } from '../../test/support/test-data.ts';
import type { ImageHeader, Series } from '../arrival/study.ts';
import { colorPlanes, inGrayscale } from './color.ts';
import { imageSetBuilder } from './image-set.ts';
import type { ImageFrame } from './volume.ts';

const EIGHT_BITS = { bitsAllocated: 8, bitsStored: 8, samplesPerPixel: 3 } as const;

function colored(samples: readonly number[], photometricInterpretation: string, more: Partial<ImageHeader> = {}) {
  const frame = imageFrame([1, samples.length / 3], () => 0, { ...EIGHT_BITS, photometricInterpretation, ...more });
  frame.pixels.set(samples);
  return frame;
}

/** Red, white, black and a blue, and what JPEG (ITU-T T.871) makes of them. */
const RGB = [255, 0, 0, 255, 255, 255, 0, 0, 0, 16, 64, 200];
const YBR = [76, 85, 255, 255, 128, 128, 0, 128, 128, 65, 204, 93];
const Y = [76, 255, 0, 65];

test('WR-COL-01 how bright a colour image is: Y of BT.601, from RGB and from YBR, over the range of its samples', () => {
  for (const image of [colored(RGB, 'RGB'), colored(RGB, 'YBR_RCT'), colored(YBR, 'YBR_FULL_422')]) {
    const { header, pixels } = inGrayscale(image);
    assert.deepEqual([...pixels], Y);
    const { samplesPerPixel, photometricInterpretation, windowCenter, windowWidth } = header;
    assert.deepEqual([samplesPerPixel, photometricInterpretation], [1, 'MONOCHROME2']);
    assert.deepEqual([windowCenter! - windowWidth! / 2, windowCenter! + windowWidth! / 2], [0, 255]);
  }
  const gray = imageFrame([1, 3], () => 7);
  assert.equal(inGrayscale(gray), gray);
});

test('WR-COL-02 red, green and blue, whichever model the samples are in; out of range is the end of the range', () => {
  const planes = colorPlanes(colored(RGB, 'RGB'))!.map(({ pixels }) => [...pixels]);
  assert.deepEqual(planes, [
    [255, 255, 0, 16],
    [0, 255, 0, 64],
    [0, 255, 0, 200],
  ]);
  const back = colorPlanes(colored(YBR, 'YBR_FULL'))!;
  for (const [color, { pixels }] of back.entries())
    for (const [at, value] of pixels.entries())
      assert.ok(Math.abs(value - planes[color]![at]!) <= 1, `colour ${color} of pixel ${at}: ${value}`);
  assert.equal(colorPlanes(imageFrame([1, 3], () => 7)), undefined);
});

test('WR-COL-02 samples of 16 bits, which lie 32768 lower in memory, give the same', () => {
  const sixteen = { bitsAllocated: 16, bitsStored: 16 };
  const shifted = (samples: readonly number[], model: string): ImageFrame => {
    return {
      ...colored(
        samples.map((value) => value * 257 - 32_768),
        model,
        sixteen,
      ),
      intercept: 32_768,
    };
  };
  const [red] = colorPlanes(shifted(YBR, 'YBR_FULL'))!;
  for (const [at, pixel] of red!.pixels.entries())
    assert.ok(Math.abs((pixel + red!.intercept) / 257 - RGB[3 * at]!) <= 1.5, `pixel ${at}`);
  const gray = inGrayscale(shifted(RGB, 'RGB'));
  for (const [at, pixel] of gray.pixels.entries())
    assert.ok(Math.abs((pixel + gray.intercept) / 257 - Y[at]!) <= 0.5, `pixel ${at}`);
});

test('WR-COL-03 a real echo, stored as RGB and as YBR in JPEG, is one image in grey and in each colour', {
  skip: withoutTestData,
}, async (t) => {
  const decoder = new ThreadedFrameDecoder();
  t.after(() => decoder.close());
  const files = ['IM00001.implicit_little_endian.dcm', 'IM00001.fragmented_no_bot_jpeg_baseline.50.dcm'];
  const [plain, jpeg] = await Promise.all(files.map((file) => framesOf('us-echo-multiframe', file, decoder)));
  assert.deepEqual([plain!.length, jpeg!.length], [8, 8]);
  assert.deepEqual(
    [plain![0]!.header.photometricInterpretation, jpeg![0]!.header.photometricInterpretation],
    ['RGB', 'YBR_FULL'],
  );
  const differences = [plain![3]!, jpeg![3]!].map((image) => [inGrayscale(image), ...colorPlanes(image)!]);
  const apart = differences[0]!.map((one, at) => meanDifference(one, differences[1]![at]!));
  t.diagnostic(`mean differences in grey, red, green and blue: ${apart.map((value) => value.toFixed(2)).join(', ')}`);
  assert.ok(
    apart.every((value) => value < 2.5),
    apart.join(', '),
  );
});

function meanDifference(one: ImageFrame, other: ImageFrame): number {
  return one.pixels.reduce((sum, pixel, at) => sum + Math.abs(pixel - other.pixels[at]!), 0) / one.pixels.length;
}

async function framesOf(folder: string, file: string, decoder: ThreadedFrameDecoder): Promise<readonly ImageFrame[]> {
  const { seriesInstanceUid, modality } = truth().folders[folder]!.series[0]!;
  const series = { seriesInstanceUid, modality, instances: [{}] } as unknown as Series;
  const builder = imageSetBuilder(
    series,
    (bytes) => new SharedArrayBuffer(bytes),
    () => undefined,
  );
  assert.deepEqual(await placeFiles(builder, [dataPath(folder, file)], decoder), []);
  return builder.finish().images!.images;
}
