/** A segmentation of images: rectangles at known pixels, through preparation, network, labels and outlines, and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mark } from '../test/support/marked-radiograph.ts';
import {
  exactly,
  HEART,
  LUNGS,
  OUTLINED_SIZE,
  type OutlineCard,
  outlinedFrame,
  readOutlines,
  tryOutlines,
} from '../test/support/outlined-radiograph.ts';
import type { ImageHeader } from './arrival/study.ts';
import type { Finding } from './inference/findings.ts';
import type { Reading } from './inference/reading.ts';
import { isSkipped } from './reasons.ts';

/** Of one segment of one image: the bounds of its pixels, and how many there are. */
function extentOf({ outlines }: Reading, segment: number, at = 0): Mark & { readonly pixels: number } {
  const { bits } = outlines![at]!.segmentation.segments[segment - 1]!;
  const [rows, columns] = OUTLINED_SIZE;
  const on = Array.from({ length: rows * columns }, (_, i) => i).filter((i) => (bits[i >> 3]! >> (i & 7)) & 1);
  const [across, down] = [on.map((i) => i % columns), on.map((i) => Math.floor(i / columns))];
  return {
    minimum: [Math.min(...across), Math.min(...down)],
    maximum: [Math.max(...across) + 1, Math.max(...down) + 1],
    pixels: on.length,
  };
}

function findingOf({ findings }: Reading, key: string): Finding {
  return findings.findings.find((one) => one.key === key) ?? assert.fail(key);
}

function measured(finding: Finding, key: string): number | undefined {
  return finding.measurements.find((one) => one.key === key)?.value;
}

/** Image pixels to one of the model's input, the coarser direction. */
const SIZES: readonly (readonly [string, readonly [number, number], 'stretch' | 'fit' | 'cover', number])[] = [
  ['its own size', [...OUTLINED_SIZE], 'stretch', 1],
  ['stretched, coarser', [64, 80], 'stretch', 301 / 80],
  ['stretched, finer one way', [422, 100], 'stretch', 301 / 100],
  ['fitted below and above an edge', [160, 96], 'fit', 301 / 96],
  ['fitted between two edges', [96, 256], 'fit', 211 / 96],
  ['covered and cut on both sides', [128, 128], 'cover', 211 / 128],
  ['covered, finer', [422, 500], 'cover', 1],
];

for (const [name, shape, resize, scale] of SIZES)
  test(`WR-SGI-01 a mark returns to its pixels within half a pixel of the model's input: ${name}`, async () => {
    const reading = await readOutlines([outlinedFrame({ heart: HEART })], ({ input }) => {
      Object.assign(input, { shape, resize });
    });
    const { minimum, maximum } = extentOf(reading, 2);
    const apart = [0, 1].flatMap((axis) => [
      minimum[axis]! - HEART.minimum[axis]!,
      maximum[axis]! - HEART.maximum[axis]!,
    ]);
    // half of the larger pixel, and half of one of the image where a threshold falls between
    for (const edge of apart) assert.ok(Math.abs(edge) <= scale / 2 + 0.5, apart.join());
    const middle = [0, 1].map(
      (axis) => (minimum[axis]! + maximum[axis]! - HEART.minimum[axis]! - HEART.maximum[axis]!) / 2,
    );
    for (const off of middle) assert.ok(Math.abs(off) <= Math.max(0.5, scale / 2), middle.join());
  });

test('WR-SGI-01 an image of the size of the input is outlined pixel by pixel', async () => {
  const reading = await readOutlines([outlinedFrame({ heart: HEART })], ({ input }) => {
    Object.assign(input, { shape: OUTLINED_SIZE, resize: 'stretch' });
  });
  assert.deepEqual(extentOf(reading, 2), { ...HEART, pixels: 66 * 68 });
});

test('WR-SGI-02 labels, logits, probabilities and sigmoids of any layout outline the same', async () => {
  const encodings: readonly OutlineCard['outputs'][0]['encoding'][] = [
    { kind: 'logits', layout: 'NCHW' },
    { kind: 'probabilities', layout: 'NHWC' },
    { kind: 'labels', datatype: 'INT64', layout: 'NHW' },
  ];
  const images = [outlinedFrame({ heart: HEART, lungs: LUNGS })];
  const masks = await Promise.all(
    encodings.map(async (encoding) => {
      const reading = await readOutlines(images, ({ outputs: [output] }) => Object.assign(output, { encoding }));
      return reading.outlines![0].segmentation.segments.map(({ bits }) => [...bits].join());
    }),
  );
  assert.deepEqual(masks[1], masks[0]);
  assert.deepEqual(masks[2], masks[0]);
  const sigmoid = await readOutlines(images, ({ outputs: [output] }) =>
    Object.assign(output, {
      encoding: { kind: 'sigmoid', of: 'probabilities', layout: 'NCHW', thresholds: [0.5, 0.5] },
    }),
  );
  const plain = await readOutlines(images, () => {});
  assert.equal(extentOf(sigmoid, 2).pixels, extentOf(plain, 2).pixels);
  const both = extentOf(plain, 1).pixels + extentOf(plain, 2).pixels;
  assert.equal(extentOf(sigmoid, 1).pixels, both, 'a pixel of the heart lies in the lung as well');
});

const SPACING = [0.4, 0.5] as const;
const frames = (pixelSpacing: readonly [number, number]): ImageHeader['frames'] => [
  { rescaleSlope: 1, rescaleIntercept: 0, pixelSpacing },
];

test('WR-SGI-03 areas and axes where pixels have a size: calibrated, at the detector, of unstated calibration', async () => {
  const cases = [
    [{ frames: frames(SPACING), imagerPixelSpacing: [0.44, 0.55] }, undefined, 'Area', undefined],
    [{ imagerPixelSpacing: SPACING }, 'ATDETECTOR', 'area at the detector', /those at the detector/],
    [{ frames: frames(SPACING), imagerPixelSpacing: SPACING }, 'ATDETECTOR', 'area at the detector', /smaller/],
    [{ frames: frames(SPACING) }, 'UNSTATEDCAL', 'area by an uncalibrated pixel spacing', /does not say/],
  ] as const;
  for (const [header, method, name, note] of cases) {
    const reading = await readOutlines([outlinedFrame({ heart: HEART }, header)], exactly);
    const heart = findingOf(reading, 'heart');
    const [area] = heart.measurements;
    assert.equal(area!.value, Number(((66 * 68 * 0.2) / 100).toFixed(2)));
    assert.equal(area!.method?.value, method);
    assert.equal(area!.name ?? area!.concept.meaning, name);
    // corners of the outline lie half a pixel outside the middles of its pixels, along rows and along columns
    assert.ok(Math.abs(measured(heart, 'long-axis')! - Math.hypot(66 * 0.5, 68 * 0.4)) < 0.6);
    assert.equal(measured(heart, 'of-lung'), 100);
    const notes = (reading.findings.notes ?? []).join(' ');
    if (note === undefined) assert.equal(notes, '');
    else assert.match(notes, note);
  }
});

test('WR-SGI-03 without a pixel spacing sizes are not measured and say so; shares and counts are', async () => {
  const reading = await readOutlines([outlinedFrame({ heart: HEART, lungs: LUNGS })], exactly);
  const heart = findingOf(reading, 'heart');
  assert.equal(heart.measurements[0]!.qualifier?.value, '114007');
  assert.deepEqual([measured(heart, 'area'), measured(heart, 'long-axis')], [undefined, undefined]);
  const lungs = findingOf(reading, 'lungs');
  const pixels = 70 * 150 + 59 * 150;
  assert.equal(measured(lungs, 'share'), Number(((100 * pixels) / (211 * 301)).toFixed(2)));
  assert.equal(measured(lungs, 'parts'), 2);
  assert.equal(measured(heart, 'of-lung'), Number(((100 * 66 * 68) / (pixels + 66 * 68)).toFixed(1)));
  assert.match(reading.findings.notes!.join(), /Sizes were not measured: the image does not state the spacing/);
});

test('WR-SGI-04 connected parts are findings with a box in pixels, the largest first; small ones are not counted', async () => {
  const speck: Mark = { minimum: [5, 100], maximum: [9, 104] };
  const reading = await readOutlines(
    [outlinedFrame({ lungs: [...LUNGS, speck] }, { imagerPixelSpacing: SPACING })],
    exactly,
  );
  const [first, second, ...others] = reading.findings.findings.filter(({ component }) => component !== undefined);
  assert.deepEqual(others, []);
  const boxes = [first, second].map((one) => (one?.region?.kind === 'image-box' ? one.region : assert.fail('no box')));
  assert.deepEqual(
    boxes.map(({ minimum, maximum }) => ({ minimum, maximum })),
    LUNGS,
  );
  assert.deepEqual([first!.key, second!.key], ['lung-1', 'lung-2']);
  assert.equal(findingOf(reading, 'lungs').presence, 'present');
  assert.equal(measured(first!, 'area'), 21);
});

test('WR-SGI-05 a structure that is not there is stated as absent', async () => {
  const reading = await readOutlines([outlinedFrame({ heart: HEART }, { imagerPixelSpacing: SPACING })], exactly);
  const lungs = findingOf(reading, 'lungs');
  assert.deepEqual([lungs.presence, measured(lungs, 'parts'), measured(lungs, 'share')], ['absent', 0, 0]);
  const without = await readOutlines([outlinedFrame({ lungs: LUNGS }, { imagerPixelSpacing: SPACING })], exactly);
  const heart = findingOf(without, 'heart');
  assert.equal(heart.presence, 'absent');
  assert.deepEqual(new Set(heart.measurements.map(({ qualifier }) => qualifier?.value)), new Set(['114006']));
  assert.equal(heart.evidence.length, 1, 'the image that it is absent from');
});

test('WR-SGI-05 an answer that does not look like the structure is refused, with facts', async () => {
  const gate = { regions: [{ label: 2, meaning: 'Heart', percent: { minimum: 3, maximum: 40 } }] };
  const gated = ({ outputs: [output] }: OutlineCard): void => {
    Object.assign(output, { gate });
  };
  assert.ok(!isSkipped(await tryOutlines([outlinedFrame({ heart: HEART })], gated)));
  const speck: Mark = { minimum: [100, 100], maximum: [110, 110] };
  const refused = await tryOutlines([outlinedFrame({ heart: speck })], gated);
  assert.ok(isSkipped(refused));
  assert.equal(refused.skipped.code, 'wrong-body-part');
  assert.match(refused.skipped.detail!, /^Heart: 0\.[12] % of the image, expected 3 to 40$/);
});

test('WR-SGI-06 of several images each has outlines and findings of its own', async () => {
  const moved: Mark = { minimum: [20, 83], maximum: [86, 151] };
  const reading = await readOutlines([outlinedFrame({ heart: HEART }), outlinedFrame({ heart: moved })], exactly);
  assert.equal(reading.outlines!.length, 2);
  assert.deepEqual(extentOf(reading, 2, 0), { ...HEART, pixels: 66 * 68 });
  assert.deepEqual(extentOf(reading, 2, 1), { ...moved, pixels: 66 * 68 });
  const [one, two] = [findingOf(reading, 'heart-1'), findingOf(reading, 'heart-2')];
  assert.deepEqual([one.segmentNumber, two.segmentNumber], [2, 2]);
  assert.notEqual(one.evidence[0]!.sopInstanceUid, two.evidence[0]!.sopInstanceUid);
});
