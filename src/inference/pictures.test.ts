import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OBLIQUE, sampleVolume } from '../../test/support/sample-report.ts';
import { textCard } from '../../test/support/text-package.ts';
import { sliceVoxels, type Volume } from '../assembly/volume.ts';
import { isSkipped } from '../reasons.ts';
import type { SlicesInput } from './model-package.ts';
import { picturedSlices, pictureOf } from './pictures.ts';

const input = textCard().input as SlicesInput;

function chosen(volume: Volume, sampling: SlicesInput['sampling']): readonly number[] | string {
  const slices = picturedSlices(volume, { ...input, sampling });
  return isSkipped(slices) ? slices.skipped.code : slices;
}

const square = (options: Parameters<typeof sampleVolume>[0] = {}): Volume =>
  sampleVolume({ spacing: [10, 20, 20], ...options });

test('WR-VLM-01 slices are sampled evenly, by steps, or all of them; too many are refused', () => {
  const volume = square({ shape: [11, 4, 4], spacing: [2.5, 5, 5] });
  assert.deepEqual(chosen(volume, { kind: 'uniform', count: 3 }), [0, 5, 10]);
  assert.deepEqual(chosen(volume, { kind: 'uniform', count: 1 }), [5]);
  assert.deepEqual(chosen(volume, { kind: 'uniform', count: 12 }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(chosen(volume, { kind: 'step', millimeters: 10, maximum: 3 }), [0, 4, 8]);
  assert.equal(chosen(volume, { kind: 'step', millimeters: 10, maximum: 2 }), 'outside-model-limits');
  assert.deepEqual(chosen(volume, { kind: 'step', millimeters: 1, maximum: 11 }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(chosen(volume, { kind: 'every', maximum: 10 }), 'outside-model-limits');
  assert.equal((chosen(volume, { kind: 'every', maximum: 11 }) as readonly number[]).length, 11);
});

test('WR-VLM-01 pictures run from the feet to the head whichever way the normal points; other planes are refused', () => {
  const headFirst = square({ shape: [3, 4, 4] });
  const feetFirst = square({ shape: [3, 4, 4], orientation: [-1, 0, 0, 0, 1, 0] });
  assert.deepEqual(chosen(headFirst, { kind: 'every', maximum: 9 }), [0, 1, 2]);
  assert.deepEqual(chosen(feetFirst, { kind: 'every', maximum: 9 }), [2, 1, 0]);
  assert.equal(
    chosen(square({ orientation: [1, 0, 0, 0, 0, -1] }), { kind: 'every', maximum: 9 }),
    'wrong-orientation',
  );
  assert.deepEqual(chosen(square({ orientation: OBLIQUE, shape: [2, 4, 4] }), { kind: 'every', maximum: 9 }), [0, 1]);
  assert.equal(chosen(sampleVolume(), { kind: 'every', maximum: 9 }), 'outside-model-limits', 'pixels of 20 × 25 mm');
});

/** One voxel of 1000 HU in air: one row down at the patient's back, and to the left of the middle. */
function marked(orientation: readonly [number, number, number, number, number, number]): Volume {
  const volume = square({ shape: [1, 4, 6], orientation });
  const { affine } = volume;
  const voxels = sliceVoxels(volume, 0);
  let [best, at] = [Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < voxels.length; i++) {
    const [row, column] = [Math.floor(i / 6), i % 6];
    const x = affine[1] * row + affine[2] * column;
    const y = affine[5] * row + affine[6] * column;
    if (x + 2 * y > best) [best, at] = [x + 2 * y, i];
    voxels[i] = 0;
  }
  voxels[at] = 2024;
  return volume;
}

const grey = { windows: [{ meaning: 'all', low: -1024, high: 1000 }] } as const;

for (const orientation of [
  [1, 0, 0, 0, 1, 0],
  [-1, 0, 0, 0, 1, 0],
  [1, 0, 0, 0, -1, 0],
  [-1, 0, 0, 0, -1, 0],
  [0, 1, 0, 1, 0, 0],
  [0, -1, 0, 1, 0, 0],
  [0, 1, 0, -1, 0, 0],
] as const) {
  test(`WR-VLM-02 the patient's left is at the right and the back at the bottom: rows along ${orientation.join(', ')}`, () => {
    const picture = pictureOf(marked(orientation), 0, { windows: [...grey.windows] });
    assert.equal(picture.channels, 1);
    assert.equal(picture.width * picture.height, 24);
    assert.equal(picture.data.indexOf(255), 23, 'the voxel furthest to the left and to the back is the last');
    assert.equal(
      picture.data.reduce((sum, shade) => sum + shade, 0),
      255,
    );
  });
}

test('WR-VLM-03 windows become shades: clipped, rounded, one a channel, black where there is no image', () => {
  const volume = square({ shape: [1, 1, 5] });
  sliceVoxels(volume, 0).set([1024 - 200, 1024 - 135, 1024 + 40, 1024 + 215, 3000]);
  const rgb = pictureOf(volume, 0, input);
  assert.equal(rgb.channels, 3);
  const shade = (hu: number, low: number, high: number): number =>
    Math.round(255 * Math.min(1, Math.max(0, (hu - low) / (high - low))));
  const expected = [-200, -135, 40, 215, 1976].flatMap((hu) => [
    shade(hu, -1024, 1024),
    shade(hu, -135, 215),
    shade(hu, 0, 80),
  ]);
  assert.deepEqual([...rgb.data], expected);
  const two = pictureOf(volume, 0, { windows: [input.windows[0], input.windows[1]!] });
  assert.deepEqual([two.channels, two.data[2]], [3, 0], 'blue stays dark');
  const padded = pictureOf({ ...volume, padding: { low: 3000, high: 3000 } }, 0, { windows: [...grey.windows] });
  assert.equal(padded.data.at(-1), 0);
});
