/** Detections of the same thing: the most probable of them stays. */
import { type Extent, overlap } from '../extent.ts';
import type { DetectionOutput } from '../model-package.ts';
import { byProbability, type Candidate, centerOf } from './candidate.ts';

/**
 * Greedy non-maximum suppression within a class. The order that decides ties is that of {@link byProbability}, so that
 * the same candidates give the same detections in whatever order they came.
 * @param spacingMm of the input, along its axes
 * @returns the most probable first
 */
export function suppressed<C extends Candidate>(
  candidates: readonly C[],
  rule: DetectionOutput['suppression'],
  spacingMm: readonly number[],
): readonly C[] {
  const kept: C[] = [];
  for (const candidate of candidates.toSorted(byProbability)) {
    const isKnown = kept.some((other) => other.class === candidate.class && areSame(candidate, other, rule, spacingMm));
    if (!isKnown) kept.push(candidate);
  }
  return kept;
}

function areSame(
  a: Candidate,
  b: Candidate,
  rule: DetectionOutput['suppression'],
  spacingMm: readonly number[],
): boolean {
  switch (rule?.kind) {
    case undefined:
      return false;
    case 'overlap':
      return overlap(extentMm(a, spacingMm), extentMm(b, spacingMm)) > rule.maximumOverlap;
    case 'distance': {
      const [from, to] = [centerOf(a), centerOf(b)];
      const apart = Math.hypot(...from.map((place, axis) => (place - to[axis]!) * spacingMm[axis]!));
      return apart < rule.minimumDistanceMm;
    }
  }
}

/** mm along the axes of the input; of a sphere, the cube around it. */
function extentMm({ low, high, radiusMm = 0 }: Candidate, spacingMm: readonly number[]): Extent {
  return {
    low: low.map((place, axis) => place * spacingMm[axis]! - radiusMm),
    high: high.map((place, axis) => place * spacingMm[axis]! + radiusMm),
  };
}
