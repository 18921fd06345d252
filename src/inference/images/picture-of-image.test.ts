import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageFrame } from '../../../test/support/image-frames.ts';
import { radiographCard } from '../../../test/support/text-package.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import type { PicturesInput } from '../model-package.ts';
import type { Picture } from '../pictures.ts';
import { greyPicture, preparePicture } from './picture-of-image.ts';

function picture(image: ImageFrame, change: Partial<PicturesInput> = {}): Picture {
  const input = { ...(radiographCard().input as PicturesInput), ...change };
  return greyPicture(preparePicture(image, input), input);
}
const shades = (image: ImageFrame, change?: Partial<PicturesInput>): number[] => [...picture(image, change).data];

test('WR-VLM-23 a picture shows the image in its window, or between percentiles; brighter is larger', () => {
  const ramp = (change = {}): ImageFrame => imageFrame([1, 5], (_, column) => column * 100, change);
  const window = { windowCenter: 200, windowWidth: 200, voiLutFunction: 'LINEAR_EXACT' };
  assert.deepEqual(shades(ramp(window)), [0, 0, 128, 255, 255]);
  assert.deepEqual(shades(ramp()), [0, 64, 128, 191, 255], 'from the lowest to the highest where there is no window');
  const percentiles = { kind: 'percentiles', low: 25, high: 100 } as const;
  assert.deepEqual(shades(ramp(window), { window: percentiles }), [0, 0, 85, 170, 255]);
  // As assembly leaves it: pixels mirrored, the rescale with them.
  const turned = ramp({ photometricInterpretation: 'MONOCHROME1', slope: -1, intercept: 4095 });
  assert.deepEqual(shades(turned), [0, 64, 128, 191, 255]);
  assert.deepEqual(shades(turned, { window: percentiles }), [0, 0, 85, 170, 255]);
});

test('WR-VLM-23 a picture is reduced to its size with the means of what it covers, never enlarged, and as wide as the patient', () => {
  const sizeOf = (image: ImageFrame): number[] => {
    const { width, height, channels } = picture(image);
    return [width, height, channels];
  };
  assert.deepEqual(sizeOf(imageFrame([100, 50], (row) => row)), [50, 100, 1]);
  assert.deepEqual(sizeOf(imageFrame([1024, 512], (row) => row)), [128, 256, 1]);
  assert.deepEqual(sizeOf(imageFrame([512, 512], (row) => row, { imagerPixelSpacing: [0.1, 0.2] })), [256, 128, 1]);
  const stripes = picture(imageFrame([512, 512], (row) => (row % 2) * 200));
  assert.ok(
    stripes.data.subarray(256, -256).every((shade) => Math.abs(shade - 128) < 2),
    'nothing aliases',
  );
});
