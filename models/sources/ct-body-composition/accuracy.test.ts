/**
 * The whole way from voxels to findings, on phantoms whose tissues are known from their anatomy, and on a real chest.
 * Slow, because every case makes and reads a chest.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../../adapters/codecs/frame-decoder.ts';
import { type ChestCtOptions, chestCt } from '../../../adapters/phantom/chest-ct.ts';
import { headCt } from '../../../adapters/phantom/phantom-study.ts';
import type { Volume } from '../../../src/assembly/volume.ts';
import type { Findings } from '../../../src/inference/findings.ts';
import type { Reading } from '../../../src/inference/reading.ts';
import { explain, isSkipped } from '../../../src/reasons.ts';
import { assembleFolder } from '../../../test/support/assemble-folder.ts';
import { findingOf, measuredValue } from '../../../test/support/lung-reading.ts';
import { type ModelReader, openModelReader } from '../../../test/support/model-reading.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';
import { dataPath, withoutTestData } from '../../../test/support/test-data.ts';
import { type TissueTruth, tissueTruth } from './truth.ts';

let reader: ModelReader;
before(async () => {
  reader = await openModelReader(join(import.meta.dirname, '..', '..', 'examples', 'ct-body-composition'));
});
after(() => reader.close());

const CASES: Readonly<Record<string, ChestCtOptions>> = {
  '2.5 mm': { matrix: 256, slices: 120 },
  'a small patient': { matrix: 256, slices: 90, scale: 0.7, fieldOfView: 300 },
  'a large patient, noise of 40 HU, sharp kernel': {
    ...{ matrix: 256, slices: 74, sliceSpacing: 5, scale: 1.05, fieldOfView: 450 },
    ...{ noise: 40, noiseSmoothness: 0 },
  },
  'gantry tilt': { matrix: 200, slices: 94, sliceSpacing: 4, tiltDegrees: 15 },
};

/** Percent, as the card says. Ribs are thin for the grid and for thick slices; skin is thinner than both. */
const LIMITS = { bone: [-6, 4], fat: [-4, 4], 'soft-tissue': [-7, -3], gas: [-1.5, 1.5] } as const;
const TISSUES: Readonly<Record<keyof typeof LIMITS, keyof TissueTruth>> = {
  bone: 'bone',
  fat: 'fat',
  'soft-tissue': 'softTissue',
  gas: 'gas',
};
/** Width and depth of the trunk, mm. */
const [WIDTH, DEPTH] = [372, 244];

async function read(volume: Volume): Promise<Reading> {
  const reading = await reader.read(volume);
  if (isSkipped(reading)) assert.fail(`not evaluable: ${explain(reading.skipped)}`);
  return reading;
}

for (const [name, options] of Object.entries(CASES)) {
  test(`WR-MEA-09 tissues, body axes and separate gas of a phantom: ${name}`, async (t) => {
    const ct = chestCt(options);
    const volume = phantomVolume(ct, (byteLength) => reader.acquire(byteLength));
    try {
      const { findings } = await read(volume);
      const { scale = 1, sliceSpacing = 2.5 } = options;
      const half = (ct.count * sliceSpacing) / 2;
      const anatomy = { scale, seed: 1, touchingLungs: false, tableGap: 6, prone: false };
      t.diagnostic(compare(findings, tissueTruth(anatomy, -36 * scale - half, -36 * scale + half, 1.5)));
      compareGas(findings, scale);
      // a slice that leans cuts the trunk along its own plane
      if (options.tiltDegrees === undefined) compareAxes(findings, scale);
    } finally {
      reader.release(volume);
    }
  });
}

function compare(findings: Findings, truth: TissueTruth): string {
  return (Object.keys(LIMITS) as (keyof typeof LIMITS)[])
    .map((key) => {
      const percent = (measuredValue(findings, key, 'volume')! / truth[TISSUES[key]] - 1) * 100;
      const [low, high] = LIMITS[key];
      assert.ok(percent >= low && percent <= high, `${key} is off by ${percent.toFixed(1)} %`);
      return `${key} ${percent.toFixed(1)} %`;
    })
    .join(', ');
}

/** The lungs with their airways, the stomach and the bend of the colon: where they are and how large. */
function compareGas(findings: Findings, scale: number): void {
  assert.equal(measuredValue(findings, 'gas', 'count'), 3);
  const stomach = findingOf(findings, 'gas-part-2');
  assert.ok(stomach.region?.kind === 'patient-box');
  const [x, y, z] = stomach.region.center;
  const off = Math.hypot(x! - 62 * scale, y! + 20 * scale, z! + 140 * scale);
  assert.ok(off < 4, `the stomach is ${off.toFixed(1)} mm off`);
  assert.deepEqual(stomach.component, { number: 2, segmentNumbers: [4] });
  // an ellipsoid of 60 by 56 by 36 mm; blur lets gas reach half way into its wall
  for (const [measure, expected] of [
    ['diameter', 60],
    ['long-axis', 60],
    ['short-axis', 56],
  ] as const) {
    const value = measuredValue(findings, 'gas-part-2', measure)!;
    assert.ok(Math.abs(value - expected * scale) < 4, `${measure} of the stomach: ${value} mm`);
  }
}

function compareAxes(findings: Findings, scale: number): void {
  for (const [measure, expected] of [
    ['long-axis', WIDTH],
    ['short-axis', DEPTH],
  ] as const) {
    const value = measuredValue(findings, 'body', measure)!;
    assert.ok(Math.abs(value - expected * scale) < 4, `${measure} of the body: ${value} mm`);
  }
}

test('WR-MEA-09 a head is refused, whatever its tags say', async () => {
  const volume = phantomVolume(headCt({ matrix: 208 }), (byteLength) => reader.acquire(byteLength));
  const reading = await reader.read(volume);
  reader.release(volume);
  assert.ok(isSkipped(reading));
  assert.equal(reading.skipped.code, 'wrong-body-part');
});

test('WR-MEA-09 a low-dose chest CT of a screening trial', { skip: withoutTestData }, async (t) => {
  await using decoder = new ThreadedFrameDecoder();
  const volume = await assembleFolder(
    dataPath('ct-chest-nlst/ct'),
    (byteLength) => reader.acquire(byteLength),
    decoder,
  );
  assert.ok('voxels' in volume);
  const { findings } = await read(volume);
  reader.release(volume);
  const measured = findings.findings.map(({ key, measurements }) => [key, measurements.map(({ value }) => value)]);
  t.diagnostic(JSON.stringify(measured));
  // of an outline that was looked at: a change to the graph that moves it is noticed, and looked at again
  for (const [key, milliliters] of [
    ['body', 13190],
    ['bone', 964],
    ['fat', 3395],
    ['soft-tissue', 4571],
    ['gas', 4259],
  ] as const) {
    const value = measuredValue(findings, key, 'volume')!;
    assert.ok(Math.abs(value / milliliters - 1) < 0.01, `${key}: ${value} ml`);
  }
  // the lungs with the airways, and a bubble in the colon
  assert.equal(measuredValue(findings, 'gas', 'count'), 2);
});
