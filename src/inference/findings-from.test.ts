import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateFindings } from '../../contracts/generated/validators.js';
import { lungCard, packageOf } from '../../test/support/model-card.ts';
import { sampleVolume } from '../../test/support/sample-report.ts';
import type { Volume } from '../assembly/volume.ts';
import { BILATERAL, HOUNSFIELD_UNIT, LAA950, LUNG, PERC15, PERCENT, RIGHT } from '../codes.ts';
import type { Finding, Findings } from './findings.ts';
import { findingsOf, outlinedFindings } from './findings-from.ts';
import type { SegmentStatistics } from './model-package.ts';

/** Voxels of 1 ml, so that millilitres are counts. */
const volume = sampleVolume({ shape: [6, 9, 7], spacing: [10, 10, 10] });
const model = packageOf(lungCard());

function statistics(segmentNumber: number, values: readonly number[], slice: number): SegmentStatistics {
  const histogram = new Uint32Array(701);
  for (const value of values) histogram[value + 1200]! += 1;
  return {
    segmentNumber,
    voxels: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    histogramLow: -1200,
    histogram,
    largestSlice: values.length === 0 ? -1 : slice,
    firstSlice: values.length === 0 ? -1 : slice,
    lastSlice: values.length === 0 ? -1 : slice,
  };
}

/** 20 voxels from -1000 to -810 HU in steps of 10. */
const right = statistics(
  1,
  Array.from({ length: 20 }, (_, i) => -1000 + 10 * i),
  2,
);
const left = statistics(2, [-900, -900, -900, -900], 4);

function read(images: Volume, counted: readonly SegmentStatistics[], provider = 'cpu'): Findings {
  const findings = outlinedFindings(images, model.card.outputs[0], counted);
  const parameters = { 'value-range': '-1200 to -500 HU' };
  return findingsOf(images, model, [{ findings, parameters }], provider);
}

function values(finding: Finding): Record<string, number | undefined> {
  return Object.fromEntries(finding.measurements.map(({ key, value }) => [key, value]));
}

test('WR-MOD-10 volume, mean, percentile and share below, of each lung and of both', () => {
  const { findings } = read(volume, [right, left]);
  assert.deepEqual(
    findings.map(({ key }) => key),
    ['lung-right', 'lung-left', 'lungs'],
  );
  // 15 % of 20 are 3 voxels: -1000, -990, -980; five lie below -950, the one at -950 does not
  assert.deepEqual(values(findings[0]!), { volume: 20, 'mean-density': -905, perc15: -980, 'laa-950': 25 });
  assert.deepEqual(values(findings[1]!), { volume: 4, 'mean-density': -900, perc15: -900, 'laa-950': 0 });
  // 15 % of 24 are 3.6 voxels
  assert.deepEqual(values(findings[2]!), { volume: 24, 'mean-density': -904.2, perc15: -970, 'laa-950': 20.83 });
});

test('WR-MOD-10 findings carry codes, units, threshold, segment and evidence, and keep their contract', () => {
  const all = read(volume, [right, left], 'cuda');
  assert.ok(validateFindings(all), JSON.stringify(validateFindings.errors));
  const [one, , both] = all.findings;
  assert.deepEqual([one!.concept, one!.laterality, one!.segmentNumber], [LUNG, RIGHT, 1]);
  assert.deepEqual([both!.laterality, both!.segmentNumber], [BILATERAL, undefined]);
  const [, , perc15, laa] = one!.measurements;
  assert.deepEqual([perc15!.concept, perc15!.unit], [PERC15, HOUNSFIELD_UNIT]);
  assert.deepEqual(
    [laa!.concept, laa!.unit, laa!.threshold],
    [LAA950, PERCENT, { value: -950, unit: HOUNSFIELD_UNIT }],
  );
  assert.deepEqual(one!.evidence, [
    { sopInstanceUid: volume.slices[2]!.sopInstanceUid, sopClassUid: volume.slices[2]!.sopClassUid },
  ]);
  assert.equal(both!.evidence[0]!.sopInstanceUid, volume.slices[2]!.sopInstanceUid);
  assert.equal(all.evidence.length, 6);
});

test('WR-MOD-10 the algorithm is named with version, digest, provider and parameters (R3, R4)', () => {
  assert.deepEqual(read(volume, [right, left], 'cuda').algorithm, {
    name: 'ct-lung-density',
    version: model.card.version,
    digest: model.digest,
    parameters: { provider: 'cuda', 'grid-spacing': '2.5 mm', 'value-range': '-1200 to -500 HU' },
  });
});

test('WR-MOD-10 frames are named where an object has several', () => {
  const multiFrame = { ...volume, header: { ...volume.header, numberOfFrames: 6 } };
  const numbered = { ...multiFrame, slices: volume.slices.map((slice, k) => ({ ...slice, frameNumber: k + 1 })) };
  assert.equal(read(numbered, [right, left]).findings[0]!.evidence[0]!.frameNumber, 3);
});

test('WR-MOD-10 an empty segment has no value, and says so', () => {
  const { findings } = read(volume, [right, statistics(2, [], 0)]);
  assert.deepEqual(findings[1]!.evidence, []);
  for (const measurement of findings[1]!.measurements) {
    assert.equal(measurement.value, undefined);
    assert.equal(measurement.qualifier?.meaning, 'Measurement failure');
  }
  assert.equal(values(findings[2]!)['volume'], 20);
});

test('WR-MOD-10 a segment that was not counted is a fault', () => {
  assert.throws(() => read(volume, [right]), { code: 'internal' });
});
