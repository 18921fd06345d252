/**
 * A lesion keeps its name: what a later reading detects at the place of the last draft has the key that it had there,
 * and with the key its Tracking Unique Identifier (112040, DCM), however probabilities changed their order.
 */
import { type Extent, overlap } from '../inference/extent.ts';
import type { Finding, Findings, Region } from '../inference/findings.ts';
import type { Report } from './report.ts';

/**
 * Intersection over union of the boxes around two regions. Small, as volumes of lesions that a network outlines twice
 * differ a lot, while lesions of one patient do not lie in each other.
 */
const SAME_LESION = 0.1;
/** Half the edge of the box that stands for a point: mm in the patient, pixels on an image, whose mm nobody may know. */
const REACH_OF_POINT = { mm: 5, pixels: 20 } as const;

/**
 * Detections with the keys of the last draft's, where they are the same: of the same model and class, best overlap first,
 * then in the order told. A new one has a number above those of the last draft, so that no name passes to another lesion.
 * @param classes keys that detections are numbered under
 */
export function withKnownKeys(findings: Findings, classes: readonly string[], last: Report | undefined): Findings {
  const { name } = findings.algorithm;
  const known = last?.readings.find(({ algorithm }) => algorithm.name === name)?.findings ?? [];
  const keys = new Map(
    classes.flatMap((declared) => [
      ...keysOf(detectionsOf(findings.findings, declared), detectionsOf(known, declared)),
    ]),
  );
  return {
    ...findings,
    findings: findings.findings.map((finding) => ({ ...finding, key: keys.get(finding) ?? finding.key })),
  };
}

interface Detection {
  readonly finding: Finding;
  readonly declared: string;
  readonly number: number;
  /** `-2`: the image that it is on, where each of several has its own. */
  readonly image: string;
  readonly space: string;
  readonly extent: Extent;
}

function detectionsOf(findings: readonly Finding[], declared: string): readonly Detection[] {
  return findings.flatMap((finding) => {
    const { key, region } = finding;
    const [, number, image = ''] = /^-([1-9]\d*)(-[1-9]\d*)?$/.exec(key.slice(declared.length)) ?? [];
    if (region === undefined || number === undefined || !key.startsWith(declared)) return [];
    return [{ finding, declared, number: Number(number), image, ...placeOf(region) }];
  });
}

/** Of none where the last draft has no such detection: then they keep the numbers that they have. */
function keysOf(found: readonly Detection[], known: readonly Detection[]): ReadonlyMap<Finding, string> {
  const keys = new Map<Finding, string>();
  const taken = new Set<Detection>();
  for (const [one, other] of pairs(found, known)) {
    if (keys.has(one.finding) || taken.has(other)) continue;
    keys.set(one.finding, other.finding.key);
    taken.add(other);
  }
  if (known.length === 0) return keys;
  let highest = Math.max(...known.map(({ number }) => number));
  for (const { finding, declared, image } of found)
    if (!keys.has(finding)) keys.set(finding, `${declared}-${++highest}${image}`);
  return keys;
}

/** Those that may be the same, the most alike first. */
function pairs(found: readonly Detection[], known: readonly Detection[]): readonly (readonly [Detection, Detection])[] {
  return found
    .flatMap((one) =>
      known.flatMap((other) => {
        const shared = one.space === other.space ? overlap(one.extent, other.extent) : 0;
        return shared >= SAME_LESION ? [{ pair: [one, other] as const, shared }] : [];
      }),
    )
    .sort((a, b) => b.shared - a.shared)
    .map(({ pair }) => pair);
}

/** The box around a region, and the space that its coordinates are of. */
function placeOf(region: Region): Pick<Detection, 'space' | 'extent'> {
  if ('center' in region)
    return { space: region.frameOfReferenceUid, extent: around(region.center, halfEdges(region)) };
  const { sopInstanceUid, frameNumber = 1 } = region.image;
  const space = `${sopInstanceUid} ${frameNumber}`;
  if (region.kind === 'image-box') return { space, extent: { low: region.minimum, high: region.maximum } };
  return { space, extent: around(region.point, [REACH_OF_POINT.pixels, REACH_OF_POINT.pixels]) };
}

function halfEdges(region: Extract<Region, { readonly center: unknown }>): readonly number[] {
  switch (region.kind) {
    case 'patient-point':
      return [REACH_OF_POINT.mm, REACH_OF_POINT.mm, REACH_OF_POINT.mm];
    case 'patient-sphere':
      return [region.radiusMm, region.radiusMm, region.radiusMm];
    case 'patient-box':
      return [0, 1, 2].map((axis) => region.edges.reduce((sum, edge) => sum + Math.abs(edge[axis]!) / 2, 0));
  }
}

function around(center: readonly number[], half: readonly number[]): Extent {
  return { low: center.map((at, axis) => at - half[axis]!), high: center.map((at, axis) => at + half[axis]!) };
}
