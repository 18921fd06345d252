import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../test/support/random.ts';
import { OBLIQUE, sampleVolume } from '../../test/support/sample-report.ts';
import { add, affineOf, applyAffine, axisStep, indexOf, originOf } from '../assembly/geometry.ts';
import { isotropicGrid } from '../assembly/grid-axes.ts';
import { type Affine, sliceVoxels, type Volume } from '../assembly/volume.ts';
import { ANATOMICAL_STRUCTURE, LUNG } from '../codes.ts';
import type { CoarseLabels, RefineRule, SegmentStatistics } from './model-package.ts';
import { refineSlices } from './refine.ts';
import { mergeStatistics } from './segment-counter.ts';

const segment = { category: ANATOMICAL_STRUCTURE, type: LUNG, color: [0, 0, 0] } as const;
const rule: RefineRule = {
  segments: [
    { ...segment, label: 5, number: 1, key: 'five', title: 'Five' },
    { ...segment, label: 2, number: 2, key: 'two', title: 'Two' },
  ],
  range: { low: -1000, high: -400 },
};

/** Values and labels at random, so that every voxel matters; the grid is moved so that none lies midway between points. */
function randomCase(orientation: 'axial' | 'oblique' | 'sheared'): { volume: Volume; labels: CoarseLabels } {
  const chance = random(11);
  const base = sampleVolume({
    shape: [7, 11, 13],
    spacing: [2.5, 1.7, 1.9],
    ...(orientation === 'oblique' ? { orientation: OBLIQUE } : {}),
    ...(orientation === 'sheared' ? { shear: 0.8 } : {}),
  });
  const slices = base.slices.map((slice, k) => ({ ...slice, slope: 1 + k / 10, intercept: -1024 - k }));
  const volume: Volume = { ...base, slices, padding: { low: 400, high: 420 } };
  for (let i = 0; i < volume.voxels.length; i++) volume.voxels[i] = chance.integer(0, 700);
  const centred = isotropicGrid(volume, 3);
  const grid = { ...centred, affine: moved(centred.affine) };
  const labels = new Uint8Array(new SharedArrayBuffer(grid.shape[0] * grid.shape[1] * grid.shape[2]));
  for (let i = 0; i < labels.length; i++) labels[i] = [0, 5, 2, 7][chance.integer(0, 3)]!;
  return { volume, labels: { grid, labels } };
}

function moved(affine: Affine): Affine {
  return affineOf(
    add(originOf(affine), [0.123, 0.217, 0.311]),
    axisStep(affine, 0),
    axisStep(affine, 1),
    axisStep(affine, 2),
  );
}

/** The rule in its own words, voxel by voxel. */
function expected({ volume, labels }: ReturnType<typeof randomCase>): { bits: Uint8Array[]; values: number[][][] } {
  const [slices, rows, columns] = volume.shape;
  const bytesPerSlice = Math.ceil((rows * columns) / 8);
  const bits = rule.segments.map(() => new Uint8Array(slices * bytesPerSlice));
  const values = rule.segments.map(() => Array.from({ length: slices }, (): number[] => []));
  for (let k = 0; k < slices; k++)
    for (let i = 0; i < rows * columns; i++) {
      const stored = sliceVoxels(volume, k)[i]!;
      const value = stored * volume.slices[k]!.slope + volume.slices[k]!.intercept;
      const place = rule.segments.findIndex(({ label }) => label === labelAt(volume, labels, k, i));
      if (place < 0 || value < -1000 || value > -400 || (stored >= 400 && stored <= 420)) continue;
      bits[place]![k * bytesPerSlice + (i >> 3)]! |= 1 << (i & 7);
      values[place]![k]!.push(value);
    }
  return { bits, values };
}

function labelAt(volume: Volume, { grid, labels }: CoarseLabels, k: number, voxel: number): number {
  const columns = volume.shape[2];
  const point = applyAffine(volume.affine, [k, Math.floor(voxel / columns), voxel % columns]);
  const [slice, row, column] = indexOf(grid, point).map(Math.round) as [number, number, number];
  const [slices, rows, width] = grid.shape;
  const isOutside = slice < 0 || row < 0 || column < 0 || slice >= slices || row >= rows || column >= width;
  return isOutside ? 0 : labels[(slice * rows + row) * width + column]!;
}

for (const orientation of ['axial', 'oblique', 'sheared'] as const) {
  test(`WR-MOD-09 masks and counts are the rule's, voxel by voxel: ${orientation}`, () => {
    const subject = randomCase(orientation);
    const wanted = expected(subject);
    const { bits, statistics } = refineSlices(subject.volume, subject.labels, rule, 0, subject.volume.shape[0]);
    assert.deepEqual(bits, wanted.bits);
    statistics.forEach((counted, i) => {
      const all = wanted.values[i]!.flat();
      assert.equal(counted.segmentNumber, i + 1);
      assert.equal(counted.voxels, all.length);
      assert.ok(all.length > 50, 'the case is empty');
      assert.ok(Math.abs(counted.sum - all.reduce((sum, value) => sum + value, 0)) < 1e-6);
      assert.equal(counted.histogramLow, -1000);
      const histogram = new Uint32Array(601);
      for (const value of all) histogram[Math.floor(value + 0.5) + 1000]! += 1;
      assert.deepEqual(counted.histogram, histogram);
      const areas = wanted.values[i]!.map((slice) => slice.length);
      assert.equal(counted.largestSlice, areas.indexOf(Math.max(...areas)));
      assert.equal(counted.firstSlice, areas.findIndex(Boolean));
      assert.equal(counted.lastSlice, areas.findLastIndex(Boolean));
    });
  });
}

test('WR-MOD-09 parts of a volume, in any order, give what the whole gives', () => {
  const { volume, labels } = randomCase('axial');
  const whole = refineSlices(volume, labels, rule, 0, 7);
  const parts = [
    [5, 7],
    [0, 1],
    [1, 5],
  ].map(([first, end]) => refineSlices(volume, labels, rule, first!, end!));
  const merged = mergeStatistics(parts.map(({ statistics }) => statistics));
  assert.deepEqual(merged.map(withoutSums), whole.statistics.map(withoutSums));
  // the order of addition differs
  for (const [i, { sum, sumOfSquares }] of merged.entries()) {
    assert.ok(Math.abs(sum - whole.statistics[i]!.sum) < 1e-6);
    assert.ok(Math.abs(sumOfSquares / whole.statistics[i]!.sumOfSquares - 1) < 1e-12);
  }
  const joined = [parts[1]!, parts[2]!, parts[0]!].map(({ bits }) => bits[0]!);
  assert.deepEqual(Buffer.concat(joined), Buffer.from(whole.bits[0]!));
});

function withoutSums({
  sum: _sum,
  sumOfSquares: _squares,
  ...rest
}: SegmentStatistics): Omit<SegmentStatistics, 'sum' | 'sumOfSquares'> {
  return rest;
}

test('WR-MOD-09 a segment without a voxel has no slice', () => {
  const { volume, labels } = randomCase('axial');
  labels.labels.fill(5);
  const empty = refineSlices(volume, labels, rule, 0, 7).statistics[1]!;
  assert.deepEqual([empty.voxels, empty.largestSlice, empty.firstSlice, empty.lastSlice], [0, -1, -1, -1]);
  const merged = mergeStatistics([[empty], [empty]])[0]!;
  assert.deepEqual([merged.voxels, merged.firstSlice, merged.lastSlice], [0, -1, -1]);
});
