/** The detection head: from the boxes or points of a model to located findings in the patient's frame of reference. */

import type { Point3 } from '../../arrival/study.ts';
import { applyAffine, axisStep, indexOf, scale } from '../../assembly/geometry.ts';
import type { Grid } from '../../assembly/grid.ts';
import type { Volume } from '../../assembly/volume.ts';
import { MILLIMETER, REGION_SIZE } from '../../codes.ts';
import type { Skipped } from '../../reasons.ts';
import type { Finding, Measurement, Region } from '../findings.ts';
import { referenceTo } from '../findings-from.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import { type Candidate, centerOf, type DetectionClass } from './candidate.ts';
import { candidatesOf } from './candidates.ts';
import { gateDetections } from './detection-gate.ts';
import { suppressed } from './suppression.ts';

/**
 * What was found in a volume, class by class, the most probable first; a class of which nothing was found is absent.
 * Candidates whose centre lies outside the images are none: a model's grid may reach beyond a tilted volume.
 * @param grid of the model's input
 * @returns the reason where too little, or something else, was searched
 * @throws WetreadError `inference-failed`, see {@link candidatesOf}
 */
export function volumeDetections(
  response: InferenceResponse,
  output: DetectionOutput,
  grid: Grid,
  images: Volume,
): OutputReading | Skipped {
  const unsearched = gateDetections(response, output);
  if (unsearched !== undefined) return unsearched;
  const inside = candidatesOf(response, output, grid.shape).filter((candidate) => isInside(candidate, grid, images));
  const detections = suppressed(inside, output.suppression, grid.spacing);
  const located = (candidate: Candidate): Located => locatedIn(candidate, grid, images);
  const classes = output.classes.map((rule, at) =>
    classFindings(
      rule,
      detections.filter((candidate) => candidate.class === at),
      output.maximumPerClass,
      located,
    ),
  );
  return {
    findings: classes.flatMap(({ findings }) => findings),
    parameters: { 'detection-threshold': String(output.threshold) },
    notes: classes.flatMap(({ notes }) => notes),
  };
}

/** Where a detection lies, and the image that shows it best. */
type Located = Required<Pick<Finding, 'region'>> & Pick<Finding, 'measurements' | 'evidence'>;

/** @param detections of the class, the most probable first */
export function classFindings(
  rule: DetectionClass,
  detections: readonly Candidate[],
  maximum: number,
  located: (candidate: Candidate) => Located,
): { readonly findings: readonly Finding[]; readonly notes: readonly string[] } {
  const { key, category, concept, site } = rule;
  const what = { category, concept, ...(site === undefined ? {} : { site }) };
  if (detections.length === 0)
    return { findings: [{ key, ...what, presence: 'absent', measurements: [], evidence: [] }], notes: [] };
  const findings = detections.slice(0, maximum).map((candidate, at): Finding => {
    const laterality = rule.labels.find(({ label }) => label === candidate.label)?.laterality;
    return {
      key: `${key}-${at + 1}`,
      ...what,
      ...(laterality === undefined ? {} : { laterality }),
      presence: 'present',
      probability: Number(candidate.probability.toFixed(PROBABILITY_DECIMALS)),
      ...located(candidate),
    };
  });
  const cut = `${concept.meaning}: ${detections.length} were detected, only the ${maximum} most probable are told.`;
  return { findings, notes: detections.length > maximum ? [cut] : [] };
}

/** More would pretend a precision that no calibration has. */
const PROBABILITY_DECIMALS = 4;

function isInside(candidate: Candidate, grid: Grid, images: Volume): boolean {
  const index = indexOf(images, applyAffine(grid.affine, centerOf(candidate) as Point3));
  return index.every((place, axis) => place >= -0.5 && place <= images.shape[axis]! - 0.5);
}

function locatedIn(candidate: Candidate, grid: Grid, images: Volume): Located {
  const region = regionOf(candidate, grid, images.frameOfReferenceUid);
  const [slice] = indexOf(images, region.center);
  const nearest = Math.min(images.shape[0] - 1, Math.max(0, Math.round(slice)));
  return { region, measurements: sizeOf(region), evidence: [referenceTo(images, nearest)] };
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

const REGION_SIZE_NAME = 'longest extent of the detected region';

/** Of the region that the model drew, which is not the size of what it shows. */
function sizeOf(region: PatientRegion): Measurement[] {
  const longest = longestExtent(region);
  if (longest === undefined) return [];
  return [
    {
      key: 'region-size',
      name: REGION_SIZE_NAME,
      concept: REGION_SIZE,
      unit: MILLIMETER,
      value: Number(longest.toFixed(1)),
    },
  ];
}

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
