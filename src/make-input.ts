/** A model's input over the whole grid: resampled from the series that is read and, channel by channel, from those in slots. */
import type { Grid } from './assembly/grid.ts';
import type { Volume } from './assembly/volume.ts';
import { asksImage } from './inference/channel-steps.ts';
import type { VolumeInput } from './inference/model-package.ts';
import { asksVolume, inputChannels, inputLayout, intensityStep, NOTHING_COUNTED } from './inference/prepare.ts';
import { channelsFrom, putChannels, slotStep } from './inference/slot-channels.ts';
import { type FilledSlot, filledSlots, type GivenSlot } from './inference/slots.ts';
import type { Ports } from './ports.ts';

/** The tensor lies behind the voxels of `images`: it is valid until its own buffer or theirs is released. */
export async function makeInput(
  voxels: Ports['voxels'],
  input: VolumeInput,
  images: Volume,
  given: readonly GivenSlot[],
  grid: Grid,
  signal: AbortSignal,
): Promise<Int16Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>> {
  const counts = asksVolume(input) ? await voxels.count(images, signal) : undefined;
  const data = await voxels.resample(images, grid, intensityStep(input, counts), signal);
  if (data instanceof Float32Array) {
    for (const one of filledSlots(given)) await putSlot(voxels, input, one, { data, grid }, signal);
  }
  return data;
}

/** Volumes lie in memories of their own, so that one cannot be resampled into the tensor of another: it is copied. */
async function putSlot(
  voxels: Ports['voxels'],
  input: VolumeInput,
  { slot, volume }: FilledSlot,
  { data, grid }: { readonly data: Float32Array; readonly grid: Grid },
  signal: AbortSignal,
): Promise<void> {
  const channels = channelsFrom(input, slot);
  const asks = channels.some(({ step }) => asksImage(step));
  const counts = asks ? await voxels.count(volume, signal) : NOTHING_COUNTED;
  const own = await voxels.resample(volume, grid, slotStep(input, slot, counts), signal);
  if (own instanceof Float32Array)
    putChannels(
      { data, channels: inputChannels(input) },
      { data: own, channels: channels.length },
      channels.map(({ channel }) => channel),
      { layout: inputLayout(input), shape: grid.shape },
    );
  voxels.release(own.buffer);
}
