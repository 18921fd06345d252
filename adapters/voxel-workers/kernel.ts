/** Runs the kernel on result slices: one instance per call, over the memory that holds volume, result and work area. */
import { KERNEL_BASE64 } from './kernel-module.ts';
import { type AxisTable, axisTable, type ResamplePlan, sliceStart } from './resample-plan.ts';
import { type SharedWasmMemory, type WasmModule, webAssembly } from './web-assembly.ts';

/** The functions of kernel/resample.ts. */
interface KernelExports {
  target(int16: number, low: number, high: number, fill: number, paddingLow: number, paddingHigh: number): void;
  outsideSlice(out: number, count: number): void;
  parallelSlice(...values: readonly number[]): void;
  source(planes: number, slices: number, rows: number, columns: number): void;
  obliqueSlice(...values: readonly number[]): void;
}

/** Bytes of one table entry per result row: offsets of two source rows and a weight. */
const ROW_ENTRY = 12;
/** Bytes of one entry per slice of the volume: offset, slope, intercept. */
const PLANE_ENTRY = 12;
/** A blended row is written eight values at a time. */
const ROW_SLACK = 16;

/** Where the tables of one worker lie, in bytes from the start of the memory. */
interface WorkArea {
  readonly rowTable: number;
  readonly offsets: number;
  readonly weights: number;
  readonly row: number;
  readonly planes: number;
  readonly end: number;
}

function workArea({ source, shape }: ResamplePlan, start: number): WorkArea {
  const aligned = (at: number): number => Math.ceil(at / 64) * 64;
  const rowTable = aligned(start);
  const offsets = aligned(rowTable + shape[1] * ROW_ENTRY);
  const weights = aligned(offsets + shape[2] * 4);
  const row = aligned(weights + shape[2] * 4);
  const planes = aligned(row + (source[2] + ROW_SLACK) * 4);
  return { rowTable, offsets, weights, row, planes, end: aligned(planes + source[0] * PLANE_ENTRY) };
}

/** Memory that one worker needs beside volume and result. */
export function workAreaBytes(plan: ResamplePlan): number {
  return workArea(plan, 0).end;
}

export function bytesPerValue({ step }: ResamplePlan): 2 | 4 {
  return step.datatype === 'INT16' ? 2 : 4;
}

let compiled: WasmModule | undefined;

/**
 * Writes slices `first … last − 1` of the result.
 * @param result bytes from the start of the memory to slice 0 of the result.
 * @param work bytes to a work area of {@link workAreaBytes} that no other thread uses.
 */
export function resampleSlices(
  memory: SharedWasmMemory,
  plan: ResamplePlan,
  first: number,
  last: number,
  result: number,
  work: number,
): void {
  compiled ??= new webAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'));
  const kernel = new webAssembly.Instance(compiled, { env: { memory } }).exports as unknown as KernelExports;
  const { step, padding, shape } = plan;
  const [low, high] = step.datatype === 'INT16' ? [0, 1] : [step.low, step.high];
  kernel.target(step.datatype === 'INT16' ? 1 : 0, low, high, step.fill, padding.low, padding.high);
  const area = workArea(plan, work);
  const sliceBytes = shape[1] * shape[2] * bytesPerValue(plan);
  const writeSlice = plan.parallel ? parallelSlice : obliqueSlice;
  if (!plan.parallel) {
    writePlanes(memory, plan, area);
    kernel.source(area.planes, ...plan.source);
  }
  for (let k = first; k < last; k++) writeSlice(kernel, memory, plan, area, k, result + k * sliceBytes);
}

function parallelSlice(
  kernel: KernelExports,
  memory: SharedWasmMemory,
  plan: ResamplePlan,
  area: WorkArea,
  k: number,
  out: number,
): void {
  const { source, shape, planes } = plan;
  const [slices, rows, columns] = source;
  const start = sliceStart(plan, k);
  const along = axisTable(slices, 1, start[0], 0);
  const down = axisTable(rows, shape[1], start[1], plan.perRow[1]);
  const across = axisTable(columns, shape[2], start[2], plan.perColumn[2]);
  if (along.last < 0 || down.last < 0 || across.last < 0) {
    kernel.outsideSlice(out, shape[1] * shape[2]);
    return;
  }
  writeTables(memory, area, down, across, rows, columns);
  const a = planes[along.lower[0]!]!;
  const b = planes[Math.min(along.lower[0]! + 1, slices - 1)]!;
  const ends = [across.lower[across.first]!, across.lower[across.last]!];
  kernel.parallelSlice(
    ...[a.offset, b.offset, a.slope, a.intercept, b.slope, b.intercept, along.weight[0]!],
    ...[Math.min(...ends), Math.min(Math.max(...ends) + 1, columns - 1)],
    ...[area.rowTable, shape[1], down.first, down.last],
    ...[area.offsets, area.weights, shape[2], across.first, across.last, area.row, out],
  );
}

function writeTables(
  { buffer }: SharedWasmMemory,
  area: WorkArea,
  down: AxisTable,
  across: AxisTable,
  rows: number,
  columns: number,
): void {
  const view = new DataView(buffer, area.rowTable);
  for (let j = down.first; j <= down.last; j++) {
    const lower = down.lower[j]!;
    view.setUint32(j * ROW_ENTRY, lower * columns * 2, true);
    view.setUint32(j * ROW_ENTRY + 4, Math.min(lower + 1, rows - 1) * columns * 2, true);
    view.setFloat32(j * ROW_ENTRY + 8, down.weight[j]!, true);
  }
  const offsets = new Uint32Array(buffer, area.offsets, across.lower.length);
  for (let i = across.first; i <= across.last; i++) offsets[i] = across.lower[i]! * 4;
  new Float32Array(buffer, area.weights, across.weight.length).set(across.weight);
}

function obliqueSlice(
  kernel: KernelExports,
  _memory: SharedWasmMemory,
  plan: ResamplePlan,
  _area: WorkArea,
  k: number,
  out: number,
): void {
  const { shape, perRow, perColumn } = plan;
  kernel.obliqueSlice(...sliceStart(plan, k), ...perRow, ...perColumn, shape[1], shape[2], out);
}

function writePlanes({ buffer }: SharedWasmMemory, { planes }: ResamplePlan, area: WorkArea): void {
  const view = new DataView(buffer, area.planes);
  for (const [k, { offset, slope, intercept }] of planes.entries()) {
    view.setUint32(k * PLANE_ENTRY, offset, true);
    view.setFloat32(k * PLANE_ENTRY + 4, slope, true);
    view.setFloat32(k * PLANE_ENTRY + 8, intercept, true);
  }
}
