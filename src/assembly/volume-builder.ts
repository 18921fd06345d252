/**
 * Assembles a CT, MR or PET series into one volume while its instances stream in, in any order.
 *
 * Every frame gets a slot when its header is known and is decoded straight into it; {@link VolumeBuilder.finish} sorts
 * the slots, so no voxel moves. What does not fit together is refused or set aside, always with a reason:
 *
 * | found | done |
 * |---|---|
 * | localizer, screenshot, dose page, projection, colour, mosaic, more than 16 bits | set aside |
 * | position, orientation, spacing or frame of reference missing | set aside |
 * | mixed orientation, matrix, pixel spacing, units or frame of reference | the majority is read, the rest set aside; refused without a majority |
 * | several volumes at the same positions | the first complete one is read and noted; refused where nothing tells them apart |
 * | identical slices at one position | one is read, noted |
 * | different slices at one position | refused |
 * | slices missing; distances vary by more than `SPACING_TOLERANCE` | refused |
 * | gantry tilt | read and noted: the affine carries the shear |
 * | fewer than `MINIMUM_SLICES` | refused |
 */
import type { ImageHeader, Series } from '../arrival/study.ts';
import type { NotRead } from '../ports.ts';
import { type Reason, reason } from '../reasons.ts';
import { Arrivals, type ArrivingFrames } from './arrivals.ts';
import { largestConsistentGroup } from './consistency.ts';
import { type SliceFacts, type SliceFrame, sliceFacts } from './slice-frame.ts';
import { type Stack, stackOf } from './stack.ts';
import { oneVolume } from './time-points.ts';
import type { Volume } from './volume.ts';

export interface VolumeBuilder extends ArrivingFrames {
  /**
   * Call once, when every frame is decoded. Exactly one of `volume` and `skipped` is there. The volume owns its memory:
   * release `volume.voxels.buffer` when it is no longer read.
   */
  finish(): { readonly volume?: Volume; readonly skipped?: Reason; readonly notRead: readonly NotRead[] };
}

/** @param series as the archive announced it: its number of instances sizes the memory. */
export function volumeBuilder(
  series: Series,
  allocate: (byteLength: number) => SharedArrayBuffer,
  release: (buffer: SharedArrayBuffer) => void,
): VolumeBuilder {
  const arrivals = new Arrivals<SliceFacts>(series, { allocate, release }, sliceFacts);
  return {
    place: (instance) => arrivals.place(instance),
    dropped: (instance, frameIndex, because) => arrivals.dropped(instance, frameIndex, because),
    finish() {
      const assembled = assemble(arrivals);
      const result = 'code' in assembled ? { skipped: assembled } : { volume: volumeOf(assembled, arrivals) };
      arrivals.release();
      return { ...result, notRead: arrivals.setAside.rows() };
    },
  };
}

/** Frames of one consistent volume in order, and what was noted on the way. */
interface Assembled extends Stack {
  readonly frames: readonly SliceFrame[];
}

function assemble(arrivals: Arrivals<SliceFacts>): Assembled | Reason {
  if (arrivals.excess !== undefined) return arrivals.excess;
  const all = arrivals.frames();
  if (all.length === 0) return arrivals.setAside.main() ?? reason('too-few-slices', 'no slices');
  const group = largestConsistentGroup(all);
  if ('code' in group) return group;
  const one = oneVolume(group.frames);
  if ('code' in one) return one;
  const stack = stackOf(one.frames);
  if ('code' in stack) return stack;
  for (const { frame, reason: because } of [...group.setAside, ...one.setAside]) {
    arrivals.setAside.add(frame.header, because);
  }
  return { ...stack, frames: one.frames, notes: [...one.notes, ...stack.notes] };
}

function volumeOf({ frames, affine, spacing, notes }: Assembled, arrivals: Arrivals<SliceFacts>): Volume {
  const middle = frames[Math.floor(frames.length / 2)]!;
  const { header } = middle;
  const { voxels, numbers } = arrivals.gather(frames);
  return {
    studyInstanceUid: header.studyInstanceUid,
    seriesInstanceUid: header.seriesInstanceUid,
    frameOfReferenceUid: header.frameOfReferenceUid!,
    modality: header.modality,
    shape: [frames.length, header.rows, header.columns],
    affine,
    spacing,
    voxels,
    slices: frames.map(({ header: own, frameNumber, position, slope, intercept }, k) => ({
      sopInstanceUid: own.sopInstanceUid,
      sopClassUid: own.sopClassUid,
      frameNumber,
      ...(own.instanceNumber !== undefined && { instanceNumber: own.instanceNumber }),
      imagePositionPatient: position,
      slot: numbers[k]!,
      slope,
      intercept,
    })),
    units: middle.units,
    ...commonPadding(frames),
    header: withFrame(header, middle.frameNumber),
    notes,
  };
}

/** Padding counts where every slice says the same; a value that is padding in one slice may be image in another. */
function commonPadding(frames: readonly SliceFrame[]): Pick<Volume, 'padding'> {
  const padding = frames[0]!.padding;
  const same = frames.every(({ padding: own }) => own?.low === padding?.low && own?.high === padding?.high);
  return same && padding !== undefined ? { padding } : {};
}

/** Of all frames the one in the middle of the volume: readers of `frames[0]` find it. */
function withFrame(header: ImageHeader, frameNumber: number): ImageHeader {
  return { ...header, frames: [header.frames[frameNumber - 1]!] };
}
