/** Regions of findings as lines on slices: where each is cut by the plane of an image. */
import type { ViewMark, ViewShape } from '../../contracts/generated/types.ts';
import type { Point3 } from '../arrival/study.ts';
import { add, axisStep, cross, dot, indexOf, normalise, scale, subtract } from '../assembly/geometry.ts';
import type { Volume } from '../assembly/volume.ts';
import type { Findings, Region } from '../inference/findings.ts';
import { findingPath } from './finding-text.ts';
import { readingPlace } from './reading-order.ts';
import { probabilityText } from './text.ts';

type PatientRegion = Extract<Region, { readonly center: unknown }>;

/** Of every finding that lies in the patient; slices as the page counts them. */
export function marksOf(volume: Volume, findings: Findings): readonly ViewMark[] {
  return marksWhere(findings, (region) => ('center' in region ? shapesOf(volume, region) : []));
}

/** Of every finding that lies on this image, which is the only slice of its view. */
export function imageMarks(
  image: { readonly sopInstanceUid: string; readonly frameNumber: number },
  findings: Findings,
): readonly ViewMark[] {
  return marksWhere(findings, (region) => {
    if ('center' in region) return [];
    const { sopInstanceUid, frameNumber = 1 } = region.image;
    if (sopInstanceUid !== image.sopInstanceUid || frameNumber !== image.frameNumber) return [];
    if (region.kind === 'image-point') return [{ slice: 0, points: [...region.point] }];
    const [[left, top], [right, bottom]] = [region.minimum, region.maximum];
    return [{ slice: 0, points: [left, top, right, top, right, bottom, left, bottom] }];
  });
}

function marksWhere(
  { algorithm, findings }: Findings,
  shapes: (region: Region) => readonly ViewShape[],
): readonly ViewMark[] {
  return findings.flatMap((finding): ViewMark[] => {
    const { region, probability, key } = finding;
    const [first, ...others] = region === undefined ? [] : shapes(region);
    if (first === undefined) return [];
    const label = probability === undefined ? key : `${key}  ${probabilityText(probability)}`;
    return [{ findingKey: findingPath(algorithm, finding), label, shapes: [first, ...others] }];
  });
}

function shapesOf(volume: Volume, region: PatientRegion): readonly ViewShape[] {
  const [middle] = indexOf(volume, region.center);
  const nearest = Math.min(volume.shape[0] - 1, Math.max(0, Math.round(middle)));
  const cuts = Array.from({ length: volume.shape[0] }, (_, k) => ({ k, points: cut(volume, region, k) }));
  const seen = cuts.filter(({ points }) => points.length > 0);
  // a region between two slices is shown on the nearer one, where it would be looked for
  const shown = seen.length > 0 ? seen : [{ k: nearest, points: cut(volume, region, middle) }];
  return shown.map(({ k, points }) => {
    const [column = 0, row = 0, ...others] = pixelsOf(volume, points);
    return { slice: readingPlace(volume, k), points: [column, row, ...others] };
  });
}

/** Where the plane of slice `k`, fractions allowed, cuts the region: corners in order around it, mm; none where it does not. */
function cut(volume: Volume, region: PatientRegion, k: number): readonly Point3[] {
  switch (region.kind) {
    case 'patient-point':
      return k === indexOf(volume, region.center)[0] ? [region.center] : [];
    case 'patient-sphere':
      return circle(volume, region.center, region.radiusMm, k);
    case 'patient-box':
      return section(volume, region.center, region.edges, k);
  }
}

const CORNERS_OF_CIRCLE = 32;

function circle(volume: Volume, center: Point3, radiusMm: number, k: number): readonly Point3[] {
  const { normal, along, down } = planeOf(volume);
  const apart = dot(subtract(pointOn(volume, k), center), normal);
  if (Math.abs(apart) >= radiusMm) return [];
  const middle = add(center, scale(normal, apart));
  const radius = Math.sqrt(radiusMm ** 2 - apart ** 2);
  return Array.from({ length: CORNERS_OF_CIRCLE }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS_OF_CIRCLE;
    const offset = add(scale(along, radius * Math.cos(angle)), scale(down, radius * Math.sin(angle)));
    return add(middle, offset);
  });
}

/** Of a cuboid: where its twelve edges pass through the plane, in order of the angle around their middle. */
function section(
  volume: Volume,
  center: Point3,
  edges: readonly [Point3, Point3, Point3],
  k: number,
): readonly Point3[] {
  const { normal, along, down } = planeOf(volume);
  const height = dot(pointOn(volume, k), normal);
  const passes = [0, 1, 2].flatMap((axis) => {
    const [edge, one, other] = [edges[axis]!, edges[(axis + 1) % 3]!, edges[(axis + 2) % 3]!];
    return SIGNS.flatMap(([a, b]): Point3[] => {
      const start = add(center, add(scale(edge, -0.5), add(scale(one, a), scale(other, b))));
      const share = (height - dot(start, normal)) / dot(edge, normal);
      return share >= 0 && share <= 1 ? [add(start, scale(edge, share))] : [];
    });
  });
  const middle = scale(passes.reduce(add, [0, 0, 0]), 1 / passes.length);
  const angle = (point: Point3): number =>
    Math.atan2(dot(subtract(point, middle), down), dot(subtract(point, middle), along));
  return passes.toSorted((a, b) => angle(a) - angle(b));
}

const SIGNS = [
  [-0.5, -0.5],
  [-0.5, 0.5],
  [0.5, -0.5],
  [0.5, 0.5],
] as const;

function planeOf({ affine }: Volume): { readonly normal: Point3; readonly along: Point3; readonly down: Point3 } {
  const [down, along] = [normalise(axisStep(affine, 1)), normalise(axisStep(affine, 2))];
  return { normal: cross(along, down), along, down };
}

/** The first pixel of a slice, fractions allowed. */
function pointOn({ affine }: Volume, k: number): Point3 {
  return add([affine[3], affine[7], affine[11]], scale(axisStep(affine, 0), k));
}

/** `[column, row, …]`, from the outer corner of the first pixel (PS3.3 C.10.5.1.2). */
function pixelsOf(volume: Volume, points: readonly Point3[]): number[] {
  return points.flatMap((point) => {
    const [, row, column] = indexOf(volume, point);
    return [column, row].map((place) => Number((place + 0.5).toFixed(2)));
  });
}
