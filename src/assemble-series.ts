/**
 * A series from the archive into one volume: the part of the pipeline where bytes stream. A function of its own, so that
 * the benchmark measures exactly what a reading does.
 */
import type { Series } from './arrival/study.ts';
import { type VolumeBuilder, volumeBuilder } from './assembly/volume-builder.ts';
import { mainReason } from './not-read.ts';
import type { EncodedInstance, FrameTarget, NotRead, Ports } from './ports.ts';
import { isSkipped, reason } from './reasons.ts';
import type { StudyInstanceUid } from './uid.ts';

/**
 * Instances stream in, frames are decoded straight into their slots, then the slots are sorted. The caller releases
 * the volume's memory.
 */
export async function assembleSeries(
  ports: Pick<Ports, 'archive' | 'reader' | 'decoder' | 'voxels'>,
  studyInstanceUid: StudyInstanceUid,
  series: Series,
  signal: AbortSignal,
): Promise<ReturnType<VolumeBuilder['finish']>> {
  const { seriesInstanceUid } = series;
  let readable = 0;
  const builder = volumeBuilder(series, ports.voxels.acquire, ports.voxels.release);
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
        const one = decode(instance, frameIndex, target).finally(() => {
          decoding.delete(one);
          undecoded -= 1;
          if (undecoded === 0) ports.archive.reuse?.(bytes);
        });
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
async function abandon(builder: VolumeBuilder, decoding: Set<Promise<void>>, voxels: Ports['voxels']): Promise<void> {
  await Promise.allSettled(decoding);
  const { volume } = builder.finish();
  if (volume !== undefined) voxels.release(volume.voxels.buffer);
}

/** Enough to keep two decoders busy while the next part arrives; few enough to bound memory. */
const DECODES_IN_FLIGHT = 8;
