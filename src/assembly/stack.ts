/** From frames in order to a grid: slice distance, gaps, tilt, and the affine that fits all positions. */
import type { Point3 } from '../arrival/study.ts';
import { type Reason, reason } from '../reasons.ts';
import { add, affineOf, angleBetween, dot, norm, scale, subtract } from './geometry.ts';
import type { SliceFrame } from './slice-frame.ts';
import type { Affine } from './volume.ts';

/** Fewer slices say nothing about whether their distances are regular. */
export const MINIMUM_SLICES = 3;
/** A distance larger than this many usual distances is a gap. */
export const GAP_RATIO = 1.5;
/** A slice may lie this part of the slice distance from the fitted grid, along the normal. */
export const SPACING_TOLERANCE = 0.1;
/** And this part of a pixel within its plane. */
export const IN_PLANE_TOLERANCE = 0.25;
/** Smaller deviations, mm, are the rounding of decimal strings and not worth a note. */
export const NOTED_DEVIATION_MM = 0.01;
/** Shear from which tilt is noted, degrees. The affine carries any shear exactly. */
export const NOTED_TILT_DEGREES = 0.1;
/** No gantry tilts further, degrees: beyond, positions and orientation contradict each other. */
export const MAXIMUM_TILT_DEGREES = 45;

export interface Stack {
  readonly affine: Affine;
  /** `[slice, row, column]`, mm; slices along the normal. */
  readonly spacing: readonly [number, number, number];
  readonly notes: readonly Reason[];
}

/** @param frames one per position, ascending along the normal, of one orientation, matrix and pixel spacing. */
export function stackOf(frames: readonly SliceFrame[]): Stack | Reason {
  if (frames.length < MINIMUM_SLICES)
    return reason('too-few-slices', frames.length === 1 ? '1 slice' : `${frames.length} slices`);
  // the middle one: near the mean, and the same whatever order the frames arrived in
  const { axes, pixelSpacing } = frames[Math.floor(frames.length / 2)]!;
  const gap = gapOf(frames.map(({ position }) => dot(position, axes.normal)));
  if (gap !== undefined) return gap;

  const line = fitLine(frames.map(({ position }) => position));
  const tilt = angleBetween(line.step, axes.normal);
  if (tilt > MAXIMUM_TILT_DEGREES)
    return reason('gantry-tilt', `positions run ${tilt.toFixed(1)} degrees off the normal`);

  const distance = dot(line.step, axes.normal);
  const worst = worstDeviation(frames, line);
  const allowed = SPACING_TOLERANCE * distance;
  if (worst.along > allowed) return reason('spacing-irregular', `slices up to ${worst.along.toFixed(2)} mm off`);
  if (worst.within > IN_PLANE_TOLERANCE * Math.min(...pixelSpacing)) {
    return reason('spacing-irregular', `slices shifted up to ${worst.within.toFixed(2)} mm within their plane`);
  }
  const deviation = Math.max(worst.along, worst.within);
  const notes = [
    ...(tilt > NOTED_TILT_DEGREES ? [reason('gantry-tilt', `${tilt.toFixed(1)} degrees, carried by the affine`)] : []),
    ...(deviation > NOTED_DEVIATION_MM
      ? [reason('spacing-irregular', `at most ${deviation.toFixed(2)} mm, read`)]
      : []),
  ];
  const affine = affineOf(
    line.origin,
    line.step,
    scale(axes.column, pixelSpacing[0]),
    scale(axes.row, pixelSpacing[1]),
  );
  return { affine, spacing: [distance, pixelSpacing[0], pixelSpacing[1]], notes };
}

/** Refuses stacks with holes; where distances are no multiples of the usual one, they are irregular instead. */
function gapOf(places: readonly number[]): Reason | undefined {
  const distances = places.slice(1).map((place, k) => place - places[k]!);
  const sorted = [...distances].sort((a, b) => a - b);
  const usual = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const gaps = distances.flatMap((distance, k) => (distance > GAP_RATIO * usual ? [{ distance, after: k + 1 }] : []));
  if (gaps.length === 0) return undefined;
  const whole = gaps.every(({ distance }) => {
    const ratio = distance / usual;
    return Math.abs(ratio - Math.round(ratio)) <= SPACING_TOLERANCE;
  });
  if (!whole) {
    const [least, most] = [sorted[0]!, sorted.at(-1)!];
    return reason('spacing-irregular', `from ${least.toFixed(2)} to ${most.toFixed(2)} mm`);
  }
  const { distance, after } = gaps[0]!;
  const more = gaps.length > 1 ? ` and ${gaps.length - 1} more` : '';
  return reason(
    'slices-missing',
    `gap of ${distance.toFixed(1)} mm after slice ${after} at ${places[after - 1]!.toFixed(1)} mm${more}`,
  );
}

interface Line {
  readonly origin: Point3;
  readonly step: Point3;
}

/** Least squares: position k ≈ origin + k × step. */
function fitLine(positions: readonly Point3[]): Line {
  const middle = (positions.length - 1) / 2;
  let mean: Point3 = [0, 0, 0];
  let slope: Point3 = [0, 0, 0];
  let weight = 0;
  for (const [k, position] of positions.entries()) {
    mean = add(mean, scale(position, 1 / positions.length));
    // relative to the first, so that coordinates far from the origin lose no digits
    slope = add(slope, scale(subtract(position, positions[0]!), k - middle));
    weight += (k - middle) ** 2;
  }
  const step = scale(slope, 1 / weight);
  return { origin: subtract(mean, scale(step, middle)), step };
}

/** The largest distances between a slice and the fit, along the normal and within the plane, mm. */
function worstDeviation(
  frames: readonly SliceFrame[],
  { origin, step }: Line,
): { readonly along: number; readonly within: number } {
  let along = 0;
  let within = 0;
  for (const [k, { position, axes }] of frames.entries()) {
    const off = subtract(position, add(origin, scale(step, k)));
    const normal = dot(off, axes.normal);
    along = Math.max(along, Math.abs(normal));
    within = Math.max(within, norm(subtract(off, scale(axes.normal, normal))));
  }
  return { along, within };
}
