/** The detection head: from the boxes or points of a model to located findings, class by class. */
import { MILLIMETER, REGION_SIZE } from '../../codes.ts';
import type { Skipped } from '../../reasons.ts';
import { REGION_SIZE_KEY } from '../declared-findings.ts';
import { conceptOf } from '../finding-concept.ts';
import type { Finding, Measurement } from '../findings.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import type { Candidate, DetectionClass } from './candidate.ts';
import { candidatesOf } from './candidates.ts';
import { gateDetections } from './detection-gate.ts';
import { suppressed } from './suppression.ts';

/** What the model was given. */
export interface DetectionInput {
  /** `[rows, columns]` or `[slices, rows, columns]`. */
  readonly shape: readonly number[];
  /** mm along each axis; 1 where nobody knows. */
  readonly spacingMm: readonly number[];
}

/**
 * The most probable first; a class of which nothing was found is absent.
 * @param locate undefined of a candidate whose centre lies outside the images, which is none: an input may reach beyond
 * them. @param searched evidence of what is absent
 * @returns the reason where too little, or something else, was searched
 * @throws WetreadError `inference-failed`, see {@link candidatesOf}
 */
export function detectedFindings(
  response: InferenceResponse,
  output: DetectionOutput,
  { shape, spacingMm }: DetectionInput,
  locate: (candidate: Candidate) => Located | undefined,
  searched: Finding['evidence'],
): OutputReading | Skipped {
  const unsearched = gateDetections(response, output);
  if (unsearched !== undefined) return unsearched;
  const inside = candidatesOf(response, output, shape).flatMap((candidate) => {
    const where = locate(candidate);
    return where === undefined ? [] : [{ ...candidate, where }];
  });
  const detections = suppressed(inside, output.suppression, spacingMm);
  const classes = output.classes.map((rule, at) => {
    const own = detections.filter((candidate) => candidate.class === at);
    return classFindings(rule, own, output.maximumPerClass, searched);
  });
  return {
    findings: classes.flatMap(({ findings }) => findings),
    parameters: { 'detection-threshold': String(output.threshold) },
    notes: classes.flatMap(({ notes }) => notes),
  };
}

/** Where a detection lies, and the image that shows it best. */
export type Located = Required<Pick<Finding, 'region'>> & Pick<Finding, 'measurements' | 'evidence'>;

/** Of the region that the model drew, which is not the size of what it shows. @param longest extent, mm */
export function regionSize(longest: number): Measurement {
  const value = Number(longest.toFixed(1));
  return { key: REGION_SIZE_KEY, name: REGION_SIZE_NAME, concept: REGION_SIZE, unit: MILLIMETER, value };
}

const REGION_SIZE_NAME = 'longest extent of the detected region';

interface Detection extends Candidate {
  readonly where: Located;
}

/** @param detections of the class, the most probable first */
function classFindings(
  rule: DetectionClass,
  detections: readonly Detection[],
  maximum: number,
  searched: Finding['evidence'],
): { readonly findings: readonly Finding[]; readonly notes: readonly string[] } {
  const { key, concept } = rule;
  const what = conceptOf(rule);
  if (detections.length === 0)
    return { findings: [{ key, ...what, presence: 'absent', measurements: [], evidence: searched }], notes: [] };
  const findings = detections.slice(0, maximum).map(({ label: found, probability, where }, at): Finding => {
    const laterality = rule.labels.find(({ label }) => label === found)?.laterality;
    return {
      key: `${key}-${at + 1}`,
      ...what,
      ...(laterality === undefined ? {} : { laterality }),
      presence: 'present',
      probability: Number(probability.toFixed(PROBABILITY_DECIMALS)),
      ...where,
    };
  });
  const cut = `${concept.meaning}: ${detections.length} were detected, only the ${maximum} most probable are told.`;
  return { findings, notes: detections.length > maximum ? [cut] : [] };
}

/** More would pretend a precision that no calibration has. */
const PROBABILITY_DECIMALS = 4;
