/** The example package of radiographs as the pipeline runs it, without the process in between. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModelPackage } from '../../adapters/model-folder/model-shelf.ts';
import { openSession } from '../../adapters/onnxruntime/session.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { ImageSet } from '../../src/assembly/volume.ts';
import { type CardOf, type ClassificationOutput, type ModelPackage, reads } from '../../src/inference/model-package.ts';
import type { Reading } from '../../src/inference/reading.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { readImages } from '../../src/read-images.ts';
import type { Skipped } from '../../src/reasons.ts';

export const HEART_PACKAGE = join(import.meta.dirname, '..', '..', 'models', 'examples', 'dx-heart-size');

/** What this card is among all that a card can be. */
export type HeartCard = CardOf<'image'> & { outputs: [ClassificationOutput] };

export function heartCard(): HeartCard {
  return JSON.parse(readFileSync(join(HEART_PACKAGE, 'card.json'), 'utf8')) as HeartCard;
}

export interface HeartReader extends AsyncDisposable {
  readonly model: ModelPackage;
  read(images: ImageSet): Promise<Reading | Skipped>;
}

const never = new AbortController().signal;

export async function openHeartReader(): Promise<HeartReader> {
  const model = await loadModelPackage(HEART_PACKAGE);
  const { card } = model;
  const { runtime } = card;
  if (runtime.kind !== 'onnx' || !reads(card, 'image')) throw new Error('the package reads no images');
  const graph = { path: join(HEART_PACKAGE, runtime.file), digest: `sha256:${runtime.sha256}` };
  const session = await openSession(graph, ['cpu'], 1);
  const inference = {
    async infer({ inputs, outputs }: InferenceRequest) {
      return { outputs: await session.run(inputs, outputs), provider: session.provider };
    },
  };
  const voxels = voxelWorkers({ threads: 1 });
  return {
    model,
    read: (images) => readImages({ inference, voxels }, { ...model, card }, images, never),
    async [Symbol.asyncDispose]() {
      await voxels.close();
      await session.release();
    },
  };
}
