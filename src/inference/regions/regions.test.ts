/** Components, diameters and boxes of masks, against counting that is slow and plain, and against bodies of known size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random as randomOf } from '../../../test/support/random.ts';
import type { Point3 } from '../../arrival/study.ts';
import { affineOf, applyAffine, invertAffine, norm, normalise, scale, subtract } from '../../assembly/geometry.ts';
import type { Affine } from '../../assembly/volume.ts';
import { componentsOf } from './components.ts';
import { farthestPair } from './farthest-pair.ts';
import type { Mask } from './mask-runs.ts';
import { type MeasuredVolume, measureRegion } from './measure-regions.ts';
import type { RegionShape } from './region-shape.ts';

type Shape = readonly [number, number, number];
type IsInside = (slice: number, row: number, column: number) => boolean;

function maskOf(shape: Shape, isInside: IsInside): Mask {
  const [slices, rows, columns] = shape;
  const bytesPerSlice = Math.ceil((rows * columns) / 8);
  const bits = new Uint8Array(slices * bytesPerSlice);
  for (let k = 0; k < slices; k++)
    for (let i = 0; i < rows * columns; i++)
      if (isInside(k, Math.floor(i / columns), i % columns)) bits[k * bytesPerSlice + (i >> 3)]! |= 1 << (i & 7);
  return { shape, bytesPerSlice, parts: [bits] };
}

/** Sizes of components by flooding, the largest first. */
function flooded({ shape: [slices, rows, columns], parts, bytesPerSlice }: Mask): number[] {
  const isSet = (k: number, i: number): boolean =>
    parts.some((bits) => (bits[k * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1);
  const left = new Set<number>();
  for (let k = 0; k < slices; k++)
    for (let i = 0; i < rows * columns; i++) if (isSet(k, i)) left.add(k * rows * columns + i);
  const sizes: number[] = [];
  for (const start of left) {
    const found = [start];
    left.delete(start);
    for (const at of found) {
      const [k, row, column] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
      for (const dk of [-1, 0, 1])
        for (const dr of [-1, 0, 1])
          for (const dc of [-1, 0, 1]) {
            if (row + dr < 0 || row + dr >= rows || column + dc < 0 || column + dc >= columns) continue;
            const near = ((k + dk) * rows + row + dr) * columns + column + dc;
            if (left.delete(near)) found.push(near);
          }
    }
    sizes.push(found.length);
  }
  return sizes.sort((a, b) => b - a);
}

const EVERYTHING = { minimumVoxels: 1, atMost: 100_000 };

test('WR-MEA-03 components are those that flooding finds, whatever the density of the mask', () => {
  for (const share of [0.01, 0.05, 0.1, 0.2, 0.5, 0.9]) {
    const random = randomOf(Math.round(share * 100));
    const mask = maskOf([9, 13, 21], () => random.next() < share);
    const { voxels, count } = componentsOf(mask, EVERYTHING);
    assert.deepEqual(voxels, flooded(mask), `${share}`);
    assert.equal(count, voxels.length);
  }
});

test('WR-MEA-03 a face, an edge and a corner connect; two voxels apart do not', () => {
  const sizes = (...points: Shape[]): readonly number[] =>
    componentsOf(
      maskOf([5, 5, 9], (...at) => points.some((point) => point.join() === at.join())),
      EVERYTHING,
    ).voxels;
  assert.deepEqual(sizes([2, 2, 2], [2, 2, 3]), [2]);
  assert.deepEqual(sizes([2, 2, 2], [2, 3, 1]), [2]);
  assert.deepEqual(sizes([2, 2, 2], [3, 1, 3]), [2]);
  assert.deepEqual(sizes([2, 2, 2], [2, 2, 4]), [1, 1]);
  assert.deepEqual(sizes([2, 2, 2], [4, 2, 2]), [1, 1]);
  // the end of a row is not beside the begin of the next
  assert.deepEqual(sizes([2, 2, 8], [2, 3, 0]), [1, 1]);
});

test('WR-MEA-03 a spiral that closes late is one component; several masks are taken as one', () => {
  const comb: IsInside = (k, row, column) => (column % 2 === 0 && k === 0) || (row === 6 && k === 0);
  assert.equal(componentsOf(maskOf([2, 7, 30], comb), EVERYTHING).count, 1);
  const left = maskOf([3, 4, 5], (_k, _row, column) => column < 2);
  const right = maskOf([3, 4, 5], (_k, _row, column) => column === 2);
  assert.deepEqual(componentsOf({ ...left, parts: [...left.parts, ...right.parts] }, EVERYTHING).voxels, [36]);
});

test('WR-MEA-03 the largest first, then the one that comes first; the small are not counted, the many not listed', () => {
  // columns 0 to 1, 3 to 6, 8 to 9, 11: two of the same size
  const mask = maskOf([1, 1, 12], (_k, _row, column) => ![2, 7, 10].includes(column));
  const found = componentsOf(mask, { minimumVoxels: 2, atMost: 2 });
  assert.deepEqual(found.voxels, [4, 2]);
  assert.equal(found.count, 3);
  const runs: number[][] = [];
  found.visit(
    (_slice, _row, from, end, at) => runs.push([at, from, end]),
    () => {},
  );
  assert.deepEqual(runs, [
    [1, 0, 2],
    [0, 3, 7],
  ]);
});

test('WR-MEA-04 the farthest pair is the one that comparing all with all gives', () => {
  const random = randomOf(5);
  for (const flat of [1, 0.1, 0]) {
    const points = Float64Array.from({ length: 900 }, (_, i) => random.next() * (i % 3 === 2 ? flat : 1));
    let most = 0;
    for (let a = 0; a < points.length; a += 3)
      for (let b = 0; b < a; b += 3)
        most = Math.max(
          most,
          Math.hypot(points[a]! - points[b]!, points[a + 1]! - points[b + 1]!, points[a + 2]! - points[b + 2]!),
        );
    assert.equal(farthestPair(points).distance.toFixed(12), most.toFixed(12));
  }
  assert.equal(farthestPair(Float64Array.of(1, 2, 3)).distance, 0);
});

/** Volumes to measure in: cubes, thick slices, oblique with three spacings, sheared by a gantry tilt. */
const AFFINES: Readonly<Record<string, Affine>> = {
  isotropic: affineOf([0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]),
  'thick slices': affineOf([-40, 10, 7], [0, 0, 5], [0, 0.7, 0], [0.7, 0, 0]),
  oblique: affineOf(
    [5, -3, 90],
    scale(normalise([1, -2, 2]), 2.5),
    scale(normalise([2, 2, 1]), 0.8),
    scale(normalise([-2, 1, 2]), 1.1),
  ),
  sheared: affineOf([0, 0, 0], [0, 1.2, 3], [0, 0.9, 0], [0.9, 0, 0]),
};

function volumeOf(shape: Shape, affine: Affine): MeasuredVolume {
  return {
    shape,
    affine,
    voxels: new Int16Array(new SharedArrayBuffer(2 * shape[0] * shape[1] * shape[2])),
    slices: Array.from({ length: shape[0] }, (_, slot) => ({
      slot,
      slope: 1,
      intercept: 0,
    })),
  };
}

/** Half a voxel's diagonal at both ends. */
function diagonal(affine: Affine): number {
  const origin = applyAffine(affine, [0, 0, 0]);
  return Math.max(
    ...[-1, 1].flatMap((row) => [-1, 1].map((column) => norm(subtract(applyAffine(affine, [1, row, column]), origin)))),
  );
}

const RANGE = { low: -10, high: 10 };

function shapeOf(shape: Shape, affine: Affine, isInside: (point: Point3) => boolean): RegionShape {
  const mask = maskOf(shape, (...index) => isInside(applyAffine(affine, index)));
  return measureRegion(volumeOf(shape, affine), mask, { shape: true, range: RANGE }).shape!;
}

/** Room for a body of 60 mm around the middle. */
function roomFor(affine: Affine): { readonly shape: Shape; readonly middle: Point3 } {
  const inverse = invertAffine(affine);
  const origin = applyAffine(inverse, [0, 0, 0]);
  const reach = [0, 1, 2].map((axis) =>
    Math.max(
      ...[
        [30, 30, 30],
        [30, 30, -30],
        [30, -30, 30],
        [-30, 30, 30],
      ].map((corner) => Math.abs(applyAffine(inverse, corner as unknown as Point3)[axis]! - origin[axis]!)),
    ),
  );
  const shape = reach.map((half) => 2 * Math.ceil(half) + 3) as unknown as Shape;
  return { shape, middle: applyAffine(affine, scale([shape[0] - 1, shape[1] - 1, shape[2] - 1], 0.5)) };
}

for (const [name, affine] of Object.entries(AFFINES)) {
  const { shape, middle } = roomFor(affine);
  const within = (actual: number, expected: number, what: string): void =>
    assert.ok(
      Math.abs(actual - expected) <= diagonal(affine),
      `${name}, ${what}: ${actual.toFixed(2)} mm, expected ${expected}`,
    );

  test(`WR-MEA-04 a ball and an ellipsoid have their diameters: ${name}`, () => {
    const ball = shapeOf(shape, affine, (point) => norm(subtract(point, middle)) <= 25);
    within(ball.diameterMm, 50, 'diameter');
    within(ball.longAxisMm, 50, 'long axis');
    within(ball.shortAxisMm, 50, 'short axis');
    assert.ok(norm(subtract(ball.box.center, middle)) <= diagonal(affine) / 2);

    const ellipsoid = shapeOf(shape, affine, (point) => {
      const [x, y, z] = subtract(point, middle);
      return (x / 28) ** 2 + (y / 12) ** 2 + (z / 18) ** 2 <= 1;
    });
    within(ellipsoid.diameterMm, 56, 'diameter of the ellipsoid');
    if (name === 'oblique') return;
    within(ellipsoid.longAxisMm, 56, 'long axis of the ellipsoid');
    within(ellipsoid.shortAxisMm, 24, 'short axis of the ellipsoid');
  });

  test(`WR-MEA-04 a box along the voxels has its edges and diagonals: ${name}`, () => {
    const mask = maskOf(
      [12, 40, 30],
      (k, row, column) => k >= 3 && k < 8 && row >= 5 && row < 25 && column >= 7 && column < 17,
    );
    const region = measureRegion(volumeOf([12, 40, 30], affine), mask, { shape: true, range: RANGE }).shape!;
    const step = (...index: Shape): Point3 => subtract(applyAffine(affine, index), applyAffine(affine, [0, 0, 0]));
    assert.deepEqual(
      region.box.edges.map((edge) => norm(edge).toFixed(6)),
      [norm(step(5, 0, 0)), norm(step(0, 20, 0)), norm(step(0, 0, 10))].map((edge) => edge.toFixed(6)),
    );
    const longest = Math.max(...[-1, 1].flatMap((a) => [-1, 1].map((b) => norm(step(5, a * 20, b * 10)))));
    within(region.diameterMm, longest, 'diagonal');
    within(region.longAxisMm, norm(step(0, 20, 10)), 'diagonal in the slice');
    assert.ok(region.axesSlice >= 3 && region.axesSlice < 8);
    for (const axis of [0, 1, 2] as const)
      assert.ok(Math.abs(region.box.center[axis] - applyAffine(affine, [5, 14.5, 11.5])[axis]) < 1e-9);
  });
}

test('WR-MEA-04 the short axis is the chord at a right angle to the long one, not the width', () => {
  const { longAxisMm, shortAxisMm } = shapeOf(
    [3, 60, 110],
    AFFINES['isotropic']!,
    ([x, y]) => x >= 5 && x < 105 && y >= 5 && y < 55,
  );
  // a rectangle of 100 by 50: its diagonal, and the chord of 50 · √5 / 2 across it; the width there would be 89.4
  assert.ok(Math.abs(longAxisMm - 111.8) < 1, `${longAxisMm}`);
  assert.ok(Math.abs(shortAxisMm - 55.9) < 1, `${shortAxisMm}`);
});

test('WR-MEA-04 one voxel has the size of one, and nothing has none', () => {
  const { shape, components } = measureRegion(
    volumeOf([3, 3, 3], AFFINES['thick slices']!),
    maskOf([3, 3, 3], (...at) => at.join() === '1,1,1'),
    { shape: true, range: RANGE, components: { minimumVoxels: 1, atMost: 3 } },
  );
  assert.equal(shape!.diameterMm, 5);
  assert.equal(shape!.longAxisMm.toFixed(9), '0.700000000');
  assert.equal(components!.listed[0]!.statistics.voxels, 1);
  const nothing = maskOf([3, 3, 3], () => false);
  assert.deepEqual(
    measureRegion(volumeOf([3, 3, 3], AFFINES['oblique']!), nothing, {
      shape: true,
      range: RANGE,
      components: { minimumVoxels: 1, atMost: 3 },
    }),
    { components: { count: 0, listed: [] } },
  );
});

test('WR-MEA-05 a component has the values, the size and the place of its own voxels', () => {
  const shape: Shape = [6, 8, 20];
  const volume = volumeOf(shape, AFFINES['oblique']!);
  const isLarge: IsInside = (k, row, column) => k < 3 && row < 4 && column < 6;
  const isSmall: IsInside = (k, row, column) => k > 3 && row > 4 && column > 16;
  const mask = maskOf(shape, (...at) => isLarge(...at) || isSmall(...at));
  const expected = [isLarge, isSmall].map((isInside) => {
    const values: number[] = [];
    for (let k = 0; k < shape[0]; k++)
      for (let i = 0; i < 160; i++) {
        const value = ((k * 7 + i * 3) % 21) - 10;
        volume.voxels[k * 160 + i] = value;
        if (isInside(k, Math.floor(i / 20), i % 20)) values.push(value);
      }
    return values;
  });
  const { components } = measureRegion(volume, mask, {
    shape: false,
    range: RANGE,
    components: { minimumVoxels: 1, atMost: 9 },
  });
  assert.deepEqual(
    components!.listed.map(({ statistics: { voxels, sum, sumOfSquares, firstSlice, lastSlice } }) => {
      return { voxels, sum, sumOfSquares, firstSlice, lastSlice };
    }),
    expected.map((values, at) => ({
      voxels: values.length,
      sum: values.reduce((sum, value) => sum + value, 0),
      sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
      firstSlice: at === 0 ? 0 : 4,
      lastSlice: at === 0 ? 2 : 5,
    })),
  );
  const center = applyAffine(volume.affine, [4.5, 6, 18]);
  assert.ok(norm(subtract(components!.listed[1]!.shape.box.center, center)) < 1e-9);
});
