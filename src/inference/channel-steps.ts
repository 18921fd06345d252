/** From the intensity steps of a card to numbers: what depends on the image's own values is asked of them here. */
import type { ChannelStep } from '../../contracts/generated/types.ts';
import type { LinearStep } from '../assembly/grid.ts';
import { meanAndDeviation, percentile, type ValueCounts } from './value-counts.ts';

export type { ChannelStep } from '../../contracts/generated/types.ts';

/** Whether {@link linearStep} needs to know how often each value occurs. */
export function asksImage({ clip, standardise }: ChannelStep): boolean {
  return clip.kind === 'percentiles' || clip.kind === 'minimum-maximum' || standardise?.kind === 'image';
}

/** @param values of the whole image; none where no step {@link asksImage}. */
export function linearStep({ clip, to, standardise }: ChannelStep, values: ValueCounts): LinearStep {
  const limits = limitsOf(clip, values);
  const mapped = to === undefined ? { ...limits, ...KEPT } : mappedTo(limits, to);
  if (standardise === undefined) return mapped;
  const { mean, standardDeviation } =
    standardise.kind === 'constants' ? standardise : meanAndDeviation(values, (value) => applied(mapped, value));
  // An image of one value has no deviation: it becomes 0 everywhere.
  const divisor = standardDeviation > 0 ? standardDeviation : 1;
  return shifted(mapped, mean, divisor);
}

/** What {@link LinearStep} makes of a value. */
export function applied({ low, high, origin, factor, base }: LinearStep, value: number): number {
  return (Math.min(Math.max(value, low), high) - origin) * factor + base;
}

const KEPT = { origin: 0, factor: 1, base: 0 } as const;

interface Limits {
  readonly low: number;
  readonly high: number;
}

function limitsOf(clip: ChannelStep['clip'], values: ValueCounts): Limits {
  switch (clip.kind) {
    case 'units':
      return clip;
    case 'percentiles':
      return { low: percentile(values, clip.low), high: percentile(values, clip.high) };
    case 'minimum-maximum':
      return { low: percentile(values, 0), high: percentile(values, 100) };
    case 'none':
      return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  }
}

/** An image of one value becomes the lower end. */
function mappedTo({ low, high }: Limits, to: Limits): LinearStep {
  const factor = high > low ? (to.high - to.low) / (high - low) : 0;
  return { low, high, origin: low, factor, base: to.low };
}

/** The mean taken off where no precision is lost: of values that keep their units, before they are scaled. */
function shifted(step: LinearStep, mean: number, divisor: number): LinearStep {
  if (step.factor === 1 && step.base === 0) return { ...step, origin: step.origin + mean, factor: 1 / divisor };
  return { ...step, factor: step.factor / divisor, base: (step.base - mean) / divisor };
}
