/** Runs the kernel on result slices: one instance per call, over the memory that holds volume, result and work area. */
import type { IntensityStep } from '../../src/assembly/grid.ts';
import { KERNEL_BASE64 } from './kernel-module.ts';
import { type AxisTable, axisTable, channelsOf, type ResamplePlan, sliceStart } from './resample-plan.ts';
import { type SharedWasmMemory, type WasmModule, webAssembly } from './web-assembly.ts';

/** The functions of kernel/resample.ts. */
interface KernelExports {
  form(int16: number, low: number, high: number, origin: number, factor: number, base: number): void;
  target(fill: number, paddingLow: number, paddingHigh: number, snap: number): void;
  spread(...values: readonly number[]): void;
  spreadDeep(...values: readonly number[]): void;
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
  /** Slices of the result in units, from where they are written on to a layout or to several channels. */
  readonly slice: number;
  readonly end: number;
}

function workArea(plan: ResamplePlan, start: number): WorkArea {
  const { source, shape } = plan;
  const aligned = (at: number): number => Math.ceil(at / 64) * 64;
  const rowTable = aligned(start);
  const offsets = aligned(rowTable + shape[1] * ROW_ENTRY);
  const weights = aligned(offsets + shape[2] * 4);
  const row = aligned(weights + shape[2] * 4);
  const planes = aligned(row + (source[2] + ROW_SLACK) * 4);
  const slice = aligned(planes + source[0] * PLANE_ENTRY);
  const end = aligned(slice + slicesAtOnce(plan) * planeBytes(plan));
  return { rowTable, offsets, weights, row, planes, slice, end };
}

/** A cache line of FP32: where slices lie side by side, so many of them are written together. */
const DEEP_SLICES = 16;

/** How many slices are held in units before they are written on. */
function slicesAtOnce({ plain, strides }: ResamplePlan): number {
  if (plain) return 0;
  return strides.slice === 1 ? DEEP_SLICES : 1;
}

/** Bytes of one slice in units. */
function planeBytes({ shape }: ResamplePlan): number {
  return shape[1] * shape[2] * 4;
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
  const { fill, interpolation } = plan.step;
  kernel.target(fill, plan.padding.low, plan.padding.high, interpolation === 'nearest' ? 1 : 0);
  const area = workArea(plan, work);
  if (!plan.parallel) {
    writePlanes(memory, plan, area);
    kernel.source(area.planes, ...plan.source);
  }
  const writeSlice = plan.parallel ? parallelSlice : obliqueSlice;
  const write = (k: number, out: number): void => writeSlice(kernel, memory, plan, area, k, out);
  if (plan.plain) writePlain(kernel, plan, first, last, result, write);
  else writeSpread(kernel, plan, first, last, result, area.slice, write);
}

type WriteSlice = (k: number, out: number) => void;

/** Each slice straight to its place. */
function writePlain(
  kernel: KernelExports,
  plan: ResamplePlan,
  first: number,
  last: number,
  result: number,
  write: WriteSlice,
): void {
  setForm(kernel, plan.step, 0);
  const sliceBytes = plan.shape[1] * plan.shape[2] * bytesPerValue(plan);
  for (let k = first; k < last; k++) write(k, result + k * sliceBytes);
}

/** Each slice in units, then from the processor's cache to every channel, in the order of the layout. */
function writeSpread(
  kernel: KernelExports,
  plan: ResamplePlan,
  first: number,
  last: number,
  result: number,
  slice: number,
  write: WriteSlice,
): void {
  const { strides, step } = plan;
  const [, rows, columns] = plan.shape;
  const plane = planeBytes(plan);
  const most = slicesAtOnce(plan);
  for (let k = first; k < last; k += most) {
    const count = Math.min(most, last - k);
    kernel.form(0, ...IN_UNITS);
    for (let held = 0; held < count; held++) write(k + held, slice + held * plane);
    for (let channel = 0; channel < channelsOf(step); channel++) {
      setForm(kernel, step, channel);
      const out = result + (channel * strides.channel + k * strides.slice) * bytesPerValue(plan);
      if (most > 1) kernel.spreadDeep(slice, plane, count, rows, columns, out, strides.row, strides.column);
      else kernel.spread(slice, rows, columns, out, strides.row, strides.column);
    }
  }
}

/** No limits, nothing taken off, as it is. */
const IN_UNITS = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 1, 0] as const;

function setForm(kernel: KernelExports, step: IntensityStep, channel: number): void {
  if (step.datatype === 'INT16') {
    kernel.form(1, ...IN_UNITS);
    return;
  }
  const { low, high, origin, factor, base } = step.channels[channel]!;
  kernel.form(0, low, high, origin, factor, base);
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
  const along = axisTable(slices, 1, start[0], 0, (plan.step.interpolation ?? 'linear') !== 'linear');
  const snap = plan.step.interpolation === 'nearest';
  const down = axisTable(rows, shape[1], start[1], plan.perRow[1], snap);
  const across = axisTable(columns, shape[2], start[2], plan.perColumn[2], snap);
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
