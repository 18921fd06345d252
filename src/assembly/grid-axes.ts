/** The axes of a grid over a volume, one by one: how each is oriented, spaced, and extended or cut. */
import type { Point3 } from '../arrival/study.ts';
import { add, affineOf, axisStep, cross, dot, normalise, originOf, scale } from './geometry.ts';
import type { Grid } from './grid.ts';
import type { Affine, Volume } from './volume.ts';

/** A grid ends where the volume does; this part of a voxel may be lost to rounding before another is added, unitless. */
const GRID_ROUNDING = 1e-6;

/** What a grid is laid over. */
export type GridVolume = Pick<Volume, 'shape' | 'affine'>;

export type GridOrientation = 'LPS' | 'RAS' | 'as-acquired';

/** A direction across a volume, and how far the volume reaches along it. */
export interface VolumeAxis {
  readonly direction: Point3;
  /** Edges of the volume, half voxels included: mm from the patient's origin along the direction. */
  readonly low: number;
  readonly high: number;
  /** mm between the volume's own planes across this axis. */
  readonly ownSpacing: number;
}

/** Points along one axis of a grid. */
export interface GridAxis {
  readonly direction: Point3;
  readonly spacing: number;
  readonly count: number;
  /** The first point: mm from the patient's origin along the direction. */
  readonly first: number;
}

type Triple<T> = readonly [T, T, T];

/**
 * Slice, row and column axis for a grid over the volume: the volume's own axes (normal, column and row direction;
 * perpendicular, so a tilted volume gets a box around it), as they are or in the order and sign nearest to LPS or RAS.
 * So an axial, sagittal or feet-first series gives the same kind of grid.
 */
export function volumeAxes(volume: GridVolume, orientation: GridOrientation): Triple<VolumeAxis> {
  const column = normalise(axisStep(volume.affine, 1));
  const row = normalise(axisStep(volume.affine, 2));
  const own = [cross(row, column), column, row] as const;
  const order = orientation === 'as-acquired' ? ORDERS[0]! : nearestOrder(own);
  const axisAt = (place: 0 | 1 | 2): VolumeAxis => {
    const axis = order[place];
    const towards = orientation === 'as-acquired' || own[axis][2 - place]! >= 0 ? 1 : -1;
    const turned = orientation === 'RAS' && place > 0 ? -towards : towards;
    const direction = scale(own[axis], turned);
    const ownSpacing = Math.abs(dot(axisStep(volume.affine, axis), direction));
    return { direction, ...extentAlong(volume, direction), ownSpacing };
  };
  return [axisAt(0), axisAt(1), axisAt(2)];
}

/** As many points as cover the axis, around its middle. */
export function spaced({ direction, low, high }: VolumeAxis, spacing: number, marginMm = 0): GridAxis {
  const count = Math.max(1, Math.ceil((high - low + 2 * marginMm) / spacing - GRID_ROUNDING));
  return { direction, spacing, count, first: (low + high) / 2 - ((count - 1) / 2) * spacing };
}

/** So many points from edge to edge. */
export function divided({ direction, low, high }: VolumeAxis, count: number): GridAxis {
  const spacing = (high - low) / count;
  return { direction, spacing, count, first: low + spacing / 2 };
}

/** At most so many points from the centre of the first to that of the last plane; one alone lies in the middle. */
export function sampled(axis: VolumeAxis, most: number): GridAxis {
  const own = spaced(axis, axis.ownSpacing);
  if (own.count <= most) return own;
  if (most === 1) return { ...own, count: 1, first: (axis.low + axis.high) / 2 };
  return { ...own, count: most, spacing: (own.spacing * (own.count - 1)) / (most - 1) };
}

/** The same points, with some before them added, or cut off where negative, so that there are `count`. */
export function resized(axis: GridAxis, count: number, before: number): GridAxis {
  return { ...axis, count, first: axis.first - before * axis.spacing };
}

/** Added or cut off on both sides: of an odd number the larger part behind where it is added, as MONAI does both. */
export function centred(axis: GridAxis, count: number): GridAxis {
  const more = count - axis.count;
  return resized(axis, count, more >= 0 ? Math.floor(more / 2) : Math.floor(count / 2) - Math.floor(axis.count / 2));
}

export function gridOf([slices, rows, columns]: Triple<GridAxis>): Grid {
  const origin = [slices, rows, columns]
    .map(({ direction, first }) => scale(direction, first))
    .reduce((sum, part) => add(sum, part));
  const step = ({ direction, spacing }: GridAxis): Point3 => scale(direction, spacing);
  return {
    shape: [slices.count, rows.count, columns.count],
    affine: affineOf(origin, step(slices), step(rows), step(columns)),
    spacing: [slices.spacing, rows.spacing, columns.spacing],
  };
}

/** An isotropic LPS grid over the volume, `spacingMm` apart, with `marginMm` more on every side. */
export function isotropicGrid(volume: GridVolume, spacingMm: number, marginMm = 0): Grid {
  const [slices, rows, columns] = volumeAxes(volume, 'LPS');
  const along = (axis: VolumeAxis): GridAxis => spaced(axis, spacingMm, marginMm);
  return gridOf([along(slices), along(rows), along(columns)]);
}

type Order = Triple<0 | 1 | 2>;

/** Which of the volume's axes lies nearest to z, y and x. */
function nearestOrder(own: Triple<Point3>): Order {
  let best = ORDERS[0]!;
  let bestFit = Number.NEGATIVE_INFINITY;
  for (const order of ORDERS) {
    // component 2 is z, 1 is y, 0 is x
    const fit = [0, 1, 2].reduce((sum, place) => sum + Math.abs(own[order[place]!]![2 - place]!), 0);
    // the first of equal fits wins, whatever the last bit says
    if (fit > bestFit + GRID_ROUNDING) [best, bestFit] = [order, fit];
  }
  return best;
}

const ORDERS: readonly Order[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

function extentAlong(
  { shape, affine }: { readonly shape: Triple<number>; readonly affine: Affine },
  axis: Point3,
): { readonly low: number; readonly high: number } {
  let low = dot(originOf(affine), axis);
  let high = low;
  for (const index of [0, 1, 2] as const) {
    const step = dot(axisStep(affine, index), axis);
    const ends = [-0.5 * step, (shape[index] - 0.5) * step];
    low += Math.min(...ends);
    high += Math.max(...ends);
  }
  return { low, high };
}
