import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Point3 } from '../arrival/study.ts';
import { affineOf, applyAffine, axisStep, cross, indexOf, normalise, scale } from '../assembly/geometry.ts';
import type { Grid } from '../assembly/grid.ts';
import type { GridVolume } from '../assembly/grid-axes.ts';
import { fixedSizes, type GridRule, inputGrid } from './input-grid.ts';

/** 10 slices of 30 × 40, 3 × 1 × 2 mm, axial, head first; its corner voxel lies at (-50, -40, 100). */
const AXIAL: GridVolume = { shape: [10, 30, 40], affine: affineOf([-50, -40, 100], [0, 0, 3], [0, 1, 0], [2, 0, 0]) };
const row = normalise([0.9542, -0.2081, 0.2151]);
const column = normalise(cross(cross(row, [0.2786, 0.8801, -0.3844]), row));
/** Turned in space, and tilted: every slice is shifted along its columns. */
const TILTED: GridVolume = {
  shape: [12, 30, 40],
  affine: affineOf(
    [5, 6, 7],
    [...scale(cross(row, column), 4)].map((x, i) => x + column[i]! * 1.5) as unknown as Point3,
    scale(column, 0.9),
    scale(row, 1.2),
  ),
};

function steps({ affine }: Grid): readonly (readonly number[])[] {
  return ([0, 1, 2] as const).map((axis) => axisStep(affine, axis).map((x) => Math.round(x * 1e9) / 1e9 + 0));
}
const LPS = { orientation: 'LPS' } as const;

test('WR-PRE-02 spacing by axis, and which way indices rise: LPS, RAS, as acquired', () => {
  const lps = inputGrid(AXIAL, { ...LPS, spacingMm: [5, 2, 1] });
  assert.deepEqual(lps.shape, [6, 15, 80]);
  assert.deepEqual(steps(lps), [
    [0, 0, 5],
    [0, 2, 0],
    [1, 0, 0],
  ]);
  const ras = inputGrid(AXIAL, { orientation: 'RAS', spacingMm: [5, 2, 1] });
  assert.deepEqual(steps(ras), [
    [0, 0, 5],
    [0, -2, 0],
    [-1, 0, 0],
  ]);
  // the same points, named from the other end
  assert.deepEqual(applyAffine(ras.affine, [0, 14, 79]), applyAffine(lps.affine, [0, 0, 0]));
  const sagittal: GridVolume = { shape: [4, 5, 6], affine: affineOf([9, -40, 20], [-2, 0, 0], [0, 0, -1], [0, 1, 0]) };
  const own = inputGrid(sagittal, { orientation: 'as-acquired', spacingMm: 'as-acquired' });
  assert.deepEqual([own.shape, own.affine], [sagittal.shape, sagittal.affine]);
  assert.deepEqual(inputGrid(sagittal, { ...LPS, spacingMm: 'as-acquired' }).shape, [5, 6, 4]);
});

test('WR-PRE-02 a shape, and rules for the depth: from edge to edge', () => {
  const resized = inputGrid(AXIAL, { ...LPS, shape: [5, 15, 20] });
  assert.deepEqual(
    [resized.shape, resized.spacing],
    [
      [5, 15, 20],
      [6, 2, 4],
    ],
  );
  assert.deepEqual(indexOf(AXIAL, applyAffine(resized.affine, [0, 0, 0])), [0.5, 0.5, 0.5]);
  const depth = (rule: GridRule['depth']): readonly number[] =>
    inputGrid(AXIAL, { orientation: 'as-acquired', spacingMm: 'as-acquired', depth: rule! }).shape;
  assert.deepEqual(depth({ kind: 'fixed', slices: 7 }), [7, 30, 40]);
  assert.deepEqual(depth({ kind: 'nearest-multiple', of: 4, maximum: 64 }), [12, 30, 40]);
  assert.deepEqual(depth({ kind: 'nearest-multiple', of: 4, maximum: 11 }), [8, 30, 40]);
  assert.deepEqual(depth({ kind: 'nearest-multiple', of: 64, maximum: 64 }), [64, 30, 40]);
  assert.deepEqual(depth({ kind: 'sample', slices: 85 }), [10, 30, 40]);
});

test('WR-PRE-02 a sample takes slices evenly from the first to the last, as numpy.linspace has them', () => {
  const grid = inputGrid(TILTED, {
    orientation: 'as-acquired',
    spacingMm: 'as-acquired',
    depth: { kind: 'sample', slices: 4 },
  });
  const at = [0, 1, 2, 3].map((k) => indexOf(TILTED, applyAffine(grid.affine, [k, 0, 0]))[0]);
  for (const [i, wanted] of [0, 11 / 3, 22 / 3, 11].entries())
    assert.ok(Math.abs(at[i]! - wanted) < 1e-9, at.join(' '));
});

test('WR-PRE-02 crop, pad and multiples move edges and no point', () => {
  const plain = inputGrid(TILTED, { ...LPS, spacingMm: 2 });
  const placeOf = (rule: Partial<GridRule>): readonly [Grid, Point3] => {
    const grid = inputGrid(TILTED, { ...LPS, spacingMm: 2, ...rule });
    return [
      grid,
      indexOf(grid, applyAffine(plain.affine, [0, 0, 0])).map(
        (x) => Math.round(x * 1e6) / 1e6 + 0,
      ) as unknown as Point3,
    ];
  };
  const [slices, rows, columns] = plain.shape;
  const [padded, inPadded] = placeOf({ fit: { shape: [slices + 5, rows - 7, columns + 2], anchor: 'centre' } });
  assert.deepEqual(padded.shape, [slices + 5, rows - 7, columns + 2]);
  const cut = Math.floor(rows / 2) - Math.floor((rows - 7) / 2);
  assert.deepEqual(inPadded, [2, -cut, 1]);
  const [, fromTop] = placeOf({ fit: { shape: [slices - 5, rows, columns], anchor: 'top' } });
  assert.deepEqual(fromTop, [-5, 0, 0]);
  const [multiple, inMultiple] = placeOf({ multipleOf: [16, 16, 16] });
  const [moreSlices, ...more] = multiple.shape.map((size, axis) => size - plain.shape[axis]!);
  assert.ok(multiple.shape.every((size) => size % 16 === 0));
  assert.deepEqual(
    inMultiple,
    [moreSlices!, ...more].map((n) => Math.floor(n / 2)),
  );
  const [window] = placeOf({ window: { shape: [96, 8, 96], overlap: 0.5, blend: 'constant' } });
  assert.deepEqual(window.shape, [Math.max(96, slices), rows, Math.max(96, columns)]);
});

test('WR-PRE-02 sizes that are the same for every volume are known before one is there', () => {
  assert.deepEqual(fixedSizes({ ...LPS, spacingMm: 1 }), [undefined, undefined, undefined]);
  assert.deepEqual(fixedSizes({ ...LPS, shape: [30, 64, 64], multipleOf: [16, 1, 1] }), [32, 64, 64]);
  assert.deepEqual(fixedSizes({ ...LPS, spacingMm: 1, depth: { kind: 'fixed', slices: 9 } }), [
    9,
    undefined,
    undefined,
  ]);
  const window = { shape: [32, 64, 64], overlap: 0.5, blend: 'constant' } as const;
  assert.deepEqual(fixedSizes({ ...LPS, spacingMm: 1, window: { ...window, shape: [32, 64, 64] } }), [32, 64, 64]);
});
