import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Point3 } from '../../src/arrival/study.ts';
import { add, applyAffine, cross, norm, normalise, scale, subtract } from '../../src/assembly/geometry.ts';
import { windowStep } from '../../src/assembly/grid.ts';
import { isotropicGrid } from '../../src/assembly/grid-axes.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import { volumeBuilder } from '../../src/assembly/volume-builder.ts';
import { code } from '../../src/codes.ts';
import type { CoarseLabels, RefineRule } from '../../src/inference/model-package.ts';
import { refineSlices } from '../../src/inference/refine.ts';
import type { Mask } from '../../src/inference/regions/mask-runs.ts';
import { measureRegion, type RegionRule } from '../../src/inference/regions/measure-regions.ts';
import { random } from '../../test/support/random.ts';
import { assembleAll, type StackShape, seriesOf, stack } from '../../test/support/slices.ts';
import { voxelWorkers } from './voxel-workers.ts';

const workers = voxelWorkers();
after(() => workers.close());
const never = new AbortController().signal;

function volumeOf(shape: StackShape): Volume {
  const instances = stack(shape);
  const built = assembleAll(volumeBuilder(seriesOf(instances), workers.acquire, workers.release), instances);
  assert.ok(built.volume !== undefined, built.skipped?.detail);
  return built.volume;
}

test('WR-ASM-24 a mark at known mm comes back within half a voxel through grid and resampling', async () => {
  for (let seed = 0; seed < 25; seed++) {
    const chance = random(seed);
    const row = normalise([chance.between(-1, 1), chance.between(-1, 1), chance.between(-1, 1)]);
    const column = normalise(cross(cross(row, [chance.between(-1, 1), chance.between(-1, 1), 1]), row));
    const shear = scale(column, chance.pick([0, chance.between(-0.5, 0.5)]));
    const distance = chance.between(0.8, 3) * chance.pick([-1, 1]);
    const step = scale(add(cross(row, column), shear), distance);
    const origin: Point3 = [chance.between(-200, 200), chance.between(-200, 200), chance.between(-200, 200)];
    const pixelSpacing = [chance.between(0.6, 1.4), chance.between(0.6, 1.4)] as const;
    const centre: Point3 = add(
      add(add(origin, scale(step, 8)), scale(column, 12 * pixelSpacing[0])),
      scale(row, 14 * pixelSpacing[1]),
    );
    const volume = volumeOf({
      slices: 17,
      origin,
      row,
      column,
      step,
      header: { rows: 25, columns: 29 },
      frame: { pixelSpacing, rescaleIntercept: -1000 },
      // a ball of 5 mm around the centre, so that its middle can be told to a fraction of a voxel
      pixels: (k) => (r, c) => {
        const at = add(
          add(add(origin, scale(step, k)), scale(column, r * pixelSpacing[0])),
          scale(row, c * pixelSpacing[1]),
        );
        return norm(subtract(at, centre)) < 5 ? 1000 : 0;
      },
    });
    const grid = isotropicGrid(volume, 1);
    const values = await workers.resample(
      volume,
      grid,
      { datatype: 'FP32', channels: [windowStep(-1000, 0)], fill: -1000 },
      never,
    );
    let [sum, middle]: [number, Point3] = [0, [0, 0, 0]];
    const [, rows, columns] = grid.shape;
    for (const [i, value] of values.entries()) {
      if (value === 0) continue;
      const index: Point3 = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
      middle = add(middle, scale(index, value));
      sum += value;
    }
    const off = norm(subtract(applyAffine(grid.affine, scale(middle, 1 / sum)), centre));
    assert.ok(off < 0.5 * Math.min(1, Math.abs(distance), ...pixelSpacing), `seed ${seed}: ${off} mm off`);
    workers.release(volume.voxels.buffer);
  }
});

test('WR-ASM-25 results side by side keep their values until they are released', async () => {
  const volume = volumeOf({ slices: 5, step: [0, 0, 2] });
  const grid = isotropicGrid(volume, 1);
  const step = { datatype: 'INT16', fill: -5 } as const;
  const [one, two] = await Promise.all([
    workers.resample(volume, grid, step, never),
    workers.resample(volume, grid, step, never),
  ]);
  const kept = [...one];
  assert.notEqual(one.byteOffset, two.byteOffset);
  two.fill(77);
  assert.deepEqual([...one], kept);
  workers.release(one.buffer);
  const three = await workers.resample(volume, grid, step, never);
  assert.deepEqual([...three], kept);
  assert.equal(two[0], 77);
  workers.release(volume.voxels.buffer);
});

test('WR-ASM-25 an aborted resampling is rejected and leaves the pool usable', async () => {
  const volume = volumeOf({ slices: 5, step: [0, 0, 2] });
  const grid = isotropicGrid(volume, 0.2);
  const step = { datatype: 'INT16', fill: 0 } as const;
  const controller = new AbortController();
  const running = workers.resample(volume, grid, step, controller.signal);
  controller.abort();
  await assert.rejects(running, { code: 'timeout' });
  assert.ok((await workers.resample(volume, grid, step, never)).length > 0);
  workers.release(volume.voxels.buffer);
});

test('WR-ASM-25 voxels outside the pool are refused', async () => {
  const volume = volumeOf({ slices: 5, step: [0, 0, 2] });
  const copy = new Int16Array(new SharedArrayBuffer(volume.voxels.byteLength));
  copy.set(volume.voxels);
  await assert.rejects(
    workers.resample({ ...volume, voxels: copy }, isotropicGrid(volume, 1), { datatype: 'INT16', fill: 0 }, never),
    { code: 'internal' },
  );
});

test('WR-ASM-26 refining in threads gives what one thread gives', async () => {
  const chance = random(26);
  const volume = volumeOf({
    slices: 21,
    step: [0, 0, 2],
    header: { rows: 9, columns: 11 },
    pixels: () => () => chance.integer(-1000, 100),
  });
  const grid = isotropicGrid(volume, 2);
  const count = grid.shape[0] * grid.shape[1] * grid.shape[2];
  const labels: CoarseLabels = { grid, labels: new Uint8Array(new SharedArrayBuffer(count)) };
  for (let i = 0; i < count; i++) labels.labels[i] = chance.integer(0, 2);
  const kind = code('1', 'SCT', 'Something');
  const rule: RefineRule = {
    segments: [1, 2].map((label) => ({
      label,
      number: label,
      key: `part-${label}`,
      title: `Part ${label}`,
      category: kind,
      type: kind,
      color: [1, 2, 3],
    })),
    range: { low: -900, high: 0 },
  };
  const { segmentation, statistics } = await workers.refine(volume, labels, rule, never);
  const expected = refineSlices(volume, labels, rule, 0, 21);
  assert.equal(segmentation.bytesPerSlice, 13);
  segmentation.segments.forEach(({ bits, label, key, number }, i) => {
    assert.deepEqual([label, key, number], [`Part ${i + 1}`, `part-${i + 1}`, i + 1]);
    assert.deepEqual(bits, expected.bits[i]);
    for (const name of ['voxels', 'sum', 'largestSlice', 'firstSlice', 'lastSlice'] as const) {
      assert.equal(statistics[i]![name], expected.statistics[i]![name], name);
    }
    assert.deepEqual(statistics[i]!.histogram, expected.statistics[i]!.histogram);
    assert.ok(statistics[i]!.voxels > 100);
  });
  workers.release(volume.voxels.buffer);
});

test('WR-MEA-08 regions are measured in a worker as they are in this thread, from one segment or several', async () => {
  const chance = random(8);
  const volume = volumeOf({
    slices: 9,
    step: [0, 0.4, 2],
    header: { rows: 15, columns: 21 },
    pixels: () => () => chance.integer(-1000, 100),
  });
  const bytesPerSlice = Math.ceil((15 * 21) / 8);
  const kind = code('1', 'SCT', 'Something');
  const segments = [1, 2].map((number) => {
    const bits = new Uint8Array(9 * bytesPerSlice);
    for (let i = 0; i < bits.length; i++) bits[i] = chance.integer(0, 255) & chance.integer(0, 255);
    // what lies behind the last voxel of a slice is no voxel
    for (let k = 0; k < 9; k++) bits[(k + 1) * bytesPerSlice - 1]! &= 0b111;
    return {
      number,
      key: `part-${number}`,
      label: 'Part',
      category: kind,
      type: kind,
      color: [1, 2, 3] as const,
      bits,
    };
  });
  const range = { low: -1000, high: 100 };
  const components = { minimumVoxels: 1, atMost: 5 };
  const rules: RegionRule[] = [
    { segments: [1], shape: true, range },
    { segments: [2], shape: false, range },
    { segments: [1, 2], shape: true, components, range },
  ];
  const measured = await workers.measureRegions({ source: volume, bytesPerSlice, segments }, rules, never);
  const maskOf = (numbers: readonly number[]): Mask => {
    const parts = segments.filter(({ number }) => numbers.includes(number)).map(({ bits }) => bits);
    return { shape: volume.shape, bytesPerSlice, parts };
  };
  assert.deepEqual(
    measured,
    rules.map((rule) => measureRegion(volume, maskOf(rule.segments), rule)),
  );
  assert.ok(measured[2]!.components!.count > 0);
  workers.release(volume.voxels.buffer);
});
