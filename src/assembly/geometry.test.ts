import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../test/support/random.ts';
import type { Point3 } from '../arrival/study.ts';
import {
  add,
  affineOf,
  angleBetween,
  applyAffine,
  axisStep,
  composeAffine,
  cross,
  dot,
  indexOf,
  invertAffine,
  norm,
  normalise,
  planeAxes,
  scale,
  subtract,
} from './geometry.ts';
import { isotropicGrid } from './grid-axes.ts';
import type { Affine } from './volume.ts';

const near = (a: Point3, b: Point3, tolerance = 1e-9): boolean => norm(subtract(a, b)) < tolerance;

test('WR-ASM-50 an affine and its inverse give every point back', () => {
  for (let seed = 0; seed < 50; seed++) {
    const chance = random(seed);
    const some = (): Point3 => [chance.between(-3, 3), chance.between(-3, 3), chance.between(-3, 3)];
    const affine = affineOf(scale(some(), 100), add(some(), [9, 0, 0]), add(some(), [0, 9, 0]), add(some(), [0, 0, 9]));
    const point = scale(some(), 50);
    assert.ok(near(applyAffine(invertAffine(affine), applyAffine(affine, point)), point), `seed ${seed}`);
    const other = affineOf(some(), some(), some(), some());
    assert.ok(
      near(applyAffine(composeAffine(affine, other), point), applyAffine(affine, applyAffine(other, point)), 1e-6),
    );
    assert.ok(near(indexOf({ affine }, applyAffine(affine, [1, 2, 3])), [1, 2, 3]));
  }
});

test('WR-ASM-50 plane axes of rounded decimal strings are perpendicular unit vectors', () => {
  const { row, column, normal } = planeAxes([0.9542, -0.2081, 0.2151, 0.2786, 0.8801, -0.3844]);
  assert.ok(Math.abs(dot(row, column)) < 1e-12 && Math.abs(norm(column) - 1) < 1e-12);
  assert.ok(near(normal, cross(row, column)));
  assert.ok(Math.abs(angleBetween(row, column) - 90) < 1e-9);
});

const ORIENTATIONS: Readonly<Record<string, { readonly affine: Affine; readonly extent: Point3 }>> = {
  'axial, head first': { affine: affineOf([-50, -40, 0], [0, 0, 2], [0, 1, 0], [1, 0, 0]), extent: [20, 30, 40] },
  'axial, feet first': { affine: affineOf([50, -40, 18], [0, 0, -2], [0, 1, 0], [-1, 0, 0]), extent: [20, 30, 40] },
  'axial, prone': { affine: affineOf([50, 40, 0], [0, 0, 2], [0, -1, 0], [-1, 0, 0]), extent: [20, 30, 40] },
  sagittal: { affine: affineOf([-9, -40, 20], [2, 0, 0], [0, 0, -1], [0, 1, 0]), extent: [30, 40, 20] },
  coronal: { affine: affineOf([-9, 20, 20], [0, -2, 0], [0, 0, -1], [1, 0, 0]), extent: [30, 20, 40] },
};

for (const [name, { affine, extent }] of Object.entries(ORIENTATIONS)) {
  test(`WR-ASM-51 ${name}: the grid ascends in LPS and covers the volume, no more`, () => {
    const volume = { shape: [10, 30, 40] as const, affine };
    const grid = isotropicGrid(volume, 0.5);
    assert.deepEqual(grid.shape, [extent[0] * 2, extent[1] * 2, extent[2] * 2]);
    assert.deepEqual(
      [axisStep(grid.affine, 0), axisStep(grid.affine, 1), axisStep(grid.affine, 2)].map((step) =>
        step.map((x) => x + 0),
      ),
      [
        [0, 0, 0.5],
        [0, 0.5, 0],
        [0.5, 0, 0],
      ],
    );
    for (const corner of [
      [0, 0, 0],
      [grid.shape[0] - 1, grid.shape[1] - 1, grid.shape[2] - 1],
    ] as const) {
      const index = indexOf(volume, applyAffine(grid.affine, corner));
      assert.ok(
        index.every((x, axis) => x > -0.5 && x < volume.shape[axis]! - 0.5),
        index.join(' '),
      );
    }
    const wide = isotropicGrid(volume, 0.5, 3);
    assert.deepEqual(
      wide.shape,
      grid.shape.map((count) => count + 12),
    );
  });
}

test('WR-ASM-51 oblique and tilted: every voxel centre lies within the grid, whose axes are perpendicular', () => {
  for (let seed = 0; seed < 50; seed++) {
    const chance = random(seed);
    const row = normalise([chance.between(-1, 1), chance.between(-1, 1), chance.between(-1, 1)]);
    const column = normalise(cross(cross(row, [0.3, chance.between(-1, 1), 1]), row));
    const step = add(scale(cross(row, column), chance.between(0.5, 5)), scale(column, chance.between(-1, 1)));
    const volume = {
      shape: [8, 9, 7] as const,
      affine: affineOf([5, 6, 7], step, scale(column, 0.9), scale(row, 1.2)),
    };
    const grid = isotropicGrid(volume, 0.8);
    const axes = [0, 1, 2].map((axis) => axisStep(grid.affine, axis as 0 | 1 | 2)) as [Point3, Point3, Point3];
    assert.ok(
      Math.abs(dot(axes[0], axes[1])) + Math.abs(dot(axes[1], axes[2])) + Math.abs(dot(axes[0], axes[2])) < 1e-9,
    );
    assert.ok(axes[0][2] >= 0 && axes[1][1] >= 0 && axes[2][0] >= 0, `seed ${seed}: signs`);
    for (const corner of [0, 7].flatMap((s) => [0, 8].flatMap((r) => [0, 6].map((c): Point3 => [s, r, c])))) {
      const inGrid = indexOf(grid, applyAffine(volume.affine, corner));
      assert.ok(
        inGrid.every((x, axis) => x >= -0.5 && x <= grid.shape[axis]! - 0.5),
        `seed ${seed}: ${inGrid.join(' ')}`,
      );
    }
  }
});
