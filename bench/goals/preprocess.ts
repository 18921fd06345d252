/** PRE: from the volume in memory to a model's input, against SimpleITK in Python and against copying the same bytes. */
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { originOf } from '../../src/assembly/geometry.ts';
import { type Grid, type IntensityStep, windowStep } from '../../src/assembly/grid.ts';
import { isotropicGrid } from '../../src/assembly/grid-axes.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { timed } from '../harness/processor-time.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { type SimpleItkJob, simpleItkMissing, startSimpleItk } from '../native/simpleitk.ts';
import { INPUT_SPACING_MM, never, Product } from '../product.ts';
import { TOLERANCE } from '../reference.ts';
import { cacheFolder } from '../study/stored-form.ts';

/** As many as the voxel workers have. */
const THREADS = 2;
const FILL = -1024;
type Windows = readonly (readonly [low: number, high: number])[];

/** One window of the lung; and three windows of a CT, one channel each, as vision models read them. */
const INPUTS: Readonly<Record<'one window' | 'three windows', Windows>> = {
  'one window': [[-1000, 400]],
  'three windows': [
    [-1024, 1024],
    [-135, 215],
    [0, 80],
  ],
};

export async function preprocess({ bench, replay }: Context): Promise<void> {
  await using product = new Product();
  const { studyInstanceUid, series } = replay.phantom;
  const volume = await product.volume(await Product.archive(replay.url, studyInstanceUid), studyInstanceUid, series);
  for (const [name, windows] of Object.entries(INPUTS)) await compare(bench, product, volume, name, windows);
}

async function compare(
  bench: Context['bench'],
  product: Product,
  volume: Volume,
  name: string,
  windows: Windows,
): Promise<void> {
  const lines = { itk: `SimpleITK, ${name}`, own: `voxel workers, ${name}`, copy: `memcpy of voxels and ${name}` };
  const over =
    (line: string): Question['measure'] =>
    (samples) =>
      samples[lines.own]!.wallMs / samples[line]!.wallMs;
  const asked: Question = {
    goal: 'PRE',
    title: `volume to ${name} / SimpleITK`,
    target: { kind: 'at-most', value: 1 },
    unit: 'ratio',
    measure: over(lines.itk),
  };
  const bandwidth: Question = {
    goal: 'PRE',
    title: `volume to ${name} / copying voxels and result once, one thread`,
    target: { kind: 'none' },
    unit: 'ratio',
    measure: over(lines.copy),
  };
  const missing = simpleItkMissing();
  if (missing !== undefined) return bench.add(unanswered(asked, 'limit-missing', missing));
  const grid = isotropicGrid(volume, INPUT_SPACING_MM);
  const channels = windows.map(([low, high]) => windowStep(low, high));
  const step: IntensityStep = { datatype: 'FP32', channels, fill: FILL, layout: 'NCDHW' };
  const files = { voxels: join(cacheFolder(), 'pre-voxels.raw'), result: join(cacheFolder(), 'pre-result.raw') };
  try {
    writeHounsfield(files.voxels, volume);
    await using itk = await startSimpleItk(jobOf(files, volume, grid, windows));
    const input = await product.voxels.resample(volume, grid, step, never);
    const fault = difference(input, await readFile(files.result));
    const copies = [volume.voxels, input].map((values) => ({ from: values, to: values.slice() }));
    product.voxels.release(input.buffer);
    if (fault !== undefined) return bench.add(unanswered(asked, 'unequal', fault));
    const prepare = async (): Promise<void> => {
      product.voxels.release((await product.voxels.resample(volume, grid, step, never)).buffer);
    };
    const copy = async (): Promise<void> => {
      for (const { from, to } of copies) to.set(from);
    };
    const measured: readonly Line[] = [
      { name: lines.itk, role: 'limit', run: () => itk.run() },
      { name: lines.own, role: 'product', run: () => timed(prepare) },
      { name: lines.copy, role: 'part', run: () => timed(copy) },
    ];
    await bench.compare([asked, bandwidth], measured);
  } finally {
    for (const file of Object.values(files)) rmSync(file, { force: true });
  }
}

/** In the order of the slices. */
function writeHounsfield(file: string, volume: Volume): void {
  writeFileSync(file, '');
  for (let k = 0; k < volume.shape[0]; k++) {
    const { slope, intercept } = volume.slices[k]!;
    const values = sliceVoxels(volume, k).map((stored) => stored * slope + intercept);
    writeFileSync(file, Buffer.from(values.buffer, values.byteOffset, values.byteLength), { flag: 'a' });
  }
}

/** The phantom is axial and not turned: axes of volume and grid are those of the patient. */
function jobOf(
  files: Pick<SimpleItkJob, 'voxels' | 'result'>,
  volume: Volume,
  grid: Grid,
  windows: Windows,
): SimpleItkJob {
  return {
    ...files,
    threads: THREADS,
    shape: volume.shape,
    spacing: volume.spacing.toReversed(),
    origin: originOf(volume.affine),
    gridSize: grid.shape.toReversed(),
    gridSpacing: grid.spacing.toReversed(),
    gridOrigin: originOf(grid.affine),
    fill: FILL,
    windows,
  };
}

function difference(own: ArrayLike<number>, bytes: Buffer): string | undefined {
  const other = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (own.length !== other.length) return `SimpleITK gives ${other.length} values, the product ${own.length}`;
  let worst = 0;
  for (let i = 0; i < own.length; i++) {
    const away = Math.abs(own[i]! - other[i]!);
    // Written so that NaN is the largest difference of all.
    if (!(away <= worst)) worst = away;
  }
  return worst < TOLERANCE ? undefined : `a value is ${worst} off that of SimpleITK`;
}
