/** From a volume to the model's input, as the card declares it. */
import type { Grid, IntensityStep } from '../assembly/grid.ts';
import { PLAIN_LAYOUT, type TensorLayout, tensorShape } from '../assembly/layout.ts';
import { WetreadError } from '../errors.ts';
import { asksImage, type ChannelStep, linearStep } from './channel-steps.ts';
import { fixedSizes } from './input-grid.ts';
import { type CardOf, outputTensors, type VolumeInput } from './model-package.ts';
import { emptyStep } from './slot-channels.ts';
import { seriesSlots } from './slots.ts';
import type { InferenceRequest } from './tensor.ts';
import type { ValueCounts } from './value-counts.ts';

/** Whether {@link intensityStep} needs to know how often each value occurs in the volume. */
export function asksVolume({ intensity }: VolumeInput): boolean {
  return channelSteps(intensity).some((step) => step.slot === undefined && asksImage(step));
}

/**
 * What the resampler writes for this model of the volume that it reads. Channels of slots are those of empty ones: what
 * fills a slot is written over them.
 * @param counts of the volume, where {@link asksVolume}
 */
export function intensityStep(input: VolumeInput, counts: ValueCounts = NOTHING_COUNTED): IntensityStep {
  const { intensity, fill, depth } = input;
  const form = {
    fill,
    layout: inputLayout(input),
    interpolation: depth?.kind === 'sample' ? 'nearest-slice' : (input.interpolation ?? 'linear'),
  } as const;
  if (intensity.datatype === 'INT16') return { datatype: 'INT16', ...form };
  return {
    datatype: 'FP32',
    channels: channelSteps(intensity).map((step) =>
      step.slot === undefined ? linearStep(step, counts) : emptyStep(step, fillOf(input, step.slot)),
    ),
    ...form,
  };
}

function fillOf(input: VolumeInput, slot: string): number {
  return seriesSlots(input).find(({ name }) => name === slot)?.fill ?? input.fill;
}

/** For steps that ask nothing of the image. */
export const NOTHING_COUNTED: ValueCounts = { values: Float64Array.of(0), counts: Float64Array.of(1), total: 1 };

/** A window of values as 0 to 1 is one step. */
function channelSteps(intensity: VolumeInput['intensity']): readonly ChannelStep[] {
  if (intensity.datatype === 'INT16') return [];
  if ('channels' in intensity) return intensity.channels;
  const { low, high } = intensity;
  return [{ clip: { kind: 'units', low, high }, to: { low: 0, high: 1 } }];
}

/** Channels of the input's tensor. */
export function inputChannels({ intensity }: VolumeInput): number {
  return Math.max(1, channelSteps(intensity).length);
}

export function inputLayout({ layout }: VolumeInput): TensorLayout {
  return layout ?? PLAIN_LAYOUT;
}

/**
 * @param shape `[slices, rows, columns]` of the grid, or of a window of it
 * @throws WetreadError `internal` where the voxels are not what {@link intensityStep} asked for.
 */
export function inferenceRequest(
  card: CardOf<'volume'>,
  { shape }: Pick<Grid, 'shape'>,
  voxels: Int16Array | Float32Array,
): InferenceRequest {
  const { input } = card;
  const sizes = tensorShape(inputLayout(input), shape, inputChannels(input));
  const count = sizes.reduce((product, size) => product * size, 1);
  const datatype = voxels instanceof Int16Array ? 'INT16' : 'FP32';
  if (datatype !== input.intensity.datatype || voxels.length !== count)
    throw new WetreadError('internal', 'The resampled voxels do not fit the model card');
  return {
    model: card.name,
    version: card.version,
    inputs: [{ name: input.tensor, datatype, shape: sizes, data: voxels }],
    outputs: card.outputs.flatMap(outputTensors),
  };
}

/** Points along an axis whose size varies: enough for networks that halve it several times. */
const SAMPLE_SIZE = 16;

/** The smallest input that the model takes, all of it outside the image: what shows that it runs. */
export function sampleRequest(card: CardOf<'volume'>): InferenceRequest {
  const { input } = card;
  const factors = input.multipleOf ?? [1, 1, 1];
  const sizeAlong = (place: 0 | 1 | 2): number =>
    fixedSizes(input)[place] ?? Math.ceil(SAMPLE_SIZE / factors[place]) * factors[place];
  const shape = [sizeAlong(0), sizeAlong(1), sizeAlong(2)] as const;
  const count = shape[0] * shape[1] * shape[2] * inputChannels(input);
  const voxels = input.intensity.datatype === 'INT16' ? new Int16Array(count) : new Float32Array(count);
  return inferenceRequest(card, { shape }, voxels.fill(input.fill));
}
