/** The bundled lung model as the pipeline runs it, without the process in between. */
import { join } from 'node:path';
import { chatCompletionsGenerator } from '../../adapters/chat-completions/generator.ts';
import { loadModelPackage } from '../../adapters/model-folder/model-shelf.ts';
import { graphOf } from '../../adapters/onnxruntime/graph.ts';
import { openSession } from '../../adapters/onnxruntime/session.ts';
import { encodePng } from '../../adapters/rendering/png.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { Segmentation } from '../../src/assembly/segmentation.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import type { Finding, Findings } from '../../src/inference/findings.ts';
import type { ModelPackage } from '../../src/inference/model-package.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { readSeries } from '../../src/read-series.ts';
import { isSkipped, type Skipped } from '../../src/reasons.ts';
import { sampleStudyHeader } from './sample-report.ts';

export const LUNG_PACKAGE = join(import.meta.dirname, '..', '..', 'models', 'ct-lung-density');

export interface LungReading {
  readonly findings: Findings;
  readonly segmentation: Segmentation;
}

export interface LungReader {
  readonly model: ModelPackage;
  acquire(byteLength: number): SharedArrayBuffer;
  release(volume: Volume): void;
  read(volume: Volume): Promise<LungReading | Skipped>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

export async function openLungReader(): Promise<LungReader> {
  const model = await loadModelPackage(LUNG_PACKAGE);
  const { card } = model;
  const session = await openSession(graphOf(LUNG_PACKAGE, card), ['cpu'], 2);
  const workers = voxelWorkers();
  return {
    model,
    acquire: (byteLength) => workers.acquire(byteLength),
    release: (volume) => workers.release(volume.voxels.buffer),
    close: async () => {
      await session.release();
      await workers.close();
    },
    async read(volume) {
      const text = chatCompletionsGenerator({ servers: new Map(), encode: encodePng });
      const inference = {
        async infer({ inputs, outputs }: InferenceRequest) {
          return { outputs: await session.run(inputs, outputs), provider: session.provider };
        },
      };
      const reading = await readSeries(
        { voxels: workers, inference, text },
        model,
        volume,
        sampleStudyHeader(volume),
        never,
      );
      return isSkipped(reading)
        ? reading
        : { segmentation: reading.outlines!.segmentation, findings: reading.findings };
    },
  };
}

/** The value of one measure of one finding; undefined where it has none. */
export function measuredValue(findings: Findings, finding: string, measure: string): number | undefined {
  return findingOf(findings, finding).measurements.find(({ key }) => key === measure)?.value;
}

export function findingOf(findings: Findings, key: string): Finding {
  const found = findings.findings.find((one) => one.key === key);
  if (found === undefined) throw new Error(`no finding ${key}`);
  return found;
}

/** Whether a voxel of a slice is in a segment. */
export function isInSegment(segmentation: Segmentation, segment: number, k: number, voxel: number): boolean {
  const { bits } = segmentation.segments.find(({ number }) => number === segment)!;
  return ((bits[k * segmentation.bytesPerSlice + (voxel >> 3)]! >> (voxel & 7)) & 1) === 1;
}
