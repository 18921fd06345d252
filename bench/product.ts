/** The product's own parts, as its wiring puts them together, for the lines that measure them. */
import { ThreadedFrameDecoder } from '../adapters/codecs/frame-decoder.ts';
import { dicomwebArchive } from '../adapters/dicomweb/archive.ts';
import { part10Reader, readIdentity } from '../adapters/part10/reader.ts';
import { type ClosableVoxelWorkers, voxelWorkers } from '../adapters/voxel-workers/voxel-workers.ts';
import type { Series } from '../src/arrival/study.ts';
import { assembleVolume } from '../src/assemble-series.ts';
import { type Grid, type IntensityStep, windowStep } from '../src/assembly/grid.ts';
import { isotropicGrid } from '../src/assembly/grid-axes.ts';
import type { Volume } from '../src/assembly/volume.ts';
import type { ImageArchive, Ports } from '../src/ports.ts';
import type { StudyInstanceUid } from '../src/uid.ts';

/** The model input of the goals: 1.5 mm, FP32 in a lung window. */
export const INPUT_SPACING_MM = 1.5;
export const INPUT_STEP = {
  datatype: 'FP32',
  channels: [windowStep(-1000, 400)],
  fill: -1024,
} as const satisfies IntensityStep;

export interface ModelInput {
  readonly grid: Grid;
  readonly voxels: Float32Array;
}

type Parts = Pick<Ports, 'reader' | 'decoder' | 'voxels'>;

export const never: AbortSignal = new AbortController().signal;

export class Product implements AsyncDisposable {
  readonly voxels: ClosableVoxelWorkers = voxelWorkers();
  readonly #decoder = new ThreadedFrameDecoder();

  get parts(): Parts {
    return { reader: part10Reader, decoder: this.#decoder, voxels: this.voxels };
  }

  /** A client of the archive that knows the series, as it does when a study was looked up before it is read. */
  static async archive(url: string, studyInstanceUid: StudyInstanceUid): Promise<ImageArchive> {
    const archive = dicomwebArchive({ url, identify: readIdentity });
    if ((await archive.findStudy(studyInstanceUid, never)) === undefined) throw new Error('the archive has no study');
    return archive;
  }

  async volume(archive: ImageArchive, studyInstanceUid: StudyInstanceUid, series: Series): Promise<Volume> {
    const { images: volume, skipped } = await assembleVolume(
      { ...this.parts, archive },
      studyInstanceUid,
      series,
      never,
    );
    if (volume === undefined) throw new Error(`the series was not read: ${skipped?.code}`);
    return volume;
  }

  /** Valid until the volume is released. */
  async input(volume: Volume, step: IntensityStep = INPUT_STEP): Promise<ModelInput> {
    const grid = isotropicGrid(volume, INPUT_SPACING_MM);
    const voxels = await this.voxels.resample(volume, grid, step, never);
    if (!(voxels instanceof Float32Array)) throw new Error('the model input is not FP32');
    return { grid, voxels };
  }

  release(volume: Volume): void {
    this.voxels.release(volume.voxels.buffer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.voxels.close();
    await this.#decoder.close();
  }
}
