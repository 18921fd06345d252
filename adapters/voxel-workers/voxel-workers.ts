/**
 * Work over whole volumes in worker threads, on shared memory: implements {@link VoxelWorkers}.
 *
 * Voxels live in shared WebAssembly memory (shared-memory.ts), so resampling reads INT16 in place, and writes the
 * model's input in place: no copy of the volume, no float volume. The kernel is AssemblyScript with 128-bit SIMD
 * (kernel/resample.ts). Copying each result slice out of a worker's own memory instead took 1.4 times as long.
 */
import { availableParallelism } from 'node:os';
import type { Grid, IntensityStep } from '../../src/assembly/grid.ts';
import type { MaskSource } from '../../src/assembly/image-plane.ts';
import type { Segmentation } from '../../src/assembly/segmentation.ts';
import type { Raster, Volume } from '../../src/assembly/volume.ts';
import { WetreadError } from '../../src/errors.ts';
import { type ClassScores, mapsOf } from '../../src/inference/label-scores.ts';
import type { CoarseLabels, RefineRule, SegmentStatistics } from '../../src/inference/model-package.ts';
import type { RefinedSlices, RefineVolume } from '../../src/inference/refine.ts';
import type { Mask } from '../../src/inference/regions/mask-runs.ts';
import { asksForMore, type MeasuredRegion, type RegionRule } from '../../src/inference/regions/measure-regions.ts';
import { mergeStatistics } from '../../src/inference/segment-counter.ts';
import type { ScoreSum, WindowPlace, WindowScores } from '../../src/inference/sliding-window.ts';
import { type StoredCounts, type ValueCounts, valueCounts } from '../../src/inference/value-counts.ts';
import type { VoxelWorkers } from '../../src/ports.ts';
import { bytesPerValue, workAreaBytes } from './kernel.ts';
import { channelsOf, resamplePlan } from './resample-plan.ts';
import { SharedMemoryPool } from './shared-memory.ts';
import type { VoxelTask } from './worker.ts';
import { WorkerPool } from './worker-pool.ts';

export interface VoxelWorkersOptions {
  /** Threads; two by default, one where the machine has one core. */
  readonly threads?: number;
  /** Shared memories that are kept between studies: as many as studies are read at once, two by default. */
  readonly maximumIdle?: number;
}

export interface ClosableVoxelWorkers extends VoxelWorkers {
  /** Ends the threads; calls that are running are rejected. */
  close(): Promise<void>;
}

const DEFAULT_THREADS = 2;
const DEFAULT_IDLE = 2;
/** More tasks than threads, so that a thread that is held up by others on the machine gets fewer of them. */
const TASKS_PER_THREAD = 4;

/** The script beside this one, in the form that this one has: TypeScript in development, JavaScript when built. */
const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export function voxelWorkers(options: VoxelWorkersOptions = {}): ClosableVoxelWorkers {
  const threads = options.threads ?? Math.min(DEFAULT_THREADS, availableParallelism());
  const memory = new SharedMemoryPool(options.maximumIdle ?? DEFAULT_IDLE);
  const workers = new WorkerPool(SCRIPT, threads);
  const runAll = (tasks: readonly VoxelTask[], signal: AbortSignal): Promise<readonly unknown[]> =>
    workers.runAll(tasks, signal);
  const rangesOf = (slices: number): readonly Range[] => ranges(slices, threads * TASKS_PER_THREAD);
  return {
    acquire: (byteLength) => memory.acquire(byteLength),
    release: (buffer) => memory.release(buffer),
    resample: (volume, grid, step, signal) => resample({ memory, runAll, rangesOf }, volume, grid, step, signal),
    count: (volume, signal) => count({ memory, runAll, rangesOf }, volume, signal),
    label: (scores, signal) => label({ memory, runAll, rangesOf }, scores, signal),
    addWindow: (window, sum, place, signal) => add({ memory, runAll, rangesOf }, window, sum, place, signal),
    refine: (source, labels, rule, signal) => refine({ memory, runAll, rangesOf }, source, labels, rule, signal),
    measureRegions: (segmentation, rules, signal) => measureRegions(runAll, segmentation, rules, signal),
    close: () => workers.close(),
  };
}

interface Range {
  /** First slice, and the one behind the last. */
  readonly first: number;
  readonly last: number;
}

interface Means {
  readonly memory: SharedMemoryPool;
  readonly runAll: (tasks: readonly VoxelTask[], signal: AbortSignal) => Promise<readonly unknown[]>;
  readonly rangesOf: (slices: number) => readonly Range[];
}

function ranges(slices: number, count: number): readonly Range[] {
  const size = Math.max(1, Math.ceil(slices / count));
  return Array.from({ length: Math.ceil(slices / size) }, (_, k) => ({
    first: k * size,
    last: Math.min((k + 1) * size, slices),
  }));
}

/** The result lies behind the volume: it is valid until its own buffer or the volume's is released. */
async function resample(
  { memory, runAll, rangesOf }: Means,
  volume: Volume,
  grid: Grid,
  step: IntensityStep,
  signal: AbortSignal,
): Promise<Int16Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>> {
  const plan = resamplePlan(volume, grid, step);
  const count = grid.shape[0] * grid.shape[1] * grid.shape[2] * channelsOf(step);
  const result = memory.extend(volume.voxels.buffer, count * bytesPerValue(plan));
  const tasks = rangesOf(grid.shape[0]);
  const area = workAreaBytes(plan);
  const work = memory.extend(volume.voxels.buffer, area * tasks.length);
  try {
    await runAll(
      tasks.map((range, k) => ({
        kind: 'resample',
        memory: result.memory,
        plan,
        ...range,
        result: result.offset,
        work: work.offset + k * area,
      })),
      signal,
    );
  } catch (error) {
    memory.release(result.buffer);
    throw error;
  } finally {
    memory.release(work.buffer);
  }
  return step.datatype === 'INT16'
    ? new Int16Array(result.buffer, result.offset, count)
    : new Float32Array(result.buffer, result.offset, count);
}

async function count({ runAll, rangesOf }: Means, volume: Volume, signal: AbortSignal): Promise<ValueCounts> {
  const read = readable(volume);
  const parts = (await runAll(
    rangesOf(volume.shape[0]).map((range) => ({ kind: 'count', volume: read, ...range })),
    signal,
  )) as readonly (readonly StoredCounts[])[];
  return valueCounts(parts.flat());
}

async function label(
  { runAll, rangesOf }: Means,
  scores: ClassScores,
  signal: AbortSignal,
): Promise<readonly CoarseLabels[]> {
  const { grid } = scores;
  const points = grid.shape[0] * grid.shape[1] * grid.shape[2];
  const maps = Array.from({ length: mapsOf(scores) }, () => new Uint8Array(new SharedArrayBuffer(points)));
  const read = { ...scores, data: shared(scores.data) };
  const sound = await runAll(
    rangesOf(grid.shape[0]).map((range) => ({ kind: 'label', scores: read, maps, ...range })),
    signal,
  );
  if (sound.includes(false))
    throw new WetreadError('inference-failed', 'The answer of the model holds a score that is no number');
  return maps.map((labels) => ({ grid, labels }));
}

async function add(
  { runAll, rangesOf }: Means,
  window: WindowScores,
  sum: ScoreSum,
  place: WindowPlace,
  signal: AbortSignal,
): Promise<void> {
  const read = { ...window, data: shared(window.data) };
  await runAll(
    rangesOf(window.shape[0]).map((range) => ({ kind: 'add-window', window: read, sum, place, ...range })),
    signal,
  );
}

/** Workers read shared memory in place; anything else would be copied to each of them. */
function shared(data: Float32Array): Float32Array {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
  copy.set(data);
  return copy;
}

/** What may cross to a worker. */
function readable({ shape, affine, voxels, slices, padding }: Raster): RefineVolume {
  return { shape, affine, voxels, slices, ...(padding === undefined ? {} : { padding }) };
}

async function refine<Source extends MaskSource>(
  { runAll, rangesOf }: Means,
  source: Source,
  labels: CoarseLabels,
  rule: RefineRule,
  signal: AbortSignal,
): Promise<{ readonly segmentation: Segmentation<Source>; readonly statistics: readonly SegmentStatistics[] }> {
  const [slices, rows, columns] = source.shape;
  const tasks = rangesOf(slices);
  const read = readable(source);
  const parts = (await runAll(
    tasks.map((range) => ({ kind: 'refine', volume: read, labels, rule, ...range })),
    signal,
  )) as readonly RefinedSlices[];
  const bytesPerSlice = Math.ceil((rows * columns) / 8);
  const segments = rule.segments.map(({ label: _label, title, ...segment }, index) => {
    // shared, so that workers that measure it read it in place
    const bits = new Uint8Array(new SharedArrayBuffer(slices * bytesPerSlice));
    tasks.forEach(({ first }, part) => {
      bits.set(parts[part]!.bits[index]!, first * bytesPerSlice);
    });
    return { ...segment, label: title, bits };
  });
  const statistics = mergeStatistics(parts.map((part) => part.statistics));
  return { segmentation: { source, bytesPerSlice, segments }, statistics };
}

/** A task for each rule that asks for anything; a rule reads its whole mask, for a component may reach anywhere. */
async function measureRegions(
  runAll: Means['runAll'],
  { source, bytesPerSlice, segments }: Segmentation<MaskSource>,
  rules: readonly RegionRule[],
  signal: AbortSignal,
): Promise<readonly MeasuredRegion[]> {
  const read = readable(source);
  const maskOf = (rule: RegionRule): Mask => {
    const parts = segments.filter(({ number }) => rule.segments.includes(number)).map(({ bits }) => bits);
    return { shape: source.shape, bytesPerSlice, parts };
  };
  const asked = rules.filter(asksForMore);
  const measured = (await runAll(
    asked.map((rule) => ({ kind: 'region', volume: read, mask: maskOf(rule), rule })),
    signal,
  )) as readonly MeasuredRegion[];
  return rules.map((rule) => measured[asked.indexOf(rule)] ?? {});
}
