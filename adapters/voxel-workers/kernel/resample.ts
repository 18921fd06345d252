/**
 * The resampling kernel, in AssemblyScript: `npm run kernel` compiles it into ../kernel-module.ts; tsc never sees it.
 *
 * Linear memory is the shared memory that holds the volume, so voxels are read where the decoders wrote them and the
 * result is written where the caller reads it. Nothing is allocated and nothing is kept between calls. All arithmetic
 * is FP32 on 128-bit vectors without fused multiply-add, so that every machine gives the same bits.
 *
 * Loads of eight voxels may run up to fourteen bytes past a row: the caller leaves that much memory behind the voxels.
 */

/** Where a row of results goes and how it is written; set by {@link target} before a slice. */
let asInt16: bool = false;
let windowLow: f32 = 0;
let windowHigh: f32 = 0;
let origin: f32 = 0;
let factor: f32 = 1;
let base: f32 = 0;
let fill: f32 = 0;
let paddingLow: i32 = 1;
let paddingHigh: i32 = 0;
/** Weights become 0 or 1: the nearest voxel instead of a blend. */
let snap: bool = false;

/** How the next results are written: INT16, rounded, or FP32 as `(clip(value, low, high) - from) × by + plus`. */
export function form(int16: bool, low: f32, high: f32, from: f32, by: f32, plus: f32): void {
  asInt16 = int16;
  windowLow = low;
  windowHigh = high;
  origin = from;
  factor = by;
  base = plus;
}

/** What lies outside, in the volume's units; no padding: `padLow > padHigh`. */
export function target(outside: f32, padLow: i32, padHigh: i32, nearestVoxel: bool): void {
  snap = nearestVoxel;
  fill = outside;
  paddingLow = padLow;
  paddingHigh = padHigh;
}

// @ts-ignore: decorator
@inline
function low4(stored: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(stored));
}

// @ts-ignore: decorator
@inline
function high4(stored: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(stored));
}

// @ts-ignore: decorator
@inline
function blend4(a: v128, b: v128, c: v128, d: v128, wa: v128, wb: v128, wc: v128, wd: v128, constant: v128): v128 {
  const first = f32x4.add(f32x4.mul(a, wa), f32x4.mul(b, wb));
  return f32x4.add(first, f32x4.add(f32x4.mul(c, wc), f32x4.add(f32x4.mul(d, wd), constant)));
}

/** What padding adds to a weighted sum that took the stored value for an image value: weight × (fill − value). */
// @ts-ignore: decorator
@inline
function correction4(stored: v128, mask: v128, weight: v128, share: v128, intercept: v128): v128 {
  const wanted = f32x4.mul(share, f32x4.sub(f32x4.splat(fill), intercept));
  return v128.and(f32x4.sub(wanted, f32x4.mul(stored, weight)), mask);
}

// @ts-ignore: decorator
@inline
function isPadding(stored: v128, low: v128, high: v128): v128 {
  return v128.and(i16x8.ge_s(stored, low), i16x8.le_s(stored, high));
}

/** Adds the corrections of one source row to eight blended values at `to`. */
// @ts-ignore: decorator
@inline
function correct8(to: usize, stored: v128, mask: v128, share: f32, slope: f32, intercept: f32): void {
  const weight = f32x4.splat(share * slope);
  const part = f32x4.splat(share);
  const offset = f32x4.splat(intercept);
  const lower = correction4(low4(stored), i32x4.extend_low_i16x8_s(mask), weight, part, offset);
  const upper = correction4(high4(stored), i32x4.extend_high_i16x8_s(mask), weight, part, offset);
  v128.store(to, f32x4.add(v128.load(to), lower));
  v128.store(to, f32x4.add(v128.load(to, 16), upper), 16);
}

/**
 * Blends columns `first … last` of four source rows (rows 0 and 1 of slices a and b) into one row of FP32 in units.
 * `shareB` and `share1` are the weights of slice b and of row 1.
 */
// @ts-ignore: decorator
@inline
function blendRow(
  row: usize,
  first: i32,
  last: i32,
  a0: usize,
  a1: usize,
  b0: usize,
  b1: usize,
  slopeA: f32,
  interceptA: f32,
  slopeB: f32,
  interceptB: f32,
  shareB: f32,
  share1: f32,
  padded: bool,
): void {
  const sa0: f32 = (1 - shareB) * (1 - share1);
  const sa1: f32 = (1 - shareB) * share1;
  const sb0: f32 = shareB * (1 - share1);
  const sb1: f32 = shareB * share1;
  const wa0 = f32x4.splat(sa0 * slopeA);
  const wa1 = f32x4.splat(sa1 * slopeA);
  const wb0 = f32x4.splat(sb0 * slopeB);
  const wb1 = f32x4.splat(sb1 * slopeB);
  const constant = f32x4.splat((1 - shareB) * interceptA + shareB * interceptB);
  const low = i16x8.splat(<i16>paddingLow);
  const high = i16x8.splat(<i16>paddingHigh);
  for (let x = first; x <= last; x += 8) {
    const at = <usize>x << 1;
    const to = row + (<usize>x << 2);
    const p = v128.load(a0 + at);
    const q = v128.load(a1 + at);
    const r = v128.load(b0 + at);
    const s = v128.load(b1 + at);
    v128.store(to, blend4(low4(p), low4(q), low4(r), low4(s), wa0, wa1, wb0, wb1, constant));
    v128.store(to, blend4(high4(p), high4(q), high4(r), high4(s), wa0, wa1, wb0, wb1, constant), 16);
    if (padded) {
      const mp = isPadding(p, low, high);
      const mq = isPadding(q, low, high);
      const mr = isPadding(r, low, high);
      const ms = isPadding(s, low, high);
      if (v128.any_true(v128.or(v128.or(mp, mq), v128.or(mr, ms)))) {
        correct8(to, p, mp, sa0, slopeA, interceptA);
        correct8(to, q, mq, sa1, slopeA, interceptA);
        correct8(to, r, mr, sb0, slopeB, interceptB);
        correct8(to, s, ms, sb1, slopeB, interceptB);
      }
    }
  }
}

/** One value of the result at element `index` of the row at `to`. */
// @ts-ignore: decorator
@inline
function write(to: usize, index: i32, value: f32): void {
  if (asInt16) {
    const whole = nearest<f32>(value);
    const bounded: f32 = whole < -32768 ? -32768 : whole > 32767 ? 32767 : whole;
    store<i16>(to + (<usize>index << 1), <i16>(<i32>bounded));
  } else {
    const bounded: f32 = value < windowLow ? windowLow : value > windowHigh ? windowHigh : value;
    store<f32>(to + (<usize>index << 2), (bounded - origin) * factor + base);
  }
}

/** Four values of the result. */
// @ts-ignore: decorator
@inline
function write4(to: usize, index: i32, value: v128): void {
  if (asInt16) {
    const bounded = f32x4.pmin(f32x4.splat(32767), f32x4.pmax(f32x4.splat(-32768), f32x4.nearest(value)));
    const whole = i32x4.trunc_sat_f32x4_s(bounded);
    v128.store64_lane(to + (<usize>index << 1), i16x8.narrow_i32x4_s(whole, whole), 0);
  } else {
    const low = f32x4.splat(windowLow);
    const bounded = f32x4.pmin(f32x4.splat(windowHigh), f32x4.pmax(low, value));
    const scaled = f32x4.mul(f32x4.sub(bounded, f32x4.splat(origin)), f32x4.splat(factor));
    v128.store(to + (<usize>index << 2), f32x4.add(scaled, f32x4.splat(base)));
  }
}

/** Interpolates along a blended row, four results at a time from pairs of neighbours. */
function interpolateRow(to: usize, first: i32, last: i32, row: usize, offsets: usize, weights: usize): void {
  let i = first;
  for (; i + 3 <= last; i += 4) {
    const table = offsets + (<usize>i << 2);
    let p = v128.load64_zero(row + load<u32>(table));
    p = v128.load64_lane(row + load<u32>(table, 4), p, 1);
    let q = v128.load64_zero(row + load<u32>(table, 8));
    q = v128.load64_lane(row + load<u32>(table, 12), q, 1);
    const even = v128.shuffle<f32>(p, q, 0, 2, 4, 6);
    const odd = v128.shuffle<f32>(p, q, 1, 3, 5, 7);
    const weight = v128.load(weights + (<usize>i << 2));
    write4(to, i, f32x4.add(even, f32x4.mul(f32x4.sub(odd, even), weight)));
  }
  for (; i <= last; i++) {
    const at = row + load<u32>(offsets + (<usize>i << 2));
    const even = load<f32>(at);
    write(to, i, even + (load<f32>(at, 4) - even) * load<f32>(weights + (<usize>i << 2)));
  }
}

/** Fills results `from … until − 1`. */
function fillRow(to: usize, from: i32, until: i32): void {
  for (let i = from; i < until; i++) write(to, i, fill);
}

/** A slice that lies outside the volume. */
export function outsideSlice(out: usize, count: i32): void {
  fillRow(out, 0, count);
}

/**
 * One slice of the result where the axes of grid and volume are parallel: results `[firstRow … lastRow] ×
 * [firstColumn … lastColumn]` come from slices a and b, the rest is fill.
 * `rowTable`: byte offsets of rows 0 and 1 within a slice and the weight of row 1, 12 bytes a result row.
 * `offsets`, `weights`: byte offset into `row` and weight of the right neighbour, 4 bytes each a result column.
 */
export function parallelSlice(
  a: usize,
  b: usize,
  slopeA: f32,
  interceptA: f32,
  slopeB: f32,
  interceptB: f32,
  shareB: f32,
  firstSource: i32,
  lastSource: i32,
  rowTable: usize,
  rows: i32,
  firstRow: i32,
  lastRow: i32,
  offsets: usize,
  weights: usize,
  columns: i32,
  firstColumn: i32,
  lastColumn: i32,
  row: usize,
  out: usize,
): void {
  const bytesPerRow = <usize>columns << (asInt16 ? 1 : 2);
  const padded = paddingLow <= paddingHigh;
  for (let j = 0; j < rows; j++) {
    const to = out + <usize>j * bytesPerRow;
    if (j < firstRow || j > lastRow) {
      fillRow(to, 0, columns);
      continue;
    }
    const entry = rowTable + <usize>j * 12;
    const row0 = <usize>load<u32>(entry);
    const row1 = <usize>load<u32>(entry, 4);
    const share1 = load<f32>(entry, 8);
    if (padded) {
      blendRow(row, firstSource, lastSource, a + row0, a + row1, b + row0, b + row1, slopeA, interceptA, slopeB, interceptB, shareB, share1, true);
    } else {
      blendRow(row, firstSource, lastSource, a + row0, a + row1, b + row0, b + row1, slopeA, interceptA, slopeB, interceptB, shareB, share1, false);
    }
    fillRow(to, 0, firstColumn);
    interpolateRow(to, firstColumn, lastColumn, row, offsets, weights);
    fillRow(to, lastColumn + 1, columns);
  }
}

/** Volume, and where its planes lie: byte offset, slope, intercept, 12 bytes a slice. Set by {@link source}. */
let planes: usize = 0;
let slices: i32 = 0;
let sourceRows: i32 = 0;
let sourceColumns: i32 = 0;

export function source(table: usize, sliceCount: i32, rowCount: i32, columnCount: i32): void {
  planes = table;
  slices = sliceCount;
  sourceRows = rowCount;
  sourceColumns = columnCount;
}

/** Trilinear between slices s0 and s1, rows r0 and r0 + `down` bytes, columns c0 and its right neighbour, in units. */
// @ts-ignore: decorator
@inline
function trilinear(s0: i32, s1: i32, r0: i32, down: usize, c0: i32, ws: f32, wr: f32, wc: f32, padded: bool): f32 {
  const planeA = planes + <usize>s0 * 12;
  const planeB = planes + <usize>s1 * 12;
  const within = (<usize>r0 * <usize>sourceColumns + <usize>c0) << 1;
  const a = <usize>load<u32>(planeA) + within;
  const b = <usize>load<u32>(planeB) + within;
  let pairs = v128.load32_zero(a);
  pairs = v128.load32_lane(a + down, pairs, 1);
  pairs = v128.load32_lane(b, pairs, 2);
  pairs = v128.load32_lane(b + down, pairs, 3);
  let upper = f32x4.add(f32x4.mul(low4(pairs), v128.load32_splat(planeA, 4)), v128.load32_splat(planeA, 8));
  let lower = f32x4.add(f32x4.mul(high4(pairs), v128.load32_splat(planeB, 4)), v128.load32_splat(planeB, 8));
  if (padded) {
    const mask = isPadding(pairs, i16x8.splat(<i16>paddingLow), i16x8.splat(<i16>paddingHigh));
    upper = v128.bitselect(f32x4.splat(fill), upper, i32x4.extend_low_i16x8_s(mask));
    lower = v128.bitselect(f32x4.splat(fill), lower, i32x4.extend_high_i16x8_s(mask));
  }
  const plane = f32x4.add(upper, f32x4.mul(f32x4.sub(lower, upper), f32x4.splat(ws)));
  const below = v128.shuffle<f32>(plane, plane, 2, 3, 2, 3);
  const row = f32x4.add(plane, f32x4.mul(f32x4.sub(below, plane), f32x4.splat(wr)));
  const left = f32x4.extract_lane(row, 0);
  return left + (f32x4.extract_lane(row, 1) - left) * wc;
}

// @ts-ignore: decorator
@inline
function snapped(weight: f32): f32 {
  return snap ? (weight >= 0.5 ? 1 : 0) : weight;
}

/** The value at any volume index: fill beyond half a voxel from the outermost centres, clamped to them before. */
function valueAt(s: f64, r: f64, c: f64, padded: bool): f32 {
  const lastSlice = <f64>(slices - 1);
  const lastRow = <f64>(sourceRows - 1);
  const lastColumn = <f64>(sourceColumns - 1);
  const inside =
    s >= -0.5 && s <= lastSlice + 0.5 && r >= -0.5 && r <= lastRow + 0.5 && c >= -0.5 && c <= lastColumn + 0.5;
  if (!inside) return fill;
  s = min(max(s, 0.0), lastSlice);
  r = min(max(r, 0.0), lastRow);
  c = min(max(c, 0.0), lastColumn);
  const s0 = <i32>s;
  const r0 = <i32>r;
  const c0 = <i32>c;
  const s1 = min(s0 + 1, slices - 1);
  const down = r0 + 1 < sourceRows ? <usize>sourceColumns << 1 : 0;
  const ws = snapped(<f32>(s - <f64>s0));
  const wr = snapped(<f32>(r - <f64>r0));
  const wc = snapped(<f32>(c - <f64>c0));
  return trilinear(s0, s1, r0, down, c0, ws, wr, wc, padded);
}

/** Nothing is interior that could round onto the outermost centre. */
const INTERIOR_MARGIN: f64 = 1e-6;

/** First and last result of a row whose neighbours all lie within the volume; narrowed axis by axis. */
let interiorFirst: f64 = 0;
let interiorLast: f64 = 0;

function narrow(base: f64, step: f64, size: i32): void {
  const low = INTERIOR_MARGIN;
  const high = <f64>(size - 1) - INTERIOR_MARGIN;
  if (step == 0) {
    if (base < low || base > high) interiorLast = -1;
    return;
  }
  const a = (low - base) / step;
  const b = (high - base) / step;
  interiorFirst = max(interiorFirst, ceil(min(a, b)));
  interiorLast = min(interiorLast, floor(max(a, b)));
}

/** Index as fixed point with 32 bits behind the point: adding the step is exact enough for any row. */
// @ts-ignore: decorator
@inline
function fixed(index: f64): i64 {
  return <i64>(index * 4294967296.0);
}

/** The part behind the point, or which neighbour is nearer. */
// @ts-ignore: decorator
@inline
function fraction(index: i64): f32 {
  return snapped(<f32>(<i32>(<u32>index >> 8)) * <f32>(1.0 / 16777216.0));
}

/** Results `first … last` of a row, all interior. */
// @ts-ignore: decorator
@inline
function interior(to: usize, first: i32, last: i32, s: i64, r: i64, c: i64, ds: i64, dr: i64, dc: i64, padded: bool): void {
  const down = <usize>sourceColumns << 1;
  for (let i = first; i <= last; i++) {
    const s0 = <i32>(s >> 32);
    const r0 = <i32>(r >> 32);
    const c0 = <i32>(c >> 32);
    write(to, i, trilinear(s0, s0 + 1, r0, down, c0, fraction(s), fraction(r), fraction(c), padded));
    s += ds;
    r += dr;
    c += dc;
  }
}

/**
 * One slice of the result where the axes are not parallel. `start…` is the volume index of the result's first voxel,
 * `down…` and `along…` are the steps per result row and column.
 */
export function obliqueSlice(
  startSlice: f64,
  startRow: f64,
  startColumn: f64,
  downSlice: f64,
  downRow: f64,
  downColumn: f64,
  alongSlice: f64,
  alongRow: f64,
  alongColumn: f64,
  rows: i32,
  columns: i32,
  out: usize,
): void {
  const bytesPerRow = <usize>columns << (asInt16 ? 1 : 2);
  const padded = paddingLow <= paddingHigh;
  const ds = fixed(alongSlice);
  const dr = fixed(alongRow);
  const dc = fixed(alongColumn);
  for (let j = 0; j < rows; j++) {
    const to = out + <usize>j * bytesPerRow;
    const s = startSlice + <f64>j * downSlice;
    const r = startRow + <f64>j * downRow;
    const c = startColumn + <f64>j * downColumn;
    interiorFirst = 0;
    interiorLast = <f64>(columns - 1);
    narrow(s, alongSlice, slices);
    narrow(r, alongRow, sourceRows);
    narrow(c, alongColumn, sourceColumns);
    const some = interiorFirst <= interiorLast;
    const first = some ? <i32>interiorFirst : columns;
    const last = some ? <i32>interiorLast : columns - 1;
    for (let i = 0; i < first; i++) {
      write(to, i, valueAt(s + <f64>i * alongSlice, r + <f64>i * alongRow, c + <f64>i * alongColumn, padded));
    }
    const fs = fixed(s + <f64>first * alongSlice);
    const fr = fixed(r + <f64>first * alongRow);
    const fc = fixed(c + <f64>first * alongColumn);
    if (padded) interior(to, first, last, fs, fr, fc, ds, dr, dc, true);
    else interior(to, first, last, fs, fr, fc, ds, dr, dc, false);
    for (let i = last + 1; i < columns; i++) {
      write(to, i, valueAt(s + <f64>i * alongSlice, r + <f64>i * alongRow, c + <f64>i * alongColumn, padded));
    }
  }
}

/**
 * Writes a slice of FP32 values in units, row by row, in the form that is set, to where a layout wants it: rows and
 * columns are `rowStride` and `columnStride` elements apart from `out` on.
 */
export function spread(from: usize, rows: i32, columns: i32, out: usize, rowStride: i32, columnStride: i32): void {
  const size = asInt16 ? 1 : 2;
  for (let j = 0; j < rows; j++) {
    const source = from + (<usize>(j * columns) << 2);
    const to = out + ((<usize>j * <usize>rowStride) << size);
    let i = 0;
    if (columnStride == 1) for (; i + 3 < columns; i += 4) write4(to, i, v128.load(source + (<usize>i << 2)));
    for (; i < columns; i++) write(to, i * columnStride, load<f32>(source + (<usize>i << 2)));
  }
}

/**
 * As {@link spread}, for layouts whose innermost axis is that of the slices: `slices` of them at once, so that what lies
 * together is written together. A slice follows the one before by `plane` bytes in `from`, and by one element in `out`.
 */
export function spreadDeep(
  from: usize,
  plane: usize,
  slices: i32,
  rows: i32,
  columns: i32,
  out: usize,
  rowStride: i32,
  columnStride: i32,
): void {
  const size = asInt16 ? 1 : 2;
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < rows; j++) {
      let source = from + (<usize>(j * columns + i) << 2);
      const to = out + ((<usize>j * <usize>rowStride + <usize>i * <usize>columnStride) << size);
      let k = 0;
      for (; k + 3 < slices; k += 4) {
        let four = v128.load32_zero(source);
        four = v128.load32_lane(source + plane, four, 1);
        four = v128.load32_lane(source + 2 * plane, four, 2);
        four = v128.load32_lane(source + 3 * plane, four, 3);
        write4(to, k, four);
        source += 4 * plane;
      }
      for (; k < slices; k++) {
        write(to, k, load<f32>(source));
        source += plane;
      }
    }
  }
}
