import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chestCt } from '../../../adapters/phantom/chest-ct.ts';
import { lungCard } from '../../../test/support/model-card.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';
import { affineOf } from '../../assembly/geometry.ts';
import type { Volume } from '../../assembly/volume.ts';
import { gateVolume } from './gate-volume.ts';

const card = lungCard();
const { input } = card;
assert.ok(input.kind === 'volume');
const gate = (volume: Volume): ReturnType<typeof gateVolume> => gateVolume(volume, card, input);
const chest = phantomVolume(
  chestCt({ matrix: 128, slices: 60, sliceSpacing: 5, fieldOfView: 250 }),
  (byteLength) => new SharedArrayBuffer(byteLength),
);

test('WR-MOD-04 a chest passes', () => {
  assert.equal(gate(chest), undefined);
});

function withHeader(change: Partial<Volume['header']>): Volume {
  return { ...chest, header: { ...chest.header, ...change } };
}

function filled(value: (i: number) => number): Volume {
  const voxels = new Int16Array(new SharedArrayBuffer(chest.voxels.byteLength));
  for (let i = 0; i < voxels.length; i++) voxels[i] = value(i);
  return { ...chest, voxels };
}

const REFUSED: readonly (readonly [string, Volume, string, string])[] = [
  ['another modality', { ...chest, modality: 'MR' }, 'wrong-modality', 'MR'],
  [
    'no Hounsfield units',
    { ...chest, units: 'none' },
    'outside-model-limits',
    'values have no unit, the model reads HU',
  ],
  [
    'a tag that names the head',
    withHeader({ bodyPartExamined: 'HEAD' }),
    'wrong-body-part',
    'Body Part Examined is HEAD',
  ],
  [
    'a tag in other letters',
    withHeader({ bodyPartExamined: 'Lower Extremity' }),
    'wrong-body-part',
    'Body Part Examined is LOWEREXTREMITY',
  ],
  ['few slices', { ...chest, shape: [12, 128, 128] }, 'too-few-slices', '12 slices, the model needs 20'],
  [
    'thick slices',
    withHeader({ frames: [{ ...chest.header.frames[0]!, sliceThickness: 8 }] }),
    'slice-too-thick',
    '8.0 mm, the model reads up to 5.0 mm',
  ],
  [
    'slices far apart',
    { ...chest, spacing: [10, 1.95, 1.95] },
    'slice-too-thick',
    'slice spacing 10.0 mm, limit 5.5 mm',
  ],
  ['coarse pixels', { ...chest, spacing: [5, 2.5, 2.5] }, 'outside-model-limits', 'row spacing 2.5 mm, limit 2.0 mm'],
  [
    'a short scan',
    { ...chest, spacing: [1.5, 1.95, 1.95] },
    'coverage-insufficient',
    '90.0 mm along the slice axis, the model needs 100.0 mm',
  ],
  [
    'a whole body',
    { ...chest, affine: affineOf([0, 0, 0], [0, 0, 20], [0, 2, 0], [2, 0, 0]) },
    'outside-model-limits',
    '480 grid points along the slice axis, limit 320',
  ],
  [
    'air alone',
    filled((i) => -1000 + (i % 5)),
    'outside-model-limits',
    '0.0 % of the voxels are soft tissue (-150 to 250 HU), expected at least 10 %',
  ],
  [
    'a photograph',
    filled((i) => i % 256),
    'outside-model-limits',
    '0.0 % of the voxels are air (below -700 HU), expected at least 5 %',
  ],
];
for (const [name, volume, code, detail] of REFUSED) {
  test(`WR-MOD-04 refused before the model runs: ${name}`, () => {
    assert.deepEqual(gate(volume), { skipped: { code, detail } });
  });
}

test('WR-MOD-04 an absent or unknown Body Part Examined leaves the judgement to the pixels', () => {
  for (const bodyPartExamined of ['', 'CHEST', 'THORAX', 'X'])
    assert.equal(gate(withHeader({ bodyPartExamined })), undefined);
});
