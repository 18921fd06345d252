/**
 * Resampling against SimpleITK and scipy, which nothing here is taken from: oblique, tilted and anisotropic volumes, made
 * and real. Of the real axial and oblique series SimpleITK reads the files itself.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { Series } from '../../src/arrival/study.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import { volumeBuilder } from '../../src/assembly/volume-builder.ts';
import { type GridRule, inputGrid } from '../../src/inference/input-grid.ts';
import { placeFiles } from '../support/assemble-series.ts';
import { random } from '../support/random.ts';
import { compareResampling, withoutReferenceImaging } from '../support/reference-imaging.ts';
import { OBLIQUE, type SampleVolumeOptions, sampleVolume } from '../support/sample-report.ts';
import { dataPath, truth, withoutTestData } from '../support/test-data.ts';

/**
 * Units, over every point of the grid: HU of CT, stored values of MR. The product works in FP32 from INT16, where the
 * references work in FP64: of values of some thousands that is three times what rounding leaves.
 */
const TOLERANCE = 0.001;
const never = new AbortController().signal;
const workers = voxelWorkers();
const decoder = new ThreadedFrameDecoder();
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'wetread-resampling-'));
});
after(async () => {
  rmSync(folder, { recursive: true });
  await decoder.close();
  await workers.close();
});

/** Values in units, slice by slice; what is padding is `fill`. */
function values(volume: Volume, fill: number): Float32Array {
  const [slices, rows, columns] = volume.shape;
  const all = new Float32Array(slices * rows * columns);
  const { low, high } = volume.padding ?? { low: 1, high: 0 };
  for (let k = 0; k < slices; k++) {
    const { slope, intercept } = volume.slices[k]!;
    const at = k * rows * columns;
    for (const [i, stored] of sliceVoxels(volume, k).entries())
      all[at + i] = stored >= low && stored <= high ? fill : stored * slope + intercept;
  }
  return all;
}

async function compare(
  volume: Volume,
  rule: GridRule,
  interpolation: 'linear' | 'nearest',
  files?: readonly string[],
): Promise<void> {
  const fill = -1024;
  const grid = inputGrid(volume, rule);
  const channel = { low: -Infinity, high: Infinity, origin: 0, factor: 1, base: 0 };
  const step = { datatype: 'FP32', fill, channels: [channel], interpolation } as const;
  const result = await workers.resample(volume, grid, step, never);
  const paths = {
    volume: join(folder, 'volume.raw'),
    result: join(folder, 'result.raw'),
    job: join(folder, 'job.json'),
  };
  writeFileSync(paths.volume, values(volume, fill));
  writeFileSync(paths.result, result);
  workers.release(result.buffer);
  const { shape, affine } = volume;
  const job = { shape, affine, gridShape: grid.shape, gridAffine: grid.affine, fill, interpolation, ...paths };
  writeFileSync(paths.job, JSON.stringify(files === undefined ? job : { ...job, files }));
  const verdict = await compareResampling(paths.job);
  assert.ok(verdict.judged > 0.3 && verdict.inside > 0.3, JSON.stringify(verdict));
  for (const reference of ['simpleitk', 'scipy'] as const)
    assert.ok(verdict[reference] < TOLERANCE, `${reference}: ${verdict[reference]} off`);
}

/** A pattern with noise, in memory that the workers read. */
function noisy(options: SampleVolumeOptions): Volume {
  const sample = sampleVolume(options);
  const chance = random(21);
  const voxels = new Int16Array(workers.acquire(sample.voxels.byteLength), 0, sample.voxels.length);
  for (let i = 0; i < voxels.length; i++) voxels[i] = 1000 + 600 * Math.sin(i / 50) + chance.between(-400, 400);
  return { ...sample, voxels };
}

const SPACE = { shape: [31, 60, 52], origin: [-31.3, 12.7, -402.9] } as const;
const MADE: Readonly<Record<string, SampleVolumeOptions>> = {
  axial: { ...SPACE, spacing: [2, 0.9, 0.9] },
  anisotropic: { ...SPACE, spacing: [6, 0.4, 1.3] },
  oblique: { ...SPACE, spacing: [2.5, 0.8, 1.1], orientation: OBLIQUE },
  tilted: { ...SPACE, spacing: [3, 0.9, 0.9], shear: 1.2 },
  'oblique and tilted': { ...SPACE, spacing: [3, 0.9, 1.2], orientation: OBLIQUE, shear: -0.9 },
};
const GRIDS: Readonly<Record<string, GridRule>> = {
  'LPS 1.5 mm': { orientation: 'LPS', spacingMm: 1.5 },
  'RAS by axis, padded': { orientation: 'RAS', spacingMm: [3, 1, 0.7], multipleOf: [16, 16, 16] },
  'a shape': { orientation: 'LPS', shape: [24, 48, 40] },
};
for (const [where, options] of Object.entries(MADE)) {
  for (const [how, rule] of Object.entries(GRIDS)) {
    test(`WR-PRE-13 ${where} to ${how}`, { skip: withoutReferenceImaging() }, async () => {
      const volume = noisy(options);
      await compare(volume, rule, 'linear');
      await compare(volume, rule, 'nearest');
      workers.release(volume.voxels.buffer);
    });
  }
}

/** Folder, instances that are read, and whether SimpleITK reads the files too: of a tilted series it leaves the tilt out. */
const REAL: readonly (readonly [string, number, boolean])[] = [
  ['ct-chest-nlst', 143, true],
  ['mr-brain-ge-oblique', 20, true],
  ['ct-head-ge-tilt', 14, false],
];
for (const [name, count, reads] of REAL) {
  const skip = withoutTestData === false ? withoutReferenceImaging() : withoutTestData;
  test(`WR-PRE-14 ${name} to 2 mm`, { skip }, async () => {
    const series = truth().folders[name]!.series.filter(({ modality }) => modality === 'CT' || modality === 'MR')[0]!;
    const instances = series.instances.filter(({ opens }) => opens).slice(0, count);
    const announced = { ...series, instances: instances.map(({ sop }) => ({ sopInstanceUid: sop, sopClassUid: '' })) };
    const builder = volumeBuilder(announced as unknown as Series, workers.acquire, workers.release);
    const paths = new Map(instances.map(({ sop, file }) => [sop as string, dataPath(name, file)]));
    await placeFiles(builder, [...paths.values()], decoder);
    const { volume } = builder.finish();
    assert.ok(volume !== undefined);
    const files = volume.slices.map(({ sopInstanceUid }) => paths.get(sopInstanceUid)!);
    for (const rule of [
      { orientation: 'LPS', spacingMm: 2 },
      { orientation: 'RAS', spacingMm: [2.5, 1.5, 1.5] },
    ] as const satisfies readonly GridRule[])
      await compare(volume, rule, 'linear', reads && volume.padding === undefined ? files : undefined);
    workers.release(volume.voxels.buffer);
  });
}
