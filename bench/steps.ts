/**
 * Where a step of preparing a model's input, or of reading its scores, is done best: the same work in several places,
 * CPU time of this process. `node bench/steps.ts`. What was decided by it: docs/decisions/0020-preparing-volumes.md.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder } from '../adapters/onnx-writer/graph-builder.ts';
import { elementTypeNumber, floats } from '../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../adapters/onnx-writer/write-model.ts';
import { openSession } from '../adapters/onnxruntime/session.ts';
import { type ClosableVoxelWorkers, voxelWorkers } from '../adapters/voxel-workers/voxel-workers.ts';
import { affineOf } from '../src/assembly/geometry.ts';
import { type Grid, type IntensityStep, windowStep } from '../src/assembly/grid.ts';
import { isotropicGrid } from '../src/assembly/grid-axes.ts';
import type { Volume } from '../src/assembly/volume.ts';
import { type ClassScores, labelSlices } from '../src/inference/label-scores.ts';
import type { Tensor } from '../src/inference/tensor.ts';
import { sampleVolume } from '../test/support/sample-report.ts';
import { timed } from './harness/processor-time.ts';
import { median } from './harness/statistics.ts';

const ROUNDS = 7;
const never = new AbortController().signal;

/** Best wall and median CPU time of some runs after one that warms up. */
async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  await work();
  const samples = [];
  for (let round = 0; round < ROUNDS; round++) samples.push(await timed(work));
  const wall = Math.min(...samples.map(({ wallMs }) => wallMs));
  const cpu = median(samples.map(({ cpuMs }) => cpuMs));
  process.stdout.write(`| ${name} | ${wall.toFixed(0)} | ${cpu.toFixed(0)} |\n`);
}

/** 150 slices of 512 × 512, 2 mm by 0.78 mm. */
function chest(workers: ClosableVoxelWorkers): Volume {
  const sample = sampleVolume({ shape: [150, 512, 512], spacing: [2, 0.78, 0.78] });
  const voxels = new Int16Array(workers.acquire(sample.voxels.byteLength), 0, sample.voxels.length);
  for (let i = 0; i < voxels.length; i++) voxels[i] = (i * 7919) % 2000;
  return { ...sample, voxels };
}

/** The same points in another order of axes: resampled onto directly instead of written there. */
function turned({ shape, affine: a, spacing }: Grid): Grid {
  return {
    shape: [shape[2], shape[1], shape[0]],
    affine: affineOf([a[3], a[7], a[11]], [a[2], a[6], a[10]], [a[1], a[5], a[9]], [a[0], a[4], a[8]]),
    spacing: [spacing[2], spacing[1], spacing[0]],
  };
}

async function preparing(workers: ClosableVoxelWorkers): Promise<void> {
  const volume = chest(workers);
  const grid = isotropicGrid(volume, 1.5);
  const windows = [windowStep(-1024, 1024), windowStep(-135, 215), windowStep(0, 80)];
  const run = async (step: IntensityStep, onto = grid): Promise<void> => {
    workers.release((await workers.resample(volume, onto, step, never)).buffer);
  };
  const one = { datatype: 'FP32', fill: -1024, channels: windows.slice(0, 1) } as const;
  process.stdout.write(`${volume.shape.join(' × ')} to ${grid.shape.join(' × ')}\n`);
  await measure('one window, DHW', () => run(one));
  await measure('one window, NCWHD, written there', () => run({ ...one, layout: 'NCWHD' }));
  await measure('one window, NCWHD, resampled onto turned axes', () => run(one, turned(grid)));
  await measure('three windows, NCDHW, one pass', () => run({ ...one, channels: windows, layout: 'NCDHW' }));
  await measure('three windows, NDHWC, one pass', () => run({ ...one, channels: windows, layout: 'NDHWC' }));
  await measure('three windows, three passes', async () => {
    for (const channel of windows) await run({ ...one, channels: [channel] });
  });
  await measure('values counted', () => workers.count(volume, never));
  await inGraph('one window, in the graph: Cast, Resize, Clip', resizeGraph(volume, grid), [
    { name: 'volume', datatype: 'INT16', shape: [1, 1, ...volume.shape], data: volume.voxels },
  ]);
  workers.release(volume.voxels.buffer);
}

function resizeGraph(volume: Volume, grid: Grid): Uint8Array {
  const graph = new GraphBuilder('resize');
  const image = graph.input('volume', 'INT16', [1, 1, ...volume.shape]);
  const values = graph.node('Cast', [image], { to: elementTypeNumber('FLOAT') });
  const scales = grid.shape.map((size, axis) => size / volume.shape[axis]!);
  const resized = graph.node('Resize', [values, undefined, graph.constant(floats([1, 1, ...scales]))], {
    mode: 'linear',
  });
  const ends = [0, 2048].map((end) => graph.constant(floats([end], [])));
  const clipped = graph.node('Clip', [resized, ...ends]);
  graph.output(graph.node('Div', [clipped, graph.constant(floats([2048], []))]), 'FLOAT', undefined, 'out');
  return writeModel(graph, FACTS);
}

const FACTS = { opset: 18, producerName: 'wetread', producerVersion: '1.0.0', description: 'a step' };

async function inGraph(name: string, bytes: Uint8Array, inputs: readonly Tensor[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-steps-'));
  const path = join(folder, 'step.onnx');
  writeFileSync(path, bytes);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const session = await openSession({ path, digest }, ['cpu'], 2);
  await measure(name, () => session.run(inputs, ['out']));
  await session.release();
  rmSync(folder, { recursive: true });
}

const CLASSES = 14;
const SIDE = 160;

/** 14 classes at 160 × 160 × 160, channels first and last. */
async function labelling(workers: ClosableVoxelWorkers): Promise<void> {
  const shape = [SIDE, SIDE, SIDE] as const;
  const points = SIDE ** 3;
  const data = new Float32Array(new SharedArrayBuffer(points * CLASSES * 4));
  for (let i = 0; i < data.length; i++) data[i] = (i * 7919) % 1009;
  const grid = { ...isotropicGrid(sampleVolume(), 1), shape };
  const first = { channel: points, slice: SIDE ** 2, row: SIDE, column: 1 };
  const last = { channel: 1, slice: SIDE ** 2 * CLASSES, row: SIDE * CLASSES, column: CLASSES };
  const scores: ClassScores = { grid, data, channels: CLASSES, strides: first, choice: { kind: 'highest' } };
  process.stdout.write(`${CLASSES} classes, ${shape.join(' × ')}\n`);
  await measure('highest score, two workers, NCDHW', () => workers.label(scores, never));
  await measure('highest score, two workers, NDHWC', () => workers.label({ ...scores, strides: last }, never));
  const labels = new Uint8Array(points);
  await measure('highest score, this thread, NCDHW', async () => labelSlices(scores, 0, SIDE, [labels]));
  const graph = new GraphBuilder('highest');
  const input = graph.input('scores', 'FLOAT', [1, CLASSES, ...shape]);
  const highest = graph.node('ArgMax', [input], { axis: 1, keepdims: 0 });
  graph.output(graph.node('Cast', [highest], { to: elementTypeNumber('UINT8') }), 'UINT8', undefined, 'out');
  await inGraph('highest score, in the graph: ArgMax, Cast', writeModel(graph, FACTS), [
    { name: 'scores', datatype: 'FP32', shape: [1, CLASSES, ...shape], data },
  ]);
  const flat = new Float32Array(SIDE).fill(1);
  const weights = { slice: flat, row: flat, column: flat };
  const sum = { data: new Float32Array(new SharedArrayBuffer(data.byteLength)), shape };
  const window = { data, channels: CLASSES, strides: first, shape, weights };
  await measure('one window added, two workers', () => workers.addWindow(window, sum, [0, 0, 0], never));
  const copy = new Float32Array(data.length);
  await measure('scores copied once, this thread', async () => copy.set(data));
}

const workers = voxelWorkers();
process.stdout.write('| step | wall ms, best | CPU ms, median |\n|---|---|---|\n');
await preparing(workers);
await labelling(workers);
await workers.close();
