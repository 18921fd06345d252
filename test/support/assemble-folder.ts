/** A folder of real images as a volume, as the pipeline assembles it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import type { Series } from '../../src/arrival/study.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import { volumeBuilder } from '../../src/assembly/volume-builder.ts';
import { isSkipped, type Reason } from '../../src/reasons.ts';
import { placeFiles } from './assemble-series.ts';

/** @param acquire memory that the voxel workers can read in place. */
export async function assembleFolder(
  folder: string,
  acquire: (byteLength: number) => SharedArrayBuffer,
  decoder: ThreadedFrameDecoder,
): Promise<Volume | Reason> {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  const headers = paths.flatMap((path) => {
    const instance = part10Reader.read(readFileSync(path));
    return isSkipped(instance) ? [] : [instance.header];
  });
  const series: Series = {
    seriesInstanceUid: headers[0]!.seriesInstanceUid,
    modality: headers[0]!.modality,
    instances: headers.map(({ sopInstanceUid, sopClassUid }) => ({ sopInstanceUid, sopClassUid })),
  };
  const builder = volumeBuilder(series, acquire, () => {});
  await placeFiles(builder, paths, decoder);
  const built = builder.finish();
  return built.volume ?? built.skipped!;
}
