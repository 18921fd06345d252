/** A model package as the pipeline runs it on a volume, without the process in between. */
import { chatCompletionsGenerator } from '../../adapters/chat-completions/generator.ts';
import { loadModelPackage } from '../../adapters/model-folder/model-shelf.ts';
import { graphOf } from '../../adapters/onnxruntime/graph.ts';
import { openSession } from '../../adapters/onnxruntime/session.ts';
import { encodePng } from '../../adapters/rendering/png.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import type { ModelPackage } from '../../src/inference/model-package.ts';
import type { Reading } from '../../src/inference/reading.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { readSeries } from '../../src/read-series.ts';
import type { Skipped } from '../../src/reasons.ts';
import { sampleStudyHeader } from './sample-report.ts';

export interface ModelReader {
  readonly model: ModelPackage;
  acquire(byteLength: number): SharedArrayBuffer;
  release(volume: Volume): void;
  read(volume: Volume): Promise<Reading | Skipped>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

/** @param folder of the package */
export async function openModelReader(folder: string): Promise<ModelReader> {
  const model = await loadModelPackage(folder);
  const session = await openSession(graphOf(folder, model.card), ['cpu'], 2);
  const workers = voxelWorkers();
  const text = chatCompletionsGenerator({ servers: new Map(), encode: encodePng });
  const log = { write: () => {} };
  const inference = {
    async infer({ inputs, outputs }: InferenceRequest) {
      return { outputs: await session.run(inputs, outputs), provider: session.provider };
    },
  };
  return {
    model,
    acquire: (byteLength) => workers.acquire(byteLength),
    release: (volume) => workers.release(volume.voxels.buffer),
    read: (volume) =>
      readSeries({ voxels: workers, inference, text, log }, model, volume, sampleStudyHeader(volume), never),
    close: async () => {
      await session.release();
      await workers.close();
    },
  };
}
