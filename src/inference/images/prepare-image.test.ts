import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartCard } from '../../../test/support/heart-model.ts';
import { imageFrame } from '../../../test/support/image-frames.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import type { ImageInput } from '../model-package.ts';
import { imageRequest, prepareImage } from './prepare-image.ts';
import { placementOf, resized, toImage } from './resize.ts';

const uneven = (row: number, column: number): number => (row * 31 + column * 17 + ((row * column) % 7) * 13) % 251;
/** What every pixel is worth: itself. */
const ITSELF = Float64Array.from({ length: 65_536 }, (_, place) => place - 32_768);

function near(actual: ArrayLike<number>, expected: readonly number[], within: number): void {
  assert.equal(actual.length, expected.length);
  for (const [at, value] of expected.entries())
    assert.ok(Math.abs(actual[at]! - value) <= within, `pixel ${at}: ${actual[at]}, expected ${value}`);
}

/** Values of Pillow 12, `Image.fromarray(float32).resize(size, BILINEAR, box)`, rounded to four places. */
const PILLOW = [
  {
    image: [7, 11],
    shape: [3, 4],
    values: [
      58.8836, 118.5679, 158.5571, 161.8307, 144.4096, 178.6108, 161.2431, 84.4542, 154.0132, 105.25, 64.1917, 107.172,
    ],
  },
  {
    image: [9, 4],
    shape: [4, 7],
    values: [
      25.6857, 35.6041, 51.4735, 67.3429, 83.2122, 99.0816, 109.0, 88.4634, 107.784, 138.6969, 158.5122, 175.4739,
      183.5575, 188.6098, 159.5366, 163.0732, 168.7317, 157.8171, 147.115, 154.4739, 159.0732, 222.3143, 184.4571,
      123.8857, 72.1429, 29.3449, 40.3327, 47.2,
    ],
  },
  {
    image: [10, 12],
    shape: [5, 4],
    from: [0.25, 1.5],
    size: [9.5, 9],
    values: [
      83.8207, 134.1868, 159.9441, 163.4448, 164.456, 182.6771, 182.0063, 86.2568, 183.7195, 110.1833, 87.9736, 88.6924,
      74.2175, 53.9833, 74.6931, 130.0061, 83.1191, 118.0676, 142.2765, 161.1033,
    ],
  },
] as const;

for (const { values, ...one } of PILLOW) {
  test(`WR-IMG-01 resizing gives what Pillow gives: ${one.image.join(' × ')} to ${one.shape.join(' × ')}`, () => {
    const image = imageFrame(one.image, uneven);
    const placement = {
      from: 'from' in one ? one.from : ([0, 0] as const),
      size: 'size' in one ? one.size : one.image,
      to: [0, 0] as const,
      shape: one.shape,
    };
    near(resized(image, ITSELF, placement), values, 1e-3);
  });
}

test('WR-IMG-02 stretch, fit and cover: where the image lies, and the way back within a twentieth of a pixel', () => {
  assert.deepEqual(placementOf([100, 50], [20, 20], 'stretch', 1), {
    from: [0, 0],
    size: [100, 50],
    to: [0, 0],
    shape: [20, 20],
  });
  assert.deepEqual(placementOf([100, 50], [20, 20], 'fit', 1), {
    from: [0, 0],
    size: [100, 50],
    to: [0, 5],
    shape: [20, 10],
  });
  assert.deepEqual(placementOf([100, 50], [20, 20], 'cover', 1), {
    from: [25, 0],
    size: [50, 50],
    to: [0, 0],
    shape: [20, 20],
  });
  // pixels twice as high as wide
  assert.deepEqual(placementOf([50, 100], [20, 20], 'fit', 2).shape, [20, 20]);
  for (const resize of ['stretch', 'fit', 'cover'] as const) {
    const placement = placementOf([301, 200], [64, 48], resize, 1);
    const image = imageFrame([301, 200], (row, column) => 10 * row + column);
    const plane = resized(image, ITSELF, placement);
    const [row, column] = [Math.floor(placement.shape[0] / 2), Math.floor(placement.shape[1] / 3)];
    const [imageRow, imageColumn] = toImage(placement, [row + placement.to[0], column + placement.to[1]]);
    const value = plane[row * placement.shape[1] + column]!;
    assert.ok(Math.abs(value - (10 * imageRow + imageColumn)) < 0.5, `${resize}: ${value}`);
  }
});

const INPUT: ImageInput = {
  ...heartCard().input,
  shape: [1, 3],
  resize: 'stretch',
  values: 'modality',
  channels: [{ clip: { kind: 'none' } }],
};

function tensorOf(image: ImageFrame, change: Partial<ImageInput>): readonly number[] {
  const card = { ...heartCard(), input: { ...INPUT, ...change } };
  const [tensor] = imageRequest(card, prepareImage(image, card.input)).inputs;
  return [...(tensor!.data as Float32Array)];
}

const three = (values: readonly number[], change: Parameters<typeof imageFrame>[2] = {}): ImageFrame =>
  imageFrame([1, 3], (_, column) => values[column]!, change);

test('WR-IMG-03 values after the Modality LUT, and 0 to 1 after the window, the VOI LUT or from lowest to highest', () => {
  const rescaled = { slope: 2, intercept: -10, frames: [{ rescaleSlope: 2, rescaleIntercept: -10 }] };
  assert.deepEqual(tensorOf(three([0, 5, 10], rescaled), {}), [-10, 0, 10]);
  const voi = { values: 'voi' } as const;
  const linear = tensorOf(three([0, 50, 100], { windowCenter: 50.5, windowWidth: 101 }), voi);
  near(linear, [0, 0.5, 1], 1e-6);
  const exact = tensorOf(
    three([0, 30, 100], { windowCenter: 50, windowWidth: 100, voiLutFunction: 'LINEAR_EXACT' }),
    voi,
  );
  near(exact, [0, 0.3, 1], 1e-6);
  const sigmoid = tensorOf(
    three([50, 75, 999], { windowCenter: 50, windowWidth: 100, voiLutFunction: 'SIGMOID' }),
    voi,
  );
  near(sigmoid, [0.5, 1 / (1 + Math.exp(-1)), 1], 1e-6);
  const table = { firstMapped: 4, bits: 8, values: Uint16Array.of(255, 51, 0) };
  near(tensorOf(three([0, 5, 99], { voiLut: table }), voi), [1, 0.2, 0], 1e-6);
  near(tensorOf(three([100, 150, 200]), voi), [0, 0.5, 1], 1e-6);
});

test('WR-IMG-04 brighter is larger in MONOCHROME1 too, whatever the values and the window', () => {
  // stored 0, 100, 4095: assembly mirrors the pixels and keeps the values
  const mirrored = three([4095, 3995, 0], {
    photometricInterpretation: 'MONOCHROME1',
    slope: -1,
    intercept: 4095,
    windowCenter: 50.5,
    windowWidth: 101,
  });
  assert.deepEqual(tensorOf(mirrored, {}), [4095, 3995, 0]);
  near(tensorOf(mirrored, { values: 'voi' }), [1, 0, 0], 1e-6);
});

test('WR-IMG-05 padding counts as the darkest pixel and in no statistic', () => {
  const padded = three([2000, 100, 300], { pixelPadding: { low: 2000, high: 2000 } });
  assert.deepEqual(tensorOf(padded, {}), [100, 100, 300]);
  const scaled = tensorOf(padded, { channels: [{ clip: { kind: 'minimum-maximum' }, to: { low: 0, high: 1 } }] });
  near(scaled, [0, 0, 1], 1e-6);
});

test('WR-IMG-06 channels and layouts: each step fills its place, and what lies around a fitted image is its fill', () => {
  const image = imageFrame([2, 1], (row) => 10 * row);
  const channels: ImageInput['channels'] = [
    { clip: { kind: 'units', low: 0, high: 10 }, to: { low: 0, high: 1 } },
    { clip: { kind: 'none' }, standardise: { kind: 'constants', mean: 5, standardDeviation: 5 } },
  ];
  const fitted: Partial<ImageInput> = { shape: [2, 2], resize: 'fit', fill: -5, channels };
  assert.deepEqual(tensorOf(image, { ...fitted, layout: 'NCHW' }), [0, 0, 1, 0, -1, -2, 1, -2]);
  assert.deepEqual(tensorOf(image, { ...fitted, layout: 'NHWC' }), [0, -1, 0, -2, 1, 1, 0, -2]);
  const own = tensorOf(three([0, 10, 20]), { channels: [{ clip: { kind: 'none' }, standardise: { kind: 'image' } }] });
  near(own, [-Math.sqrt(1.5), 0, Math.sqrt(1.5)], 1e-5);
});

test('WR-COL-04 colour as a card takes it: brightness in every channel, or red, green and blue, in one order of values', () => {
  const colors = { samplesPerPixel: 3, photometricInterpretation: 'RGB', bitsAllocated: 8, bitsStored: 8 };
  const image = imageFrame([1, 3], () => 0, colors);
  image.pixels.set([255, 0, 0, 51, 51, 51, 0, 0, 255]);
  const one: ImageInput['channels'][0] = { clip: { kind: 'none' } };
  const rgb: Partial<ImageInput> = { color: 'rgb', channels: [one, one, one], layout: 'NCHW', values: 'voi' };
  near(tensorOf(image, rgb), [1, 0.2, 0, 0, 0.2, 0, 0, 0.2, 1], 1e-6);
  near(tensorOf(image, { ...rgb, layout: 'NHWC' }), [1, 0, 0, 0.2, 0.2, 0.2, 0, 0, 1], 1e-6);
  near(tensorOf(image, { ...rgb, values: 'modality' }), [255, 51, 0, 0, 51, 0, 0, 51, 255], 1e-6);
  near(tensorOf(image, { color: 'luminance', values: 'voi' }), [76 / 255, 0.2, 29 / 255], 1e-6);
  const gray = three([0, 50, 100], { windowCenter: 50.5, windowWidth: 101 });
  near(tensorOf(gray, rgb), [0, 0.5, 1, 0, 0.5, 1, 0, 0.5, 1], 1e-6);
});
