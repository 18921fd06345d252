import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageFrame } from '../../../test/support/image-frames.ts';
import type { ImageHeader } from '../../arrival/study.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import { code } from '../../codes.ts';
import { isSkipped } from '../../reasons.ts';
import type { Finding } from '../findings.ts';
import { type Placement, placementOf, resized } from '../images/resize.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { Tensor } from '../tensor.ts';
import { imageDetections } from './image-detection.ts';

const SIZE = [310, 190] as const;
const SHAPE = [128, 96] as const;
/** Columns and rows of a bright square, from its upper left to its lower right corner. */
const MARK = { minimum: [61, 143], maximum: [69, 153] } as const;
const OUTPUT: DetectionOutput = {
  kind: 'detection',
  places: { tensor: 'places', order: 'xyxy', unit: 'voxel', origin: 'voxel-corner' },
  scores: { tensor: 'scores', columns: 1, activation: 'none' },
  threshold: 0.5,
  maximumPerClass: 10,
  classes: [
    {
      key: 'opacity',
      category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
      concept: code('112001', 'DCM', 'Opacity'),
      labels: [{ label: 0 }],
    },
  ],
  gate: [],
};

function markedImage(changes: Partial<ImageHeader> = {}): ImageFrame {
  const isMark = (row: number, column: number): boolean =>
    column >= MARK.minimum[0] && column < MARK.maximum[0] && row >= MARK.minimum[1] && row < MARK.maximum[1];
  return imageFrame(SIZE, (row, column) => (isMark(row, column) ? 1000 : 0), changes);
}

function tensor(name: string, row: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape: [1, row.length], data: Float32Array.from(row) };
}

function found(
  row: readonly number[],
  placement: Placement,
  image: ImageFrame,
  places: Partial<DetectionOutput['places']> = {},
): readonly Finding[] {
  const response = { outputs: [tensor('places', row), tensor('scores', [0.9])], provider: 'cpu' };
  const output = { ...OUTPUT, places: { ...OUTPUT.places, ...places } };
  const reading = imageDetections(response, output, SHAPE, placement, image);
  assert.ok(!isSkipped(reading));
  return reading.findings;
}

/** Where the mark lies in what the model is given: the mean of its bright pixels, `[row, column]` as an index. */
function markIn(image: ImageFrame, placement: Placement): readonly [number, number] {
  const table = Float64Array.from({ length: 65_536 }, (_, at) => at - 32_768);
  const plane = resized(image, table, placement);
  let [rows, columns, sum] = [0, 0, 0];
  for (const [at, value] of plane.entries()) {
    rows += value * (Math.floor(at / placement.shape[1]) + placement.to[0]);
    columns += value * ((at % placement.shape[1]) + placement.to[1]);
    sum += value;
  }
  return [rows / sum, columns / sum];
}

for (const resize of ['stretch', 'fit', 'cover'] as const)
  for (const aspect of [1, 1.4])
    test(`WR-DET-12 a mark in the pixels of an image returns there: ${resize}, pixels ${aspect} times as high as wide`, () => {
      const image = markedImage();
      const placement = placementOf(SIZE, SHAPE, resize, aspect);
      const [row, column] = markIn(image, placement);
      const [finding] = found([column, row], placement, image, { order: 'xy', origin: 'voxel-center' });
      const region = finding?.region;
      assert.ok(region?.kind === 'image-point');
      const middle = [65, 148];
      const apart = region.point.map((place, axis) => Math.abs(place - middle[axis]!));
      assert.ok(Math.max(...apart) < 0.5, region.point.join(' '));
      assert.deepEqual(finding?.evidence, [
        { sopInstanceUid: '1.2.3.4.1', sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' },
      ]);
    });

test('WR-DET-12 a box has the corners of PS3.3 C.10.5.1.2, ends at the edge, and a size only where pixels have one', () => {
  const placement = placementOf(SIZE, SHAPE, 'stretch', 1);
  const scale = [SHAPE[1] / SIZE[1], SHAPE[0] / SIZE[0]] as const;
  const corners = [...MARK.minimum, ...MARK.maximum].map((place, at) => place * scale[at % 2]!);
  const [finding] = found(corners, placement, markedImage());
  assert.ok(finding?.region?.kind === 'image-box');
  assert.deepEqual([finding.region.minimum, finding.region.maximum], [[...MARK.minimum], [...MARK.maximum]]);
  assert.deepEqual(finding.measurements, []);
  const spaced = markedImage({ frames: [{ rescaleSlope: 1, rescaleIntercept: 0, pixelSpacing: [0.2, 0.3] }] });
  const [measured] = found(corners, placement, spaced);
  assert.equal(measured?.measurements[0]?.value, 2.4);
  const [beyond] = found([-10, 20, 40, 60], placement, markedImage());
  assert.ok(beyond?.region?.kind === 'image-box');
  assert.equal(beyond.region.minimum[0], 0);
});

test('WR-DET-12 what lies in the margin around a fitted image is no detection; absent is said of the image', () => {
  const placement = placementOf(SIZE, SHAPE, 'fit', 1);
  const [finding] = found([1, 1, 5, 5], placement, markedImage());
  assert.deepEqual([finding?.presence, finding?.region, finding?.evidence.length], ['absent', undefined, 1]);
});
