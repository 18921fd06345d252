/** Vectors and affines in patient coordinates (LPS, mm). */
import type { Point3 } from '../arrival/study.ts';
import type { Affine, Volume } from './volume.ts';

export function add(a: Point3, b: Point3): Point3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function subtract(a: Point3, b: Point3): Point3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function scale(a: Point3, factor: number): Point3 {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function dot(a: Point3, b: Point3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Point3, b: Point3): Point3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function norm(a: Point3): number {
  return Math.sqrt(dot(a, a));
}

export function normalise(a: Point3): Point3 {
  return scale(a, 1 / norm(a));
}

/** Degrees between two directions, 0 to 180. */
export function angleBetween(a: Point3, b: Point3): number {
  return (Math.atan2(norm(cross(a, b)), dot(a, b)) * 180) / Math.PI;
}

/** Image axes as unit vectors: `row` along a row, `column` down a column, `normal` their cross product. */
export interface PlaneAxes {
  readonly row: Point3;
  readonly column: Point3;
  readonly normal: Point3;
}

/** Unit vectors of Image Orientation (Patient); decimal strings round, so the column is made exactly perpendicular. */
export function planeAxes(orientation: readonly [number, number, number, number, number, number]): PlaneAxes {
  const [a, b, c, d, e, f] = orientation;
  const row = normalise([a, b, c]);
  const rough: Point3 = [d, e, f];
  const column = normalise(subtract(rough, scale(row, dot(rough, row))));
  return { row, column, normal: cross(row, column) };
}

/** The affine with the given centre of voxel `[0, 0, 0]` and steps per slice, row and column index, all in mm. */
export function affineOf(origin: Point3, perSlice: Point3, perRow: Point3, perColumn: Point3): Affine {
  return [
    ...[perSlice[0], perRow[0], perColumn[0], origin[0]],
    ...[perSlice[1], perRow[1], perColumn[1], origin[1]],
    ...[perSlice[2], perRow[2], perColumn[2], origin[2]],
    ...[0, 0, 0, 1],
  ] as unknown as Affine;
}

/** Where index `[slice, row, column]`, fractions allowed, lies in the patient; and any other affine on any point. */
export function applyAffine(affine: Affine, point: Point3): Point3 {
  const [x, y, z] = point;
  return [
    affine[0] * x + affine[1] * y + affine[2] * z + affine[3],
    affine[4] * x + affine[5] * y + affine[6] * z + affine[7],
    affine[8] * x + affine[9] * y + affine[10] * z + affine[11],
  ];
}

/** The step per index of one axis (0 slice, 1 row, 2 column), mm. */
export function axisStep(affine: Affine, axis: 0 | 1 | 2): Point3 {
  return [affine[axis]!, affine[4 + axis]!, affine[8 + axis]!];
}

/** The centre of voxel `[0, 0, 0]`. */
export function originOf(affine: Affine): Point3 {
  return [affine[3], affine[7], affine[11]];
}

/** Patient → index where `affine` is index → patient. Its axes must span space: true for every volume and grid. */
export function invertAffine(affine: Affine): Affine {
  const [a, b, c] = [axisStep(affine, 0), axisStep(affine, 1), axisStep(affine, 2)];
  const determinant = dot(a, cross(b, c));
  // rows of the inverse: the axes of the reciprocal lattice
  const rows = [cross(b, c), cross(c, a), cross(a, b)].map((axis) => scale(axis, 1 / determinant));
  const origin = originOf(affine);
  const withOffset = rows.map((row) => [...row, -dot(row, origin)]);
  return [...withOffset.flat(), 0, 0, 0, 1] as unknown as Affine;
}

/** First `inner`, then `outer`. */
export function composeAffine(outer: Affine, inner: Affine): Affine {
  const step = (axis: 0 | 1 | 2): Point3 =>
    subtract(applyAffine(outer, axisStep(inner, axis)), applyAffine(outer, [0, 0, 0]));
  return affineOf(applyAffine(outer, originOf(inner)), step(0), step(1), step(2));
}

/** Index of a point in the patient, `[slice, row, column]`, with fractions. */
export function indexOf(volume: Pick<Volume, 'affine'>, point: Point3): Point3 {
  return applyAffine(invertAffine(volume.affine), point);
}
