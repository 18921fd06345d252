import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateViewSet } from '../../contracts/generated/validators.js';
import { imageFrame, imageSet } from '../../test/support/image-frames.ts';
import { imageViews } from './image-view.ts';
import { viewSetOf } from './view.ts';

const MODEL = { name: 'dx-heart-size', version: '1.0.0', title: 'Heart size' };

test('WR-PAGE-32 every image has a view of its own, named by its position, without scale and in its own window; colour is in grey', () => {
  const frames = [
    imageFrame([8, 6], (row, column) => row * column, {
      viewPosition: 'PA',
      patientOrientation: ['L', 'F'],
      windowCenter: 500,
      windowWidth: 900,
    }),
    imageFrame([8, 6], (row, column) => row * column, { photometricInterpretation: 'MONOCHROME1' }),
    imageFrame([8, 6], (row, column) => row * column, {
      samplesPerPixel: 3,
      photometricInterpretation: 'RGB',
      bitsAllocated: 8,
      bitsStored: 8,
    }),
  ];
  const views = imageViews(imageSet(frames), MODEL);
  const named = viewSetOf(views.map((view) => ({ view, segmentation: undefined })));
  assert.ok(validateViewSet(structuredClone(named)), JSON.stringify(validateViewSet.errors));
  assert.deepEqual(
    views.map(({ label, inverted, projection, windows }) => [
      label,
      inverted,
      projection,
      windows.map(({ key }) => key),
    ]),
    [
      ['PA', undefined, true, ['acquired', 'automatic']],
      ['image 2', true, true, ['automatic']],
      ['image 3, in grey', undefined, true, ['acquired', 'automatic']],
    ],
  );
});

test('WR-LOK-04 a radiograph says at its edges which side of the patient is where, as far as the image says it', () => {
  const orientations = [['L', 'F'], ['R', 'F'], ['PR', 'FL'], undefined] as const;
  const frames = orientations.map((patientOrientation) =>
    imageFrame([8, 6], () => 1, patientOrientation === undefined ? {} : { patientOrientation }),
  );
  assert.deepEqual(
    imageViews(imageSet(frames), MODEL).map(({ edges: { left, right, top, bottom } }) => [left, right, top, bottom]),
    [
      ['R', 'L', 'H', 'F'],
      ['L', 'R', 'H', 'F'],
      ['AL', 'PR', 'HR', 'FL'],
      ['', '', '', ''],
    ],
  );
});

test('WR-SGI-12 images of the same position are told apart by their number in the series, as in the draft', () => {
  const views = ['PA', 'LL', 'PA', undefined] as const;
  const frames = views.map((viewPosition) => imageFrame([8, 6], () => 1, viewPosition && { viewPosition }));
  const colored = imageFrame([8, 6], () => 1, { samplesPerPixel: 3 });
  assert.deepEqual(
    imageViews(imageSet([colored, ...frames]), MODEL).map(({ label }) => label),
    ['image 1, in grey', 'PA, image 2', 'LL', 'PA, image 4', 'image 5'],
  );
});
