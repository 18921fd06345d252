/** A series of the test data, read, decoded and assembled as the pipeline does it. */
import { readFileSync } from 'node:fs';
import type { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import type { ArrivingFrames } from '../../src/assembly/arrivals.ts';
import { isSkipped, type Reason } from '../../src/reasons.ts';

const never = new AbortController().signal;

/** @returns reasons of files that could not be read at all. */
export async function placeFiles(
  builder: ArrivingFrames,
  paths: readonly string[],
  decoder: ThreadedFrameDecoder,
): Promise<readonly Reason[]> {
  const unreadable: Reason[] = [];
  for (const path of paths) {
    const instance = part10Reader.read(readFileSync(path));
    if (isSkipped(instance)) {
      unreadable.push(instance.skipped);
      continue;
    }
    const placed = builder.place(instance);
    if (isSkipped(placed)) continue;
    for (const { frameIndex, target } of placed.placements) {
      const failed = await decoder.decodeInto(instance, frameIndex, target, never);
      if (failed !== undefined) builder.dropped(instance, frameIndex, failed.skipped);
    }
  }
  return unreadable;
}
