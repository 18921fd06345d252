import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlaneVolume, planeVolume } from '../../../test/support/plane-volume.ts';
import { SECOND_SLOT, twoSequencesCard } from '../../../test/support/two-sequences.ts';
import type { Volume } from '../../assembly/volume.ts';
import { nameBasedUid } from '../../uid.ts';
import { coveredShare, gateSlot } from './gate-slot.ts';

const MAIN: PlaneVolume = { shape: [20, 30, 40], spacing: [3, 2, 1], degrees: 0, center: [0, 0, 0] };
const main = planeVolume(MAIN);
const like = (change: Partial<PlaneVolume>): Volume => planeVolume({ ...MAIN, ...change });

test('WR-SLT-03 the share of a volume that another covers is that of its place in the patient', () => {
  const shares: readonly (readonly [string, Volume, number])[] = [
    ['itself', main, 1],
    ['one of other voxels', like({ shape: [60, 60, 60], spacing: [1, 1, 2 / 3] }), 1],
    ['one that is moved by a quarter along its columns', like({ center: [10, 0, 0] }), 0.75],
    ['one of half the slices', like({ shape: [10, 30, 40] }), 0.5],
    ['one beside it', like({ center: [0, 0, 200] }), 0],
    ['a turned one around it', like({ degrees: 30, shape: [60, 80, 160] }), 1],
  ];
  for (const [what, other, share] of shares)
    assert.ok(Math.abs(coveredShare(main, other) - share) < 0.01, `${what}: ${coveredShare(main, other)}`);
  // a cube turned by 45 degrees about one axis within another of its size: an octagon, 2 (√2 - 1) of the square
  const cube: PlaneVolume = { shape: [60, 60, 60], spacing: [1, 1, 1], degrees: 0, center: [0, 0, 0] };
  const turned = planeVolume({ ...cube, shape: [200, 60, 60], degrees: 0 });
  const angle = Math.SQRT1_2;
  const about = { ...turned, affine: [0, -angle, angle, 0, 0, angle, angle, 0, 1, 0, 0, -99.5, 0, 0, 0, 1] } as const;
  assert.ok(
    Math.abs(coveredShare(planeVolume(cube), { ...about, affine: centred(about) }) - 2 * (Math.SQRT2 - 1)) < 0.02,
  );
});

/** The affine with the middle of the volume at the origin of the patient. */
function centred({
  shape,
  affine,
}: {
  readonly shape: Volume['shape'];
  readonly affine: Volume['affine'];
}): Volume['affine'] {
  const moved = [...affine];
  for (const row of [0, 1, 2]) {
    const middle = shape.reduce((sum, size, axis) => sum + (affine[4 * row + axis]! * (size - 1)) / 2, 0);
    moved[4 * row + 3] = -middle;
  }
  return moved as unknown as Volume['affine'];
}

const card = twoSequencesCard('');

test('WR-SLT-03 what may stand in a slot', () => {
  const cases: readonly (readonly [Volume, object, string | undefined, string | undefined])[] = [
    [like({}), {}, undefined, undefined],
    [like({ change: { frameOfReferenceUid: nameBasedUid('another') } }), {}, 'other-frame-of-reference', undefined],
    [like({ change: { modality: 'CT' } }), {}, 'wrong-modality', 'CT'],
    [like({ change: { modality: 'PT' } }), { modality: 'PT' }, undefined, undefined],
    [like({ change: { units: 'HU' } }), {}, 'outside-model-limits', 'values are in HU, the model reads none'],
    [like({ change: { units: 'HU' } }), { units: 'HU' }, undefined, undefined],
    [like({}), { units: 'BQML' }, 'outside-model-limits', 'values have no unit, the model reads BQML'],
    [like({ change: { header: { ...main.header, burnedInAnnotation: 'YES' } } }), {}, 'burned-in-text', undefined],
    [like({ shape: [10, 30, 40] }), {}, 'slot-not-covering', '50 % of it, the model needs 95 %'],
    [like({ shape: [10, 30, 40] }), { minimumCoveragePercent: 40 }, undefined, undefined],
  ];
  for (const [volume, change, code, detail] of cases) {
    const found = gateSlot(volume, main, { ...SECOND_SLOT, ...change }, card);
    assert.deepEqual([found?.code, found?.detail], [code, detail], JSON.stringify(change));
  }
});
