/**
 * A series from the archive into one volume, or into images on their own: the part of the pipeline where bytes stream. A
 * function of its own, so that the benchmark measures exactly what a reading does.
 */
import type { Series } from './arrival/study.ts';
import type { ArrivingFrames } from './assembly/arrivals.ts';
import { imageSetBuilder } from './assembly/image-set.ts';
import { buffersOf, type ImageSet, type Images, type Volume } from './assembly/volume.ts';
import { volumeBuilder } from './assembly/volume-builder.ts';
import { mainReason } from './not-read.ts';
import type { EncodedInstance, FrameTarget, NotRead, Ports } from './ports.ts';
import { isSkipped, type Reason, reason } from './reasons.ts';
import type { StudyInstanceUid } from './uid.ts';

export interface AssemblyPorts extends Pick<Ports, 'reader' | 'decoder'> {
  readonly archive: Pick<Ports['archive'], 'retrieveSeries' | 'reuse'>;
  readonly voxels: Pick<Ports['voxels'], 'acquire' | 'release'>;
}

/** One of `images` and `skipped` is there; the caller hands the memory of `images` back with {@link releaseImages}. */
export interface Assembled<I extends Images> {
  readonly images?: I;
  readonly skipped?: Reason;
  readonly notRead: readonly NotRead[];
}

interface Builder<I extends Images> extends ArrivingFrames {
  finish(): Assembled<I>;
}

/** CT, MR or PET slices as one volume. */
export function assembleVolume(
  ports: AssemblyPorts,
  studyInstanceUid: StudyInstanceUid,
  series: Series,
  signal: AbortSignal,
): Promise<Assembled<Volume>> {
  const slices = volumeBuilder(series, ports.voxels.acquire, ports.voxels.release);
  const finish = (): Assembled<Volume> => {
    const { volume, ...others } = slices.finish();
    return volume === undefined ? others : { images: volume, ...others };
  };
  return assemble(ports, studyInstanceUid, series, { ...slices, finish }, signal);
}

/** Projections, ultrasound, photographs: each image on its own. */
export function assembleImageSet(
  ports: AssemblyPorts,
  studyInstanceUid: StudyInstanceUid,
  series: Series,
  signal: AbortSignal,
): Promise<Assembled<ImageSet>> {
  const builder = imageSetBuilder(series, ports.voxels.acquire, ports.voxels.release);
  return assemble(ports, studyInstanceUid, series, builder, signal);
}

export function releaseImages(voxels: Pick<Ports['voxels'], 'release'>, images: Images): void {
  for (const buffer of buffersOf(images)) voxels.release(buffer);
}

/** Instances stream in, frames are decoded straight into their slots, then the slots are sorted. */
async function assemble<I extends Images>(
  ports: AssemblyPorts,
  studyInstanceUid: StudyInstanceUid,
  { seriesInstanceUid }: Series,
  builder: Builder<I>,
  signal: AbortSignal,
): Promise<Assembled<I>> {
  let readable = 0;
  const unreadable: NotRead[] = [];
  const decoding = new Set<Promise<void>>();
  const decode = async (instance: EncodedInstance, frameIndex: number, target: FrameTarget): Promise<void> => {
    const failed = await ports.decoder.decodeInto(instance, frameIndex, target, signal);
    if (failed !== undefined) builder.dropped(instance, frameIndex, failed.skipped);
  };
  try {
    for await (const bytes of ports.archive.retrieveSeries(studyInstanceUid, seriesInstanceUid, signal)) {
      const instance = ports.reader.read(bytes);
      if (isSkipped(instance)) {
        unreadable.push({ seriesInstanceUid, count: 1, reason: instance.skipped });
        continue;
      }
      readable += 1;
      const placed = builder.place(instance);
      if (isSkipped(placed)) continue;
      let undecoded = placed.placements.length;
      for (const { frameIndex, target } of placed.placements) {
        const one = decode(instance, frameIndex, target).then(() => {
          decoding.delete(one);
          undecoded -= 1;
          if (undecoded === 0) ports.archive.reuse?.(bytes);
        });
        // What failed stays, and whoever waits next sees its fault; until then it is not unhandled.
        one.catch(() => {});
        decoding.add(one);
        if (decoding.size >= DECODES_IN_FLIGHT) await Promise.race(decoding);
      }
    }
    await Promise.all(decoding);
  } catch (error) {
    await abandon(builder, decoding, ports.voxels);
    throw error;
  }
  const built = builder.finish();
  const notRead = [...unreadable, ...built.notRead];
  if (readable > 0) return { ...built, notRead };
  return { skipped: mainReason(unreadable) ?? reason('no-instances'), notRead };
}

/** Memory goes back to the pool only when no decoder writes into it any more. */
async function abandon(
  builder: Builder<Images>,
  decoding: Set<Promise<void>>,
  voxels: Pick<Ports['voxels'], 'release'>,
): Promise<void> {
  await Promise.allSettled(decoding);
  const { images } = builder.finish();
  if (images !== undefined) releaseImages(voxels, images);
}

/** Enough to keep two decoders busy while the next part arrives; few enough to bound memory. */
const DECODES_IN_FLIGHT = 8;
