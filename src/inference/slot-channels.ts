/** Channels of a tensor that come from further series: what is written for them, and where. */
import type { IntensityStep, LinearStep } from '../assembly/grid.ts';
import { axesOf, type TensorLayout, tensorShape } from '../assembly/layout.ts';
import { applied, type ChannelStep, linearStep } from './channel-steps.ts';
import type { VolumeInput } from './model-package.ts';
import type { SeriesSlot } from './slots.ts';
import type { ValueCounts } from './value-counts.ts';

/** Steps of the card's channels, with their places in the tensor, that are made from the slot. */
export function channelsFrom(
  { intensity }: Pick<VolumeInput, 'intensity'>,
  { name }: Pick<SeriesSlot, 'name'>,
): readonly { readonly step: ChannelStep; readonly channel: number }[] {
  const steps = 'channels' in intensity ? intensity.channels : [];
  return steps.flatMap((step, channel) => (step.slot === name ? [{ step, channel }] : []));
}

/** What the resampler writes of the volume that fills a slot: its channels alone. @param counts of that volume */
export function slotStep(input: VolumeInput, slot: SeriesSlot, counts: ValueCounts): IntensityStep {
  return {
    datatype: 'FP32',
    channels: channelsFrom(input, slot).map(({ step }) => linearStep(step, counts)),
    fill: slot.fill ?? input.fill,
    ...(input.layout && { layout: input.layout }),
    interpolation: input.interpolation ?? 'linear',
  };
}

/** A channel of an image that is `fill` everywhere: what an empty slot gives, whatever its series would have been. */
export function emptyStep(step: ChannelStep, fill: number): LinearStep {
  const everywhere = { values: Float64Array.of(fill), counts: Float64Array.of(1), total: 1 };
  const value = applied(linearStep(step, everywhere), fill);
  return { low: value, high: value, origin: 0, factor: 1, base: 0 };
}

/** A prepared tensor and how many channels it has. */
export interface Channels {
  readonly data: Float32Array;
  readonly channels: number;
}

/** Elements from which on a run of them is copied at once. */
const LONG_RUN = 32;

/** Puts channels of one tensor in their places in another; both have the layout and the grid `[slices, rows, columns]`. */
export function putChannels(
  whole: Channels,
  part: Channels,
  places: readonly number[],
  { layout, shape }: { readonly layout: TensorLayout; readonly shape: readonly [number, number, number] },
): void {
  const axis = axesOf(layout).indexOf('C');
  const run = tensorShape(layout, shape, 1)
    .slice(axis + 1)
    .reduce((product, size) => product * size, 1);
  for (const [from, to] of places.entries()) {
    const copied = { source: part, from: from * run, target: whole, to: to * run, run };
    if (run >= LONG_RUN) copyRuns(copied);
    else copyEach(copied);
  }
}

/** A channel as runs: one in `channels × run` elements, from a first place on. */
interface Copied {
  readonly source: Channels;
  readonly from: number;
  readonly target: Channels;
  readonly to: number;
  readonly run: number;
}

function copyRuns({ source, from, target, to, run }: Copied): void {
  let place = to;
  for (let at = from; at < source.data.length; at += source.channels * run) {
    target.data.set(source.data.subarray(at, at + run), place);
    place += target.channels * run;
  }
}

/** Channels that stand side by side: copying them run by run takes five times as long. */
function copyEach({ source, from, target, to, run }: Copied): void {
  const [read, written] = [source.data, target.data];
  const [step, stride] = [source.channels * run, target.channels * run];
  for (let at = from, place = to; at < read.length; at += step, place += stride) {
    for (let i = 0; i < run; i++) written[place + i] = read[at + i]!;
  }
}
