import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareTensor } from './golden.ts';
import type { Tensor } from './tensor.ts';

const tensor = (...values: readonly number[]): Tensor => ({
  name: 'y',
  datatype: 'FP32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const exact = { absolute: 0, differingPercent: 0 };

test('WR-MPK-08 values differ beyond the tolerance, and so many of them may', () => {
  const [expected, actual] = [tensor(1, 2, 3, 4), tensor(1, 2.25, 3, 5)];
  const compared = compareTensor(expected, actual, exact);
  assert.deepEqual(compared, { output: 'y', elements: 4, holds: false, differing: 2, largestDifference: 1 });
  assert.equal(compareTensor(expected, actual, { absolute: 0.25, differingPercent: 24 }).holds, false);
  assert.equal(compareTensor(expected, actual, { absolute: 0.25, differingPercent: 25 }).holds, true);
  assert.equal(compareTensor(expected, actual, { absolute: 1, differingPercent: 0 }).holds, true);
});

test('WR-MPK-08 what is not a number differs from every number, infinities only from others', () => {
  const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];
  assert.equal(compareTensor(tensor(nan, infinity), tensor(nan, infinity), exact).differing, 0);
  assert.equal(
    compareTensor(tensor(1, 1, 1), tensor(nan, infinity, 1), { absolute: 9, differingPercent: 0 }).differing,
    2,
  );
});

test('WR-MPK-08 an output that is missing, of another type or shape does not hold', () => {
  const expected = tensor(1, 2);
  const mismatch = (actual?: Tensor): string | undefined => {
    const { holds, mismatch: found } = compareTensor(expected, actual, { absolute: 9, differingPercent: 100 });
    assert.equal(holds, false);
    return found;
  };
  assert.equal(mismatch(), 'is missing');
  assert.equal(mismatch({ ...expected, datatype: 'FP64' }), 'is FP64, expected FP32');
  assert.equal(mismatch({ ...expected, shape: [2, 1] }), 'has shape [2, 1], expected [2]');
});
