/** Detections in a volume: in the patient's frame of reference, with the slice that shows each best. */
import type { Point3 } from '../../arrival/study.ts';
import { applyAffine, axisStep, indexOf, scale } from '../../assembly/geometry.ts';
import type { Grid } from '../../assembly/grid.ts';
import type { Volume } from '../../assembly/volume.ts';
import type { Skipped } from '../../reasons.ts';
import type { Region } from '../findings.ts';
import { referenceTo } from '../findings-from.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import { type Candidate, centerOf } from './candidate.ts';
import { detectedFindings, type Located, regionSize } from './detection.ts';

/**
 * @param grid of the model's input; it may reach beyond a tilted volume
 * @see detectedFindings
 */
export function volumeDetections(
  response: InferenceResponse,
  output: DetectionOutput,
  grid: Grid,
  images: Volume,
): OutputReading | Skipped {
  const locate = (candidate: Candidate): Located | undefined =>
    isInside(candidate, grid, images) ? locatedIn(candidate, grid, images) : undefined;
  return detectedFindings(response, output, { shape: grid.shape, spacingMm: grid.spacing }, locate, []);
}

function isInside(candidate: Candidate, grid: Grid, images: Volume): boolean {
  const index = indexOf(images, applyAffine(grid.affine, centerOf(candidate) as Point3));
  return index.every((place, axis) => place >= -0.5 && place <= images.shape[axis]! - 0.5);
}

function locatedIn(candidate: Candidate, grid: Grid, images: Volume): Located {
  const region = regionOf(candidate, grid, images.frameOfReferenceUid);
  const [slice] = indexOf(images, region.center);
  const nearest = Math.min(images.shape[0] - 1, Math.max(0, Math.round(slice)));
  const longest = longestExtent(region);
  const measurements = longest === undefined ? [] : [regionSize(longest)];
  return { region, measurements, evidence: [referenceTo(images, nearest)] };
}

type PatientRegion = Extract<Region, { readonly center: unknown }>;

function regionOf(candidate: Candidate, grid: Grid, frameOfReferenceUid: string): PatientRegion {
  const place = { frameOfReferenceUid, center: rounded(applyAffine(grid.affine, centerOf(candidate) as Point3)) };
  const { low, high, radiusMm } = candidate;
  if (radiusMm !== undefined) return { kind: 'patient-sphere', ...place, radiusMm: toMicrometer(radiusMm) };
  if (low.every((start, axis) => start === high[axis])) return { kind: 'patient-point', ...place };
  const edge = (axis: 0 | 1 | 2): [number, number, number] =>
    rounded(scale(axisStep(grid.affine, axis), high[axis]! - low[axis]!));
  return { kind: 'patient-box', ...place, edges: [edge(0), edge(1), edge(2)] };
}

function rounded([x, y, z]: Point3): [number, number, number] {
  return [toMicrometer(x), toMicrometer(y), toMicrometer(z)];
}

/** Far below a voxel, and the same text for the same place on every machine. */
function toMicrometer(mm: number): number {
  return Number(mm.toFixed(3)) + 0;
}

/** mm; a point has none. */
function longestExtent(region: PatientRegion): number | undefined {
  switch (region.kind) {
    case 'patient-point':
      return undefined;
    case 'patient-sphere':
      return 2 * region.radiusMm;
    case 'patient-box':
      return Math.max(...region.edges.map((edge) => Math.hypot(...edge)));
  }
}
