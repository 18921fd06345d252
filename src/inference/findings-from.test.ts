import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateFindings } from '../../contracts/generated/validators.js';
import { lungCard, packageOf } from '../../test/support/model-card.ts';
import { sampleVolume } from '../../test/support/sample-report.ts';
import type { Volume } from '../assembly/volume.ts';
import { BILATERAL, code, HOUNSFIELD_UNIT, LAA950, LUNG, PERC15, PERCENT, RIGHT } from '../codes.ts';
import type { Finding, Findings } from './findings.ts';
import { findingsOf, outlinedFindings } from './findings-from.ts';
import { type LabelMapOutput, reads, type SegmentStatistics } from './model-package.ts';
import type { MeasuredRegion } from './regions/measure-regions.ts';

const NO_UNITS = code('1', 'UCUM', 'no units');
const MILLIMETER = code('mm', 'UCUM', 'millimeter');

/** Voxels of 1 ml, so that millilitres are counts. */
const volume = sampleVolume({ shape: [6, 9, 7], spacing: [10, 10, 10] });
const card = lungCard();
assert.ok(reads(card, 'volume'));
const model = { ...packageOf(card), card };
const [output] = card.outputs;
assert.ok(output.kind === 'label-map');

function statistics(segmentNumber: number, values: readonly number[], slice: number): SegmentStatistics {
  const histogram = new Uint32Array(701);
  for (const value of values) histogram[value + 1200]! += 1;
  return {
    segmentNumber,
    voxels: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
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
  const { findings } = outlinedFindings(
    images,
    output,
    counted,
    output.findings.map(() => ({})),
  );
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

/** One rule over the right lung, with what is measured of it and of its parts. */
function componentOutput(): LabelMapOutput {
  assert.ok(output!.kind === 'label-map');
  const [rule] = output.findings;
  const [volumeRule, meanRule] = rule.measures;
  const count = { ...volumeRule, key: 'parts', kind: 'count', unit: NO_UNITS, decimals: 0 } as const;
  const diameter = { ...volumeRule, key: 'diameter', kind: 'diameter', unit: MILLIMETER, decimals: 1 } as const;
  const components = {
    key: 'part',
    minimumMilliliters: 1,
    atMost: 2,
    measures: [volumeRule, { ...meanRule!, key: 'mean' }, diameter],
  } satisfies LabelMapOutput['findings'][number]['components'];
  return { ...output, findings: [{ ...rule, measures: [volumeRule, count, diameter], components }] };
}

function measured(values: readonly number[], slice: number, diameterMm: number): Component {
  const box = {
    center: [1, 2, 3],
    edges: [
      [0, 0, 10],
      [0, 20, 0],
      [30, 0, 0],
    ],
  } as const;
  const shape = { diameterMm, longAxisMm: 20, shortAxisMm: 10, axesSlice: slice, box };
  return { statistics: statistics(1, values, slice), shape };
}

type Component = NonNullable<MeasuredRegion['components']>['listed'][number];

test('WR-MEA-06 every component is a finding with its size, values, box and key image, and the rule counts them', () => {
  const listed = [measured([-900, -890], 3, 41.26), measured([-800], 1, 20)];
  const region: MeasuredRegion = { shape: listed[0]!.shape, components: { count: 5, listed } };
  const said = outlinedFindings(volume, componentOutput(), [right, left], [region]);
  const all = findingsOf(volume, model, [{ ...said, parameters: {} }], 'cpu');
  assert.ok(validateFindings(all), JSON.stringify(validateFindings.errors));
  assert.deepEqual(
    all.findings.map((finding) => [finding.key, finding.presence, values(finding)]),
    [
      ['lung-right', 'present', { volume: 20, parts: 5, diameter: 41.3 }],
      ['part-1', undefined, { volume: 2, mean: -895, diameter: 41.3 }],
      ['part-2', undefined, { volume: 1, mean: -800, diameter: 20 }],
    ],
  );
  const [, part] = all.findings;
  assert.deepEqual(part!.region, {
    kind: 'patient-box',
    frameOfReferenceUid: volume.frameOfReferenceUid,
    ...listed[0]!.shape.box,
  });
  assert.deepEqual(part!.component, { number: 1, segmentNumbers: [1] });
  assert.deepEqual([part!.segmentNumber, part!.laterality], [undefined, RIGHT]);
  assert.equal(part!.evidence[0]!.sopInstanceUid, volume.slices[3]!.sopInstanceUid);
  assert.deepEqual(all.notes, ['Lung: 5 were found; the 2 largest are described.']);
});

test('WR-MEA-06 where nothing is found it is absent: 0 of 0 ml, and no diameter', () => {
  const said = outlinedFindings(
    volume,
    componentOutput(),
    [statistics(1, [], 0), left],
    [{ components: { count: 0, listed: [] } }],
  );
  assert.deepEqual(said.notes, []);
  const [finding, ...others] = said.findings;
  assert.deepEqual(others, []);
  assert.equal(finding!.presence, 'absent');
  assert.deepEqual(values(finding!), { volume: 0, parts: 0, diameter: undefined });
});

test('WR-MEA-02 standard deviation over n, minimum, maximum, and the median as the 50th percentile', () => {
  assert.ok(output!.kind === 'label-map');
  const [rule] = output.findings;
  const [plain, , percentile] = rule.measures;
  const spread = (['standard-deviation', 'minimum', 'maximum'] as const).map((kind) => {
    return { ...plain, key: kind, kind, decimals: 3 };
  });
  assert.ok(percentile?.kind === 'percentile');
  const changed: LabelMapOutput = {
    ...output,
    findings: [{ ...rule, measures: [{ ...percentile, key: 'median', percent: 50 }, ...spread] }],
  };
  const {
    findings: [finding],
  } = outlinedFindings(volume, changed, [statistics(1, [-1000, -900, -900, -700], 1)], [{}]);
  // about the mean of -875: deviations of -125, -25, -25 and 175
  assert.deepEqual(values(finding!), {
    'standard-deviation': 108.972,
    minimum: -1000,
    maximum: -700,
    median: -900,
  });
});
