/** Paints solids into slices: a tissue per pixel and its CT number, in the order of the list (later covers earlier). */
import type { Solid, Span, Triple } from './shapes.ts';

/** What a pixel shows; lungs and airways are told apart for the truth. */
export const TISSUE = { other: 0, rightLung: 1, leftLung: 2, airway: 3, vessel: 4 } as const;
export type Tissue = (typeof TISSUE)[keyof typeof TISSUE];

export interface Paint {
  readonly solid: Solid;
  /** HU. */
  readonly value: number;
  /** Absent: the tissue stays what it was, as for holes of emphysema, which are lung. */
  readonly tissue?: Tissue;
  /** HU per millimetre towards the back: dependent lung is denser. */
  readonly gradient?: number;
  /** Paints lung only, as vessels and holes do. */
  readonly withinLung?: boolean;
}

/** One slice plane: rows run along +x, so that a row is one line of y and z. */
export interface Plane {
  /** Centre of the first pixel. */
  readonly origin: Triple;
  /** Direction of increasing row index. */
  readonly down: Triple;
  /** mm between pixels, both ways. */
  readonly spacing: number;
  readonly matrix: number;
}

export interface Raster {
  readonly values: Float32Array;
  readonly tissues: Uint8Array;
}

export function newRaster(matrix: number): Raster {
  return { values: new Float32Array(matrix * matrix), tissues: new Uint8Array(matrix * matrix) };
}

/** Paints `paints` over `background` (HU) into the raster. */
export function paintSlice(raster: Raster, plane: Plane, paints: readonly Paint[], background: number): void {
  raster.values.fill(background);
  raster.tissues.fill(TISSUE.other);
  const { origin, down, spacing, matrix } = plane;
  const [zFirst, zLast] = [origin[2], origin[2] + down[2] * spacing * (matrix - 1)];
  const [zLow, zHigh] = [Math.min(zFirst, zLast), Math.max(zFirst, zLast)];
  const near = paints.filter(({ solid }) => solid.zMin <= zHigh && solid.zMax >= zLow);
  const span: Span = { low: 0, high: 0 };
  for (let row = 0; row < matrix; row++) {
    const y = origin[1] + row * spacing * down[1];
    const z = origin[2] + row * spacing * down[2];
    for (const paint of near) {
      const { solid } = paint;
      if (y < solid.yMin || y > solid.yMax || z < solid.zMin || z > solid.zMax || !solid.span(y, z, span)) continue;
      const first = Math.max(0, Math.ceil((span.low - origin[0]) / spacing));
      const end = Math.min(matrix, Math.floor((span.high - origin[0]) / spacing) + 1);
      if (first < end) paintSpan(raster, paint, row * matrix + first, row * matrix + end, y);
    }
  }
}

function paintSpan(raster: Raster, paint: Paint, start: number, end: number, y: number): void {
  const { values, tissues } = raster;
  const value = paint.value + (paint.gradient ?? 0) * y;
  if (paint.withinLung !== true) {
    values.fill(value, start, end);
    if (paint.tissue !== undefined) tissues.fill(paint.tissue, start, end);
    return;
  }
  for (let i = start; i < end; i++) {
    if (tissues[i] !== TISSUE.rightLung && tissues[i] !== TISSUE.leftLung) continue;
    values[i] = value;
    if (paint.tissue !== undefined) tissues[i] = paint.tissue;
  }
}

/** Blurs in the plane as a scanner does: weights `side, 1 - 2 side, side` along rows, then along columns. */
export function blur(values: Float32Array, matrix: number, side: number): void {
  const middle = 1 - 2 * side;
  for (let row = 0; row < matrix; row++) {
    let before = values[row * matrix]!;
    for (let i = row * matrix; i < (row + 1) * matrix - 1; i++) {
      const value = values[i]!;
      values[i] = side * (before + values[i + 1]!) + middle * value;
      before = value;
    }
  }
  const above = values.slice(0, matrix);
  for (let start = 0; start < (matrix - 1) * matrix; start += matrix) {
    for (let i = start; i < start + matrix; i++) {
      const value = values[i]!;
      values[i] = side * (above[i - start]! + values[i + matrix]!) + middle * value;
      above[i - start] = value;
    }
  }
}
