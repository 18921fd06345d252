import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../test/support/model-card.ts';
import { sampleVolume } from '../../test/support/sample-report.ts';
import type { Point3 } from '../arrival/study.ts';
import type { Volume } from '../assembly/volume.ts';
import { gateLabels } from './gate-labels.ts';
import type { CoarseLabels } from './model-package.ts';

const [output] = lungCard().outputs;

/** Two boxes of lung around a box of airway, 5 mm grid, in a volume that is lung-like everywhere. */
const SPACE = { shape: [60, 40, 80] as const, spacing: 5 };

interface Region {
  readonly from: Point3;
  readonly to: Point3;
}
interface Chest {
  readonly right?: Region;
  readonly left?: Region;
  readonly airway?: Region;
  readonly value?: number;
}
const RIGHT: Region = { from: [10, 5, 10], to: [50, 35, 35] };
const LEFT: Region = { from: [10, 5, 45], to: [50, 35, 70] };
const AIRWAY: Region = { from: [25, 18, 38], to: [60, 22, 42] };

function labelled({
  right = RIGHT,
  left = LEFT,
  airway = AIRWAY,
  value = -850,
}: Chest): [readonly CoarseLabels[], Volume] {
  const { shape, spacing } = SPACE;
  const base = sampleVolume({ shape, spacing: [spacing, spacing, spacing], origin: [0, 0, 0] });
  base.voxels.fill(value + 1024);
  const labels = new Uint8Array(new SharedArrayBuffer(shape[0] * shape[1] * shape[2]));
  for (const [label, { from, to }] of [
    [1, right],
    [2, left],
    [3, airway],
  ] as const)
    for (let k = from[0]; k < to[0]; k++)
      for (let j = from[1]; j < to[1]; j++)
        labels.fill(label, (k * shape[1] + j) * shape[2] + from[2], (k * shape[1] + j) * shape[2] + to[2]);
  return [[{ grid: { shape, affine: base.affine, spacing: [spacing, spacing, spacing] }, labels }], base];
}

test('WR-MOD-05 two lungs around an airway pass', () => {
  assert.equal(gateLabels(...labelled({}), output), undefined);
});

const GATED: readonly (readonly [string, Chest, string, string])[] = [
  [
    'hardly any lung',
    { right: { from: [20, 18, 10], to: [24, 22, 20] } },
    'wrong-body-part',
    'right lung: 20 ml, expected 300 to 6000',
  ],
  ['gas', { value: -1000 }, 'wrong-body-part', 'right lung: mean -1000 HU, expected -970 to -550'],
  [
    'flat regions',
    { left: { from: [20, 5, 45], to: [26, 35, 70] } },
    'wrong-body-part',
    'left lung: 30 mm high, expected at least 90',
  ],
  ['no airway', { airway: { from: [0, 0, 0], to: [0, 0, 0] } }, 'wrong-body-part', 'airways: 0 ml, expected 5 to 300'],
  ['sides swapped', { right: LEFT, left: RIGHT }, 'wrong-body-part', 'right and left are -175 mm apart, expected 50'],
  [
    'airway aside',
    { airway: { from: [25, 18, 74], to: [60, 22, 78] } },
    'wrong-body-part',
    'the airways do not lie between right and left',
  ],
  [
    'one side small',
    { left: { from: [10, 15, 55], to: [50, 25, 65] } },
    'outside-model-limits',
    'one side has 3750 ml, the other 500 ml',
  ],
  [
    'cut off below',
    { right: { ...RIGHT, from: [0, 5, 10] } },
    'coverage-insufficient',
    '50 % of the largest area lies in the first slice',
  ],
  [
    'cut off above',
    { left: { ...LEFT, to: [60, 35, 70] } },
    'coverage-insufficient',
    '50 % of the largest area lies in the last slice',
  ],
];
for (const [name, chest, code, detail] of GATED) {
  test(`WR-MOD-05 refused after the model ran: ${name}`, () => {
    assert.deepEqual(gateLabels(...labelled(chest), output), { skipped: { code, detail } });
  });
}
