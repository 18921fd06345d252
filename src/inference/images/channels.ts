/** Intensity steps of a card, on the values of an image: clip, range, standardise (`channelStep` of the card). */
import type { ChannelStep } from '../model-package.ts';
import type { Brightness } from './brightness.ts';

type OwnValues = Pick<Brightness, 'values' | 'counts'>;

/** @param own what the step asks of the image's own values is counted over these */
export function channelStep(step: ChannelStep, own: OwnValues): (value: number) => number {
  const clipped = clipTo(step, own);
  const { standardise } = step;
  if (standardise === undefined) return clipped;
  const { mean, standardDeviation } = standardise.kind === 'constants' ? standardise : moments(own, clipped);
  return (value) => (clipped(value) - mean) / standardDeviation;
}

function clipTo({ clip, to }: ChannelStep, own: OwnValues): (value: number) => number {
  if (clip.kind === 'none') return (value) => value;
  const [low, high] = endsOf(clip, own);
  const clipped = (value: number): number => Math.min(high, Math.max(low, value));
  if (to === undefined) return clipped;
  const scale = high > low ? (to.high - to.low) / (high - low) : 0;
  return (value) => (clipped(value) - low) * scale + to.low;
}

function endsOf(clip: Exclude<ChannelStep['clip'], { kind: 'none' }>, own: OwnValues): readonly [number, number] {
  switch (clip.kind) {
    case 'units':
      return [clip.low, clip.high];
    case 'percentiles':
      return [percentile(own, clip.low), percentile(own, clip.high)];
    case 'minimum-maximum':
      return [own.values[0] ?? 0, own.values.at(-1) ?? 0];
  }
}

/** Linear between the nearest ranks, as NumPy's `percentile` has it. */
function percentile({ values, counts }: OwnValues, percent: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const rank = (percent / 100) * Math.max(0, total - 1);
  const below = valueAt(Math.floor(rank));
  return below + (valueAt(Math.ceil(rank)) - below) * (rank - Math.floor(rank));

  function valueAt(wanted: number): number {
    let passed = 0;
    for (let i = 0; i < counts.length; i++) {
      passed += counts[i]!;
      if (passed > wanted) return values[i]!;
    }
    return values.at(-1) ?? 0;
  }
}

/** Of all pixels; an image of one value has no spread, and 1 in its place leaves zeros. */
function moments(
  { values, counts }: OwnValues,
  worth: (value: number) => number,
): { readonly mean: number; readonly standardDeviation: number } {
  let [total, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    total += counts[i]!;
    sum += counts[i]! * worth(values[i]!);
  }
  const mean = sum / Math.max(1, total);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += counts[i]! * (worth(values[i]!) - mean) ** 2;
  return { mean, standardDeviation: Math.sqrt(squares / Math.max(1, total)) || 1 };
}
