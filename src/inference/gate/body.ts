/** How the body lies in an image: whether there is background around it, its proportions, its sides, its dense parts. */
import type { Affine } from '../../assembly/volume.ts';
import type { Statistics } from './reference-ranges.ts';
import { type Sample, sorted } from './sample.ts';

/** Body begins above fat's lowest values, bone above those of soft tissue, HU. */
const BODY_HU = -300;
const BONE_HU = 250;
/** Where values have no unit: shares of the range from the 1st to the 99th percentile. */
const BODY_SHARE = 0.15;
const DENSE_SHARE = 0.85;

type Axis = 0 | 1 | 2;

/** @param affine of the volume; undefined for an image without patient axes, whose columns then count as its sides */
export function bodyStatistics(
  sample: Sample,
  spacing: readonly [number, number, number],
  units: string,
  affine: Affine | undefined,
): Statistics {
  const { body, dense } = marksOf(sample, units);
  const profiles = ([0, 1, 2] as const).map((axis) => profileOf(sample, axis, (value) => value >= body));
  const total = sumOf(profiles[2]!);
  const sides = affine === undefined ? 2 : axisAlong(affine, 0);
  return {
    bodyPercent: (100 * total) / sample.values.length,
    borderBodyPercent: borderPercent(sample, body),
    asymmetryPercent: asymmetry(profiles[sides]!),
    bodyAspect: (extentOf(profiles[1]!) * spacing[1]) / Math.max(1, extentOf(profiles[2]!) * spacing[2]),
    ...(affine === undefined ? {} : { denseBehindPercent: denseBehind(sample, dense, affine, profiles) }),
  };
}

function marksOf(sample: Sample, units: string): { readonly body: number; readonly dense: number } {
  if (units === 'HU') return { body: BODY_HU, dense: BONE_HU };
  const ascending = sorted(sample);
  const [low, high] = [1, 99].map((percent) => ascending[Math.floor((percent / 100) * (ascending.length - 1))] ?? 0);
  const range = high! - low!;
  return { body: low! + BODY_SHARE * range, dense: low! + DENSE_SHARE * range };
}

/** How many values of each plane across the axis are counted. */
function profileOf({ shape, values }: Sample, axis: Axis, counts: (value: number) => boolean): Float64Array {
  const profile = new Float64Array(shape[axis]);
  const step = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  for (let i = 0; i < values.length; i++) if (counts(values[i]!)) profile[Math.floor(i / step) % shape[axis]]!++;
  return profile;
}

/** Of the outermost rows and columns of every slice. */
function borderPercent({ shape, values }: Sample, body: number): number {
  const [, rows, columns] = shape;
  let border = 0;
  let inBody = 0;
  for (let i = 0; i < values.length; i++) {
    const column = i % columns;
    const row = Math.floor(i / columns) % rows;
    if (row > 0 && row < rows - 1 && column > 0 && column < columns - 1) continue;
    border++;
    if (values[i]! >= body) inBody++;
  }
  return (100 * inBody) / border;
}

/** The axis of the lattice that runs most along a patient axis: 0 to the left, 1 to the back, 2 to the head. */
function axisAlong(affine: Affine, patientAxis: Axis): Axis {
  const steps = ([0, 1, 2] as const).map((axis) => Math.abs(affine[patientAxis * 4 + axis]!) / lengthOf(affine, axis));
  return steps.indexOf(Math.max(...steps)) as Axis;
}

function lengthOf(affine: Affine, axis: Axis): number {
  return Math.hypot(affine[axis]!, affine[4 + axis]!, affine[8 + axis]!);
}

/** Half of what remains when the profile is laid over its mirror image about its own centre. */
function asymmetry(profile: Float64Array): number {
  const total = sumOf(profile);
  if (total === 0) return 0;
  const centre = centreOf(profile);
  const difference = profile.reduce((sum, count, i) => {
    const mirrored = 2 * centre - i;
    const below = Math.floor(mirrored);
    const share = mirrored - below;
    const counterpart = (profile[below] ?? 0) * (1 - share) + (profile[below + 1] ?? 0) * share;
    return sum + Math.abs(count - counterpart);
  }, 0);
  return (100 * difference) / (2 * total);
}

function denseBehind(sample: Sample, dense: number, affine: Affine, profiles: readonly Float64Array[]): number {
  const axis = axisAlong(affine, 1);
  const densest = profileOf(sample, axis, (value) => value >= dense);
  const body = profiles[axis]!;
  if (sumOf(densest) === 0 || sumOf(body) === 0) return 0;
  const towardsBack = Math.sign(affine[4 + axis]!);
  return (100 * towardsBack * (centreOf(densest) - centreOf(body))) / extentOf(body);
}

function centreOf(profile: Float64Array): number {
  return profile.reduce((sum, count, i) => sum + count * i, 0) / sumOf(profile);
}

/** From the first to the last plane with more than a trace, in planes. */
function extentOf(profile: Float64Array): number {
  const trace = 0.02 * Math.max(...profile);
  const first = profile.findIndex((count) => count > trace);
  return first < 0 ? 1 : profile.findLastIndex((count) => count > trace) - first + 1;
}

function sumOf(profile: Float64Array): number {
  return profile.reduce((sum, count) => sum + count, 0);
}
