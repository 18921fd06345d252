import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageFrame } from '../../test/support/image-frames.ts';
import type { ImageHeader } from '../arrival/study.ts';
import { type ImageScale, imageScale } from './image-scale.ts';

const frames = (...pixelSpacing: [number, number]): Partial<ImageHeader> => {
  return { frames: [{ rescaleSlope: 1, rescaleIntercept: 0, pixelSpacing }] };
};
const detector: Partial<ImageHeader> = { imagerPixelSpacing: [0.14, 0.14] };

const CASES: readonly (readonly [string, Partial<ImageHeader>, ImageScale | undefined])[] = [
  ['nothing is stated', {}, undefined],
  ['the detector alone', detector, { pixelSpacing: [0.14, 0.14], at: 'detector' }],
  ['the same twice', { ...detector, ...frames(0.14, 0.140001) }, { pixelSpacing: [0.14, 0.140001], at: 'detector' }],
  ['calibrated', { ...detector, ...frames(0.12, 0.12) }, { pixelSpacing: [0.12, 0.12], at: 'patient' }],
  ['a projection that does not say', frames(0.2, 0.2), { pixelSpacing: [0.2, 0.2], at: 'unstated' }],
  ['ultrasound', { modality: 'US', ...frames(0.2, 0.2) }, { pixelSpacing: [0.2, 0.2], at: 'patient' }],
];

for (const [name, header, expected] of CASES)
  test(`WR-SGI-03 the size of pixels, and where it is so: ${name}`, () => {
    assert.deepEqual(imageScale(imageFrame([4, 4], () => 1, header)), expected);
  });
