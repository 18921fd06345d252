import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applied, type ChannelStep, linearStep } from './channel-steps.ts';
import { countStored, meanAndDeviation, percentile, STORED_VALUES, valueCounts } from './value-counts.ts';

/** Stored 0 … 9 with an intercept, 0 twice; and the same values of another slice with another slope. */
function counted(): ReturnType<typeof valueCounts> {
  const first = new Uint32Array(STORED_VALUES);
  countStored(Int16Array.of(0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -2000), first, { low: -2000, high: -2000 });
  const second = new Uint32Array(STORED_VALUES);
  countStored(Int16Array.of(10, 20), second, undefined);
  return valueCounts([
    { slope: 1, intercept: -5, counts: first },
    { slope: 0.5, intercept: 0, counts: second },
  ]);
}
/** The same values as a list: -5 -5 -4 -3 … 4 5 10. */
const VALUES = [-5, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 10];

test('WR-PRE-03 percentiles, mean and deviation are those of the values one by one, padding left out', () => {
  const counts = counted();
  assert.equal(counts.total, VALUES.length);
  // numpy.percentile(VALUES, [0, 10, 50, 99.5, 100])
  for (const [percent, wanted] of [
    [0, -5],
    [10, -4.8],
    [50, 0],
    [99.5, 9.7],
    [100, 10],
  ] as const)
    assert.ok(Math.abs(percentile(counts, percent) - wanted) < 1e-9, `${percent}: ${percentile(counts, percent)}`);
  const mean = VALUES.reduce((sum, value) => sum + value, 0) / VALUES.length;
  const deviation = Math.sqrt(VALUES.reduce((sum, value) => sum + (value - mean) ** 2, 0) / VALUES.length);
  const got = meanAndDeviation(counts, (value) => value);
  assert.ok(Math.abs(got.mean - mean) < 1e-12 && Math.abs(got.standardDeviation - deviation) < 1e-12);
});

const STEPS: Readonly<Record<string, readonly [ChannelStep, readonly (readonly [number, number])[]]>> = {
  'a window of units as 0 to 1': [
    { clip: { kind: 'units', low: -160, high: 240 }, to: { low: 0, high: 1 } },
    [
      [-1000, 0],
      [-160, 0],
      [40, 0.5],
      [240, 1],
      [3000, 1],
    ],
  ],
  'units kept, standardised by constants': [
    {
      clip: { kind: 'units', low: -1000, high: 300 },
      standardise: { kind: 'constants', mean: 100, standardDeviation: 50 },
    },
    [
      [100, 0],
      [200, 2],
      [9000, 4],
      [-9000, -22],
    ],
  ],
  'mapped, then standardised by constants': [
    {
      clip: { kind: 'units', low: 0, high: 255 },
      to: { low: 0, high: 1 },
      standardise: { kind: 'constants', mean: 0.5, standardDeviation: 0.25 },
    },
    [
      [0, -2],
      [255, 2],
      [127.5, 0],
    ],
  ],
  'the extremes of the image': [
    { clip: { kind: 'minimum-maximum' }, to: { low: 0, high: 1 } },
    [
      [-5, 0],
      [10, 1],
      [2.5, 0.5],
    ],
  ],
  'percentiles of the image': [
    { clip: { kind: 'percentiles', low: 50, high: 100 }, to: { low: -1024, high: 1024 } },
    [
      [-3, -1024],
      [0, -1024],
      [5, 0],
      [10, 1024],
    ],
  ],
};
for (const [what, [step, pairs]] of Object.entries(STEPS)) {
  test(`WR-PRE-03 a channel: ${what}`, () => {
    const linear = linearStep(step, counted());
    for (const [value, wanted] of pairs) assert.ok(Math.abs(applied(linear, value) - wanted) < 1e-9, `${value}`);
  });
}

test('WR-PRE-03 the image as a whole gets mean 0 and deviation 1; an image of one value becomes 0', () => {
  const step: ChannelStep = { clip: { kind: 'percentiles', low: 10, high: 90 }, standardise: { kind: 'image' } };
  const counts = counted();
  const linear = linearStep(step, counts);
  const { mean, standardDeviation } = meanAndDeviation(counts, (value) => applied(linear, value));
  assert.ok(Math.abs(mean) < 1e-12 && Math.abs(standardDeviation - 1) < 1e-12);
  const flat = { values: Float64Array.of(7), counts: Float64Array.of(99), total: 99 };
  assert.equal(applied(linearStep(step, flat), 7), 0);
  assert.equal(applied(linearStep({ clip: { kind: 'minimum-maximum' }, to: { low: 0, high: 1 } }, flat), 7), 0);
});
