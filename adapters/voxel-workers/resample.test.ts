/** Resampling against a plain float64 loop over the same definition, written without tables, vectors or threads. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ImageHeader, Point3 } from '../../src/arrival/study.ts';
import {
  affineOf,
  applyAffine,
  composeAffine,
  cross,
  invertAffine,
  normalise,
  scale,
} from '../../src/assembly/geometry.ts';
import { type Grid, type IntensityStep, windowStep } from '../../src/assembly/grid.ts';
import { isotropicGrid } from '../../src/assembly/grid-axes.ts';
import { stridesOf } from '../../src/assembly/layout.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import { applied } from '../../src/inference/channel-steps.ts';
import { inputGrid } from '../../src/inference/input-grid.ts';
import { type Random, random } from '../../test/support/random.ts';
import { frameHeader, instance } from '../../test/support/slices.ts';
import { voxelWorkers } from './voxel-workers.ts';

const workers = voxelWorkers();
after(() => workers.close());
const never = new AbortController().signal;

interface Shape {
  readonly shape: readonly [number, number, number];
  readonly perSlice: Point3;
  readonly perRow: Point3;
  readonly perColumn: Point3;
  readonly padding?: { readonly low: number; readonly high: number };
  readonly slope?: (k: number) => number;
}

/** A smooth pattern with noise; slots in random order; every tenth voxel padding where there is any. */
function volumeOf({ shape, perSlice, perRow, perColumn, padding, slope = () => 1 }: Shape, chance: Random): Volume {
  const [slices, rows, columns] = shape;
  const size = rows * columns;
  const buffer = workers.acquire(slices * size * 2);
  const voxels = new Int16Array(buffer, 0, slices * size);
  const slots = chance.shuffled(Array.from({ length: slices }, (_, k) => k));
  for (let k = 0; k < slices; k++) {
    for (let i = 0; i < size; i++) {
      const smooth = 400 * Math.sin(k / 3) + 300 * Math.cos(i / 7);
      const padded = padding !== undefined && (i % 10 === 0 || k === 1);
      voxels[slots[k]! * size + i] = padded
        ? chance.integer(padding.low, padding.high)
        : smooth + chance.between(-200, 200);
    }
  }
  const header: ImageHeader = instance(1, [frameHeader([0, 0, 0], { row: [1, 0, 0], column: [0, 1, 0] })]).header;
  return {
    studyInstanceUid: header.studyInstanceUid,
    seriesInstanceUid: header.seriesInstanceUid,
    frameOfReferenceUid: header.frameOfReferenceUid!,
    modality: 'CT',
    shape,
    affine: affineOf([-31, 17, 240], perSlice, perRow, perColumn),
    spacing: [1, 1, 1],
    voxels,
    slices: slots.map((slot, k) => ({
      sopInstanceUid: header.sopInstanceUid,
      sopClassUid: header.sopClassUid,
      frameNumber: 1,
      imagePositionPatient: [0, 0, 0],
      slot,
      slope: slope(k),
      intercept: -1024 + 3 * k,
    })),
    units: 'HU',
    ...(padding === undefined ? {} : { padding }),
    header,
    notes: [],
  };
}

/** The definition: clamp to the outermost centres within half a voxel of them, fill beyond; padding counts as fill. */
function reference(volume: Volume, grid: Grid, step: IntensityStep): Float64Array {
  const [slices, rows, columns] = volume.shape;
  const toIndex = composeAffine(invertAffine(volume.affine), grid.affine);
  const result = new Float64Array(grid.shape[0] * grid.shape[1] * grid.shape[2]);
  const at = (k: number, r: number, c: number): number => {
    const { slot, slope, intercept } = volume.slices[Math.min(k, slices - 1)]!;
    const stored = volume.voxels[(slot * rows + Math.min(r, rows - 1)) * columns + Math.min(c, columns - 1)]!;
    const { padding } = volume;
    if (padding !== undefined && stored >= padding.low && stored <= padding.high) return step.fill;
    return stored * slope + intercept;
  };
  let out = 0;
  for (let k = 0; k < grid.shape[0]; k++) {
    for (let j = 0; j < grid.shape[1]; j++) {
      for (let i = 0; i < grid.shape[2]; i++) {
        const index = applyAffine(toIndex, [k, j, i]);
        const inside = index.every((x, axis) => x >= -0.5 && x <= volume.shape[axis]! - 0.5);
        let value = step.fill;
        if (inside) {
          const [s, r, c] = index.map((x, axis) => Math.min(Math.max(x, 0), volume.shape[axis]! - 1)) as [
            number,
            number,
            number,
          ];
          const [s0, r0, c0] = [Math.floor(s), Math.floor(r), Math.floor(c)];
          const [ws, wr, wc] = [s - s0, r - r0, c - c0];
          value = 0;
          for (const [ds, dr, dc] of CORNERS) {
            const share = (ds ? ws : 1 - ws) * (dr ? wr : 1 - wr) * (dc ? wc : 1 - wc);
            value += share * at(s0 + ds, r0 + dr, c0 + dc);
          }
        }
        result[out++] =
          step.datatype === 'INT16' ? Math.min(32767, Math.max(-32768, value)) : applied(step.channels[0]!, value);
      }
    }
  }
  return result;
}

const CORNERS = [0, 1].flatMap((s) => [0, 1].flatMap((r) => [0, 1].map((c) => [s, r, c] as const)));

const tilted = normalise([0, 0.9483, -0.3173]);
const u = normalise([0.9542, -0.2081, 0.2151]);
const v = normalise(cross(cross(u, [0.2786, 0.8801, -0.3844]), u));

const shapes: Readonly<Record<string, Shape>> = {
  axial: { shape: [9, 21, 33], perSlice: [0, 0, 2], perRow: [0, 0.7, 0], perColumn: [0.7, 0, 0] },
  anisotropic: { shape: [7, 20, 41], perSlice: [0, 0, 5], perRow: [0, 0.4, 0], perColumn: [0.9, 0, 0] },
  reversed: { shape: [9, 16, 24], perSlice: [0, 0, -1.5], perRow: [0, -0.8, 0], perColumn: [0.8, 0, 0] },
  mirrored: { shape: [6, 15, 17], perSlice: [0, 0, 2], perRow: [0, 1, 0], perColumn: [-1, 0, 0] },
  tilted: { shape: [8, 20, 20], perSlice: [0, 0, 3], perRow: scale(tilted, 0.9), perColumn: [0.9, 0, 0] },
  oblique: { shape: [8, 19, 18], perSlice: scale(cross(u, v), 2.5), perRow: scale(v, 1.1), perColumn: scale(u, 0.8) },
  sagittal: { shape: [10, 16, 14], perSlice: [2, 0, 0], perRow: [0, 0, -1.2], perColumn: [0, 1.2, 0] },
  'one column': { shape: [3, 5, 1], perSlice: [0, 0, 1], perRow: [0, 1, 0], perColumn: [1, 0, 0] },
  padded: {
    shape: [7, 13, 22],
    perSlice: [0, 0, 2],
    perRow: [0, 1, 0],
    perColumn: [1, 0, 0],
    padding: { low: -2500, high: -2000 },
    slope: (k) => 0.5 + k / 10,
  },
  'padded and oblique': {
    shape: [7, 13, 12],
    perSlice: [2, 0, 0],
    perRow: [0, 0, -1],
    perColumn: [0, 1, 0],
    padding: { low: 32000, high: 32767 },
    slope: (k) => 1 + k / 4,
  },
};

const steps: readonly IntensityStep[] = [
  { datatype: 'INT16', fill: -1024 },
  { datatype: 'FP32', channels: [windowStep(-1300, 200)], fill: -2000 },
];

for (const [name, shape] of Object.entries(shapes)) {
  test(`WR-ASM-20 ${name}: INT16 and FP32 equal the float64 loop`, async () => {
    const chance = random(20 + name.length);
    const volume = volumeOf(shape, chance);
    const turned: Grid = {
      shape: [9, 12, 11],
      affine: composeAffine(
        volume.affine,
        affineOf([-0.7, 1.3, 0.4], [0.8, 0.3, 0.2], [-0.2, 1.1, 0.5], [0.1, -0.4, 1.2]),
      ),
      spacing: [1, 1, 1],
    };
    for (const grid of [
      isotropicGrid(volume, 1.3),
      isotropicGrid(volume, 2.1, 4),
      isotropicGrid(volume, 0.6),
      turned,
    ]) {
      for (const step of steps) {
        const result = await workers.resample(volume, grid, step, never);
        const expected = reference(volume, grid, step);
        assert.equal(result.length, expected.length);
        let worst = 0;
        for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(result[i]! - expected[i]!));
        assert.ok(worst <= (step.datatype === 'INT16' ? 0.51 : 1e-4), `${step.datatype}: off by ${worst}`);
        workers.release(result.buffer);
      }
    }
    workers.release(volume.voxels.buffer);
  });
}

const CHANNELS = [
  windowStep(-1300, 200),
  windowStep(-200, 900),
  { ...windowStep(0, 1), low: -Infinity, high: Infinity },
];

for (const layout of ['NCDHW', 'NDHWC', 'NCWHD', 'NHWDC', 'CHWD'] as const) {
  test(`WR-PRE-07 ${layout}: each channel holds its own step, every point where the layout wants it`, async () => {
    const volume = volumeOf(shapes['padded']!, random(7));
    const grid = isotropicGrid(volume, 0.9);
    const [slices, rows, columns] = grid.shape;
    const all = await workers.resample(
      volume,
      grid,
      { datatype: 'FP32', fill: -700, channels: CHANNELS, layout },
      never,
    );
    const strides = stridesOf(layout, grid.shape, CHANNELS.length);
    assert.equal(all.length, slices * rows * columns * CHANNELS.length);
    for (const [c, channel] of CHANNELS.entries()) {
      const alone = await workers.resample(volume, grid, { datatype: 'FP32', fill: -700, channels: [channel] }, never);
      for (let p = 0; p < alone.length; p++) {
        const [k, j, i] = [Math.floor(p / (rows * columns)), Math.floor(p / columns) % rows, p % columns];
        const at = c * strides.channel + k * strides.slice + j * strides.row + i * strides.column;
        if (all[at] !== alone[p]) assert.fail(`channel ${c}, point ${k} ${j} ${i}: ${all[at]}, not ${alone[p]}`);
      }
      workers.release(alone.buffer);
    }
    workers.release(volume.voxels.buffer);
  });
}

test('WR-PRE-07 INT16 in another order of axes', async () => {
  const volume = volumeOf(shapes['oblique']!, random(8));
  const grid = isotropicGrid(volume, 1.1);
  const [slices, rows, columns] = grid.shape;
  const plain = await workers.resample(volume, grid, { datatype: 'INT16', fill: -1024 }, never);
  const turned = await workers.resample(volume, grid, { datatype: 'INT16', fill: -1024, layout: 'NCWHD' }, never);
  assert.ok(turned instanceof Int16Array);
  for (let k = 0; k < slices; k++)
    for (let j = 0; j < rows; j++)
      for (let i = 0; i < columns; i++)
        assert.equal(turned[(i * rows + j) * slices + k], plain[(k * rows + j) * columns + i]);
  workers.release(volume.voxels.buffer);
});

for (const name of ['anisotropic', 'oblique', 'padded'] as const) {
  test(`WR-PRE-08 ${name}: nearest gives the value of the voxel that is nearest`, async () => {
    const volume = volumeOf(shapes[name]!, random(9));
    const [slices, rows, columns] = volume.shape;
    const grid = isotropicGrid(volume, 0.73);
    const step = { datatype: 'INT16', fill: -1024, interpolation: 'nearest' } as const;
    const result = await workers.resample(volume, grid, step, never);
    const toIndex = composeAffine(invertAffine(volume.affine), grid.affine);
    let judged = 0;
    for (let p = 0; p < result.length; p++) {
      const [, height, width] = grid.shape;
      const at = [Math.floor(p / (height * width)), Math.floor(p / width) % height, p % width] as const;
      const index = applyAffine(toIndex, at);
      // at a tie, and at the edge, rounding of the arithmetic decides
      if (index.some((x) => Math.abs(x - Math.floor(x) - 0.5) < 1e-4)) continue;
      const [k, r, c] = index.map((x) => Math.round(x)) as unknown as Point3;
      const inside = k >= 0 && r >= 0 && c >= 0 && k < slices && r < rows && c < columns;
      let expected: number = step.fill;
      if (inside) {
        const { slot, slope, intercept } = volume.slices[k]!;
        const stored = volume.voxels[(slot * rows + r) * columns + c]!;
        const isPadding = volume.padding !== undefined && stored >= volume.padding.low && stored <= volume.padding.high;
        if (!isPadding) expected = stored * slope + intercept;
      }
      judged++;
      assert.ok(Math.abs(result[p]! - expected) <= 0.51, `${index.join(' ')}: ${result[p]}, not ${expected}`);
    }
    assert.ok(judged > result.length / 2);
    workers.release(volume.voxels.buffer);
  });
}

test('WR-PRE-08 sampled slices are slices of the image, unmixed, also under gantry tilt', async () => {
  const volume = volumeOf(shapes['tilted']!, random(10));
  const [, rows, columns] = volume.shape;
  const rule = { orientation: 'as-acquired', spacingMm: 'as-acquired', depth: { kind: 'sample', slices: 4 } } as const;
  const grid = inputGrid(volume, rule);
  const step = { datatype: 'INT16', fill: -1024, interpolation: 'nearest-slice' } as const;
  const result = await workers.resample(volume, grid, step, never);
  const toIndex = composeAffine(invertAffine(volume.affine), grid.affine);
  const [count, height, width] = grid.shape;
  for (const [k, source] of [0, 2, 5, 7].entries()) {
    const { slot, slope, intercept } = volume.slices[source]!;
    const valueAt = (r: number, c: number): number =>
      volume.voxels[(slot * rows + r) * columns + c]! * slope + intercept;
    for (let j = 0; j < height; j++) {
      const r = applyAffine(toIndex, [k, j, 0])[1];
      if (r < 0 || r > rows - 2) continue;
      const [low, share] = [Math.floor(r), r - Math.floor(r)];
      for (let i = 0; i < width; i++) {
        const expected = valueAt(low, i) * (1 - share) + valueAt(low + 1, i) * share;
        assert.ok(Math.abs(result[(k * height + j) * width + i]! - expected) <= 0.51, `slice ${k} row ${j}`);
      }
    }
  }
  assert.equal(count, 4);
  workers.release(volume.voxels.buffer);
});
