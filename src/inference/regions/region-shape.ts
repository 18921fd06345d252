/**
 * How large a region is: diameters and the box around it, in the patient, whatever way the slices lie.
 *
 * The surface is where a marching-cubes mesh of the mask has its corners: half way between a voxel of the region and one
 * outside. So the longest diameter is the Maximum 3D Diameter of a Mesh (IBSI, L0JK), a box has its true edges, and a
 * single voxel a size. Diameters are those of the convex hull.
 */
import type { Point3 } from '../../arrival/study.ts';
import { applyAffine, axisStep, cross, dot, normalise, scale, subtract } from '../../assembly/geometry.ts';
import type { Affine } from '../../assembly/volume.ts';
import { longestChord, lowerChain, type Point2 } from './convex-outline.ts';
import { farthestPair, type PointList } from './farthest-pair.ts';

export interface RegionShape {
  /** Longest distance between two points of the region, mm. */
  readonly diameterMm: number;
  /** Longest distance between two points of the same slice, mm. */
  readonly longAxisMm: number;
  /** In the slice of the long axis: the longest distance at a right angle to it, mm. */
  readonly shortAxisMm: number;
  /** Slice of the long axis. */
  readonly axesSlice: number;
  /** Cuboid along the axes of the volume: middle, and edges from face to face along slice, row and column; mm, LPS. */
  readonly box: { readonly center: Point3; readonly edges: readonly [Point3, Point3, Point3] };
}

/** Gathers a region run by run; in memory stay the corners of its outline in every slice. */
export class RegionOutline {
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  #rows: { first: number; last: number } | undefined;
  readonly #outlines: { readonly slice: number; readonly corners: readonly Point2[] }[] = [];

  constructor(rows: number) {
    this.#first = new Int32Array(rows);
    this.#last = new Int32Array(rows);
  }

  /** Rows ascend within a slice. @param end behind the last column */
  add(row: number, from: number, end: number): void {
    if (this.#rows?.last === row) {
      this.#last[row] = end - 1;
      return;
    }
    for (let between = (this.#rows?.last ?? row) + 1; between < row; between++) this.#first[between] = -1;
    this.#first[row] = from;
    this.#last[row] = end - 1;
    this.#rows = { first: this.#rows?.first ?? row, last: row };
  }

  endSlice(slice: number): void {
    if (this.#rows === undefined) return;
    const [left, right]: [Point2[], Point2[]] = [[], []];
    for (let row = this.#rows.first; row <= this.#rows.last; row++) {
      if (this.#first[row] === -1) continue;
      left.push([row, this.#first[row]!]);
      right.push([row, -this.#last[row]!]);
    }
    const corners = [...lowerChain(left), ...lowerChain(right).map(([row, column]): Point2 => [row, -column])];
    this.#outlines.push({ slice, corners });
    this.#rows = undefined;
  }

  /** Undefined of an empty region. */
  shape(affine: Affine): RegionShape | undefined {
    if (this.#outlines.length === 0) return undefined;
    const indices = this.#outlines.flatMap(({ slice, corners }) =>
      corners.map(([row, column]): Point3 => [slice, row, column]),
    );
    return {
      diameterMm: farthestPair(surface(indices, affine, [0, 1, 2])).distance,
      ...this.#axes(affine),
      box: boxAround(indices, affine),
    };
  }

  #axes(affine: Affine): Pick<RegionShape, 'longAxisMm' | 'shortAxisMm' | 'axesSlice'> {
    const measured = this.#outlines.map(({ slice, corners }) => {
      const points = surface(
        corners.map(([row, column]): Point3 => [slice, row, column]),
        affine,
        [1, 2],
      );
      return { slice, points, pair: farthestPair(points) };
    });
    const { slice, points, pair } = measured.reduce((best, one) =>
      one.pair.distance > best.pair.distance ? one : best,
    );
    const along = normalise(subtract(pointAt(points, pair.second), pointAt(points, pair.first)));
    const normal = normalise(cross(axisStep(affine, 2), axisStep(affine, 1)));
    return { longAxisMm: pair.distance, shortAxisMm: chordAcross(points, along, normal), axesSlice: slice };
  }
}

/** Half a voxel to both sides of every corner, along the axes given. */
function surface(indices: readonly Point3[], affine: Affine, axes: readonly (0 | 1 | 2)[]): PointList {
  const steps = axes.map((axis) => scale(axisStep(affine, axis), 0.5));
  const points = new Float64Array(indices.length * steps.length * 6);
  let at = 0;
  for (const index of indices) {
    const center = applyAffine(affine, index);
    for (const step of steps)
      for (const side of [-1, 1])
        for (let axis = 0; axis < 3; axis++) points[at++] = center[axis]! + side * step[axis]!;
  }
  return points;
}

function pointAt(points: PointList, place: number): Point3 {
  return [points[3 * place]!, points[3 * place + 1]!, points[3 * place + 2]!];
}

/** The longest chord at a right angle to a direction, of points in one plane. */
function chordAcross(points: PointList, along: Point3, normal: Point3): number {
  const across = cross(normal, along);
  const inPlane = Array.from({ length: points.length / 3 }, (_, place): Point2 => {
    const point = pointAt(points, place);
    return [dot(point, along), dot(point, across)];
  });
  return longestChord(inPlane);
}

function boxAround(indices: readonly Point3[], affine: Affine): RegionShape['box'] {
  const lowest: [number, number, number] = [Infinity, Infinity, Infinity];
  const highest: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (const index of indices)
    for (const axis of [0, 1, 2] as const) {
      lowest[axis] = Math.min(lowest[axis], index[axis]);
      highest[axis] = Math.max(highest[axis], index[axis]);
    }
  const edge = (axis: 0 | 1 | 2): Point3 => scale(axisStep(affine, axis), highest[axis] - lowest[axis] + 1);
  const middle = (axis: 0 | 1 | 2): number => (lowest[axis] + highest[axis]) / 2;
  return {
    center: applyAffine(affine, [middle(0), middle(1), middle(2)]),
    edges: [edge(0), edge(1), edge(2)],
  };
}
