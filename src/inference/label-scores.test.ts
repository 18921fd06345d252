import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../test/support/model-card.ts';
import { random } from '../../test/support/random.ts';
import { affineOf } from '../assembly/geometry.ts';
import type { Grid } from '../assembly/grid.ts';
import { stridesOf, type TensorLayout, tensorShape } from '../assembly/layout.ts';
import type { ErrorCode } from '../errors.ts';
import { checkLabels, type LabelsEncoding, labelsOf, type ScoresEncoding, scoresOf } from './label-encoding.ts';
import { labelSlices, mapsOf } from './label-scores.ts';
import type { InferenceResponse, Tensor } from './tensor.ts';

const [output] = lungCard().outputs;
const grid: Grid = {
  shape: [4, 5, 6],
  affine: affineOf([0, 0, 0], [0, 0, 2], [0, 2, 0], [2, 0, 0]),
  spacing: [2, 2, 2],
};
const UINT8: LabelsEncoding = { kind: 'labels', datatype: 'UINT8' };

function answer(change: Partial<Tensor> = {}): InferenceResponse {
  const data = new Uint8Array(120);
  data[7] = 2;
  return { outputs: [{ name: 'labels', datatype: 'UINT8', shape: [4, 5, 6], data, ...change }], provider: 'cpu' };
}

test('WR-MOD-05 labels come as shared memory on the grid', () => {
  const { labels, grid: own } = labelsOf(answer(), output, UINT8, grid);
  assert.equal(own, grid);
  assert.ok(labels.buffer instanceof SharedArrayBuffer);
  assert.deepEqual([labels.length, labels[7]], [120, 2]);
});

const BROKEN: readonly (readonly [string, Partial<Tensor>, RegExp])[] = [
  ['name', { name: 'masks' }, /has no output labels/],
  ['datatype', { datatype: 'FP32', data: new Float32Array(120) }, /is FP32, declared UINT8/],
  ['shape', { shape: [5, 4, 6] }, /shape \[5, 4, 6\], declared \[4, 5, 6\]/],
  ['length', { data: new Uint8Array(119) }, /shape/],
  ['label', { data: new Uint8Array(120).fill(9) }, /holds the label 9/],
];
for (const [what, change, message] of BROKEN) {
  test(`WR-MOD-05 an answer with a wrong ${what} is a fault of the model`, () => {
    assert.throws(() => checkLabels(labelsOf(answer(change), output, UINT8, grid), output), {
      code: 'inference-failed' satisfies ErrorCode,
      message,
    });
  });
}

const LAYOUTS: readonly TensorLayout[] = ['DHW', 'NCDHW', 'NDHWC', 'NCHWD', 'NCWHD', 'WHD'];
const ARRAYS = { UINT8: Uint8Array, INT32: Int32Array, INT64: BigInt64Array, FP32: Float32Array } as const;

/** A label that tells its place. */
function labelAt(k: number, j: number, i: number): number {
  return (k * 7 + j * 3 + i) % 5;
}

for (const layout of LAYOUTS) {
  test(`WR-PRE-04 labels of every datatype, ${layout}`, () => {
    const [slices, rows, columns] = grid.shape;
    const strides = stridesOf(layout, grid.shape, 1);
    for (const [datatype, array] of Object.entries(ARRAYS) as [LabelsEncoding['datatype'], typeof Uint8Array][]) {
      const data = new array(120);
      for (let k = 0; k < slices; k++)
        for (let j = 0; j < rows; j++)
          for (let i = 0; i < columns; i++) {
            const label = labelAt(k, j, i);
            const value = datatype === 'INT64' ? BigInt(label) : label;
            data[k * strides.slice + j * strides.row + i * strides.column] = value as number;
          }
      const tensor = { name: 'labels', datatype, shape: tensorShape(layout, grid.shape, 1), data };
      const { labels } = labelsOf(
        { outputs: [tensor], provider: 'cpu' },
        output,
        { kind: 'labels', datatype, layout },
        grid,
      );
      assert.ok(
        labels.every((label, at) => label === labelAt(Math.floor(at / 30), Math.floor(at / 6) % 5, at % 6)),
        datatype,
      );
    }
  });
}

for (const value of [0.5, -1, 256, Number.NaN]) {
  test(`WR-PRE-04 ${value} is no label`, () => {
    const tensor = { datatype: 'FP32', data: new Float32Array(120).fill(value) } as const;
    assert.throws(() => labelsOf(answer(tensor), output, { kind: 'labels', datatype: 'FP32' }, grid), /is no label/);
  });
}

function scores(layout: TensorLayout, channels: number, at: (c: number, point: number) => number): InferenceResponse {
  const { channel, slice, row, column } = stridesOf(layout, grid.shape, channels);
  const data = new Float32Array(channels * 120);
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < 120; p++)
      data[c * channel + Math.floor(p / 30) * slice + (Math.floor(p / 6) % 5) * row + (p % 6) * column] = at(c, p);
  return answer({ datatype: 'FP32', shape: tensorShape(layout, grid.shape, channels), data });
}

function labelled(response: InferenceResponse, encoding: ScoresEncoding): { maps: Uint8Array[]; sound: boolean } {
  const read = scoresOf(response, output, encoding, grid);
  const maps = Array.from({ length: mapsOf(read) }, () => new Uint8Array(120));
  const sound = labelSlices(read, 0, 2, maps) && labelSlices(read, 2, 4, maps);
  return { maps, sound };
}

for (const layout of ['NCDHW', 'NDHWC', 'NCWHD', 'CDHW'] as const) {
  test(`WR-PRE-05 the highest score is the label, the lower one of equals, ${layout}`, () => {
    const chance = random(5);
    const values = Array.from({ length: 4 * 120 }, () => chance.integer(-2, 3));
    const { maps, sound } = labelled(
      scores(layout, 4, (c, p) => values[c * 120 + p]!),
      { kind: 'logits', layout },
    );
    assert.ok(sound);
    for (let p = 0; p < 120; p++) {
      const own = [0, 1, 2, 3].map((c) => values[c * 120 + p]!);
      assert.equal(maps[0]![p], own.indexOf(Math.max(...own)));
    }
  });
}

test('WR-PRE-06 sigmoid: a voxel may have several labels; thresholds are probabilities, of logits too', () => {
  const chance = random(6);
  const logits = Array.from({ length: 3 * 120 }, () => chance.between(-4, 4));
  const probability = (logit: number): number => 1 / (1 + Math.exp(-logit));
  const thresholds: [number, ...number[]] = [0.5, 0.2, 0.9];
  const [ofLogits, ofProbabilities] = (['logits', 'probabilities'] as const).map((of) =>
    labelled(
      scores('NCDHW', 3, (c, p) => (of === 'logits' ? logits[c * 120 + p]! : probability(logits[c * 120 + p]!))),
      { kind: 'sigmoid', of, layout: 'NCDHW', thresholds },
    ),
  );
  assert.deepEqual(ofLogits, ofProbabilities);
  const expected = thresholds.map((least, c) =>
    Uint8Array.from({ length: 120 }, (_, p) => (probability(logits[c * 120 + p]!) >= least ? c + 1 : 0)),
  );
  assert.deepEqual(ofLogits!.maps, expected);
  assert.ok(
    expected[0]!.some((label, p) => label === 1 && expected[1]![p] === 2),
    'some voxel has two labels',
  );
  const two = scores('NCDHW', 2, () => 0);
  assert.throws(
    () => labelled(two, { kind: 'sigmoid', of: 'logits', layout: 'NCDHW', thresholds }),
    /2 channels, the card 3 thresholds/,
  );
});

const BOTH: readonly ScoresEncoding[] = [
  { kind: 'logits', layout: 'NCDHW' },
  { kind: 'sigmoid', of: 'logits', layout: 'NCDHW', thresholds: [0.5, 0.5, 0.5] },
];

test('WR-PRE-05 a score that is no number makes the whole answer worthless, whichever channel it is in', () => {
  for (const broken of [0, 1, 2])
    for (const encoding of BOTH) {
      const { sound } = labelled(
        scores('NCDHW', 3, (c, p) => (c === broken && p === 61 ? Number.NaN : c)),
        encoding,
      );
      assert.equal(sound, false);
    }
});
