/**
 * The whole way from voxels to findings, on phantoms whose truth is known from their anatomy. Slow, because every case
 * makes and reads a chest: most at 256 × 256, one at full size.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ChestCtOptions, type ChestTruth, chestCt } from '../../../adapters/phantom/chest-ct.ts';
import { TISSUE } from '../../../adapters/phantom/raster.ts';
import { explain, isSkipped } from '../../../src/reasons.ts';
import {
  isInSegment,
  type LungReader,
  type LungReading,
  measuredValue,
  openLungReader,
} from '../../../test/support/lung-reading.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';

let reader: LungReader;
before(async () => {
  reader = await openLungReader();
});
after(() => reader.close());

const SMALL_MATRIX = { matrix: 256, keepSlices: true } as const;
const CASES: Readonly<Record<string, ChestCtOptions>> = {
  'full size': { slices: 120, keepSlices: true, emphysema: 0.12, seed: 7 },
  'no emphysema': { ...SMALL_MATRIX, slices: 120 },
  '5 % emphysema, 0.75 mm': { ...SMALL_MATRIX, slices: 380, sliceSpacing: 0.75, emphysema: 0.05, seed: 2 },
  '5 % emphysema, 1.25 mm': { ...SMALL_MATRIX, slices: 230, sliceSpacing: 1.25, emphysema: 0.05, seed: 3 },
  '25 % emphysema, 2.5 mm': { ...SMALL_MATRIX, slices: 120, emphysema: 0.25, seed: 4 },
  '25 % emphysema, 5 mm': { ...SMALL_MATRIX, slices: 62, sliceSpacing: 5, emphysema: 0.25, seed: 5 },
  'thin slices far apart': { ...SMALL_MATRIX, slices: 62, sliceSpacing: 5, sliceThickness: 1, emphysema: 0.05 },
  'gantry tilt of 15 degrees': { ...SMALL_MATRIX, slices: 150, tiltDegrees: 15, emphysema: 0.05 },
  'gantry tilt the other way': { ...SMALL_MATRIX, slices: 90, sliceSpacing: 4, tiltDegrees: -12 },
  'small patient': { ...SMALL_MATRIX, slices: 90, scale: 0.7, fieldOfView: 300, emphysema: 0.05 },
  'large patient': { ...SMALL_MATRIX, slices: 120, sliceSpacing: 3, scale: 1.12, fieldOfView: 500 },
  'noise of 60 HU, sharp kernel': { ...SMALL_MATRIX, slices: 120, noise: 60, noiseSmoothness: 0 },
  'noise of 40 HU and 25 % emphysema': { ...SMALL_MATRIX, slices: 120, noise: 40, noiseSmoothness: 0, emphysema: 0.25 },
  'lungs that touch in front': { ...SMALL_MATRIX, slices: 120, touchingLungs: true, emphysema: 0.05, noise: 40 },
  'patient on the table, no gap': { ...SMALL_MATRIX, slices: 120, tableGap: 0 },
  prone: { ...SMALL_MATRIX, slices: 100, sliceSpacing: 3, orientation: 'prone', emphysema: 0.05 },
  'seen from the head': { ...SMALL_MATRIX, slices: 100, sliceSpacing: 3, orientation: 'mirrored', emphysema: 0.05 },
};

const LIMITS = { volumePercent: 2, laaPoints: 0.5, perc15Hu: 5 } as const;
const FINDINGS = [
  ['lung-right', 'right'],
  ['lung-left', 'left'],
  ['lungs', 'both'],
] as const;

for (const [name, options] of Object.entries(CASES)) {
  test(`WR-MOD-06 volume, LAA-950 and Perc15 of a phantom: ${name}`, async (t) => {
    const ct = chestCt(options);
    const volume = phantomVolume(ct, (byteLength) => reader.acquire(byteLength));
    try {
      const reading = await reader.read(volume);
      if (isSkipped(reading)) assert.fail(`not evaluable: ${explain(reading.skipped)}`);
      t.diagnostic(compare(reading, ct.truth));
    } finally {
      reader.release(volume);
    }
  });
}

/** Right and left have different truths, so a swap fails here too. */
function compare({ findings }: LungReading, truth: ChestTruth): string {
  return FINDINGS.map(([key, side]) => {
    const { milliliters, laa950Percent, perc15Hu, meanHu } = truth[side];
    const volume = (measuredValue(findings, key, 'volume')! / milliliters - 1) * 100;
    const laa = measuredValue(findings, key, 'laa-950')! - laa950Percent;
    const perc15 = measuredValue(findings, key, 'perc15')! - perc15Hu;
    const mean = measuredValue(findings, key, 'mean-density')! - meanHu;
    assert.ok(Math.abs(volume) <= LIMITS.volumePercent, `${key}: volume off by ${volume.toFixed(2)} %`);
    assert.ok(Math.abs(laa) <= LIMITS.laaPoints, `${key}: LAA-950 off by ${laa.toFixed(2)} points`);
    assert.ok(Math.abs(perc15) <= LIMITS.perc15Hu, `${key}: Perc15 off by ${perc15} HU`);
    return `${key}: ${volume.toFixed(2)} %, ${laa.toFixed(2)} points, ${perc15} HU, mean ${mean.toFixed(1)} HU`;
  }).join('; ');
}

for (const orientation of ['supine', 'prone', 'mirrored'] as const) {
  test(`WR-MOD-07 right is right and left is left, voxel by voxel: ${orientation}`, async () => {
    const ct = chestCt({ ...SMALL_MATRIX, slices: 66, sliceSpacing: 4.5, orientation });
    const { wrongSide, inAirway, lung } = await agreement(ct);
    assert.ok(lung > 500_000);
    assert.ok(wrongSide < lung * 1e-4, `${wrongSide} of ${lung} voxels on the wrong side`);
    assert.ok(inAirway < lung * 4e-3, `${inAirway} of ${lung} voxels are airway`);
  });
}

test('WR-MOD-08 trachea, bowel gas, blanket, table and room are no lung', async () => {
  const ct = chestCt({ ...SMALL_MATRIX, slices: 120 });
  const { outside, trachea, lung } = await agreement(ct);
  assert.equal(trachea, 0, 'trachea above the carina counted as lung');
  // vessels and borders blurred into the lung are within a pixel of it; gas and room would be thousands of voxels
  assert.ok(outside < lung * 1e-4, `${outside} voxels far from any lung`);
});

interface Agreement {
  readonly lung: number;
  readonly wrongSide: number;
  /** In an airway of any size. */
  readonly inAirway: number;
  /** In an airway above the reach of any bronchus. */
  readonly trachea: number;
  /** More than three pixels from any lung. */
  readonly outside: number;
}

async function agreement(ct: ReturnType<typeof chestCt>): Promise<Agreement> {
  const volume = phantomVolume(ct, (byteLength) => reader.acquire(byteLength));
  try {
    const reading = await reader.read(volume);
    assert.ok(!isSkipped(reading));
    const counts = { lung: 0, wrongSide: 0, inAirway: 0, trachea: 0, outside: 0 };
    volume.slices.forEach(({ slot, imagePositionPatient }, k) => {
      const { tissues } = ct.slice(slot);
      const { columns } = ct.geometry;
      const near = (i: number, tissue: number): boolean =>
        [-3, 0, 3].some((dy) => [-3, 0, 3].some((dx) => tissues[i + dy * columns + dx] === tissue));
      for (let i = 0; i < tissues.length; i++)
        for (const [segment, own, other] of [
          [1, TISSUE.rightLung, TISSUE.leftLung],
          [2, TISSUE.leftLung, TISSUE.rightLung],
        ] as const) {
          if (!isInSegment(reading.segmentation, segment, k, i)) continue;
          counts.lung++;
          if (tissues[i] === other) counts.wrongSide++;
          if (tissues[i] === TISSUE.airway) counts.inAirway++;
          if (tissues[i] === TISSUE.airway && imagePositionPatient[2] > 45) counts.trachea++;
          if (tissues[i] !== own && !near(i, own) && tissues[i] !== TISSUE.vessel) counts.outside++;
        }
    });
    return counts;
  } finally {
    reader.release(volume);
  }
}
