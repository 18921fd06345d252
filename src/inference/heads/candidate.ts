/** A row of a detection model's answer that is sure enough: where, what and how probable. */
import type { DetectionOutput } from '../model-package.ts';

export type DetectionClass = DetectionOutput['classes'][number];

export interface Candidate {
  /** Index of the class in the card. */
  readonly class: number;
  readonly label: number;
  /** After activation and calibration. */
  readonly probability: number;
  /**
   * Faces along each axis of the input, `[row, column]` or `[slice, row, column]`, as indices with fractions: voxel 0
   * reaches from -0.5 to 0.5. Both are the same of a point.
   */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Of a sphere around the point. */
  readonly radiusMm?: number;
}

/** Indices with fractions. */
export function centerOf({ low, high }: Candidate): readonly number[] {
  return low.map((start, axis) => (start + high[axis]!) / 2);
}

/** The most probable first; of the same probability, the one with the lower slice, row, column, then label. */
export function byProbability(a: Candidate, b: Candidate): number {
  if (a.probability !== b.probability) return b.probability - a.probability;
  const [from, to] = [centerOf(a), centerOf(b)];
  const axis = from.findIndex((place, at) => place !== to[at]);
  return axis < 0 ? a.label - b.label : from[axis]! - to[axis]!;
}
