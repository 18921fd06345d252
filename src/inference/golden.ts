/** Golden cases: inputs whose outputs are known, run where a package is to run. */
import type { GoldenTolerance } from '../../contracts/generated/types.ts';
import type { Tensor } from './tensor.ts';

export type { GoldenCase, GoldenTensor } from '../../contracts/generated/types.ts';

/** How an output compares with the one that is expected. */
export interface Comparison {
  readonly output: string;
  readonly holds: boolean;
  readonly elements: number;
  /** Further apart than the tolerance; NaN differs from everything but NaN. */
  readonly differing: number;
  readonly largestDifference: number;
  /** Why values were not compared. */
  readonly mismatch?: string;
}

export function compareTensor(expected: Tensor, actual: Tensor | undefined, tolerance: GoldenTolerance): Comparison {
  const elements = expected.data.length;
  const common = { output: expected.name, elements };
  const mismatch = mismatchOf(expected, actual);
  if (mismatch !== undefined || actual === undefined)
    return { ...common, holds: false, differing: elements, largestDifference: Number.NaN, mismatch: mismatch! };
  let differing = 0;
  let largestDifference = 0;
  for (let i = 0; i < elements; i++) {
    const apart = distance(Number(expected.data[i]), Number(actual.data[i]));
    if (apart > tolerance.absolute) differing += 1;
    if (apart > largestDifference) largestDifference = apart;
  }
  const holds = differing * 100 <= tolerance.differingPercent * elements;
  return { ...common, holds, differing, largestDifference };
}

function mismatchOf(expected: Tensor, actual: Tensor | undefined): string | undefined {
  if (actual === undefined) return 'is missing';
  if (actual.datatype !== expected.datatype) return `is ${actual.datatype}, expected ${expected.datatype}`;
  if (actual.shape.join() === expected.shape.join()) return undefined;
  return `has shape [${actual.shape.join(', ')}], expected [${expected.shape.join(', ')}]`;
}

function distance(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const apart = Math.abs(a - b);
  return Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
}
