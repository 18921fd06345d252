/** Networks whose answers can be worked out, run in this process. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder } from '../../adapters/onnx-writer/graph-builder.ts';
import { floats } from '../../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../../adapters/onnx-writer/write-model.ts';
import { openSession } from '../../adapters/onnxruntime/session.ts';
import type { InferenceRequest, InferenceResponse } from '../../src/inference/tensor.ts';
import type { InferenceEngine } from '../../src/ports.ts';
import { random } from './random.ts';

const FACTS = { opset: 18, producerName: 'wetread', producerVersion: '1.0.0', description: 'a test' };
/** Any size along the three axes of space, whatever their order. */
const SPACE = ['a', 'b', 'c'] as const;

/** `image` [1, 1, …] → `scores` [1, 3, …]: two convolutions of 3 × 3 × 3, so that a voxel sees two on every side. */
export function convolutions(): Uint8Array {
  const chance = random(11);
  const weights = (count: number): number[] => Array.from({ length: count }, () => chance.between(-0.4, 0.4));
  const graph = new GraphBuilder('convolutions');
  const image = graph.input('image', 'FLOAT', [1, 1, ...SPACE]);
  const around = { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] };
  const first = graph.node('Conv', [image, graph.constant(floats(weights(4 * 27), [4, 1, 3, 3, 3]))], around);
  const hidden = graph.node('Relu', [first]);
  const scores = graph.node('Conv', [hidden, graph.constant(floats(weights(12 * 27), [3, 4, 3, 3, 3]))], around);
  graph.output(scores, 'FLOAT', [1, 3, ...SPACE], 'scores');
  return writeModel(graph, FACTS);
}

/** `image` [1, 1, …] → `scores` [1, 2, …]: 0 for background, and how far a value is above the limit. */
export function threshold(limit: number): Uint8Array {
  const graph = new GraphBuilder('threshold');
  const image = graph.input('image', 'FLOAT', [1, 1, ...SPACE]);
  const weights = graph.constant(floats([0, 1], [2, 1, 1, 1, 1]));
  const scores = graph.node('Conv', [image, weights, graph.constant(floats([0, -limit]))], { kernel_shape: [1, 1, 1] });
  graph.output(scores, 'FLOAT', [1, 2, ...SPACE], 'scores');
  return writeModel(graph, FACTS);
}

export interface LocalEngine extends InferenceEngine {
  close(): Promise<void>;
}

/** An engine with one model, whatever the request calls it. */
export async function localEngine(graph: Uint8Array): Promise<LocalEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-network-'));
  const path = join(folder, 'model.onnx');
  writeFileSync(path, graph);
  const digest = `sha256:${createHash('sha256').update(graph).digest('hex')}`;
  const session = await openSession({ path, digest }, ['cpu'], 1);
  rmSync(folder, { recursive: true });
  return {
    async infer({ inputs, outputs }: InferenceRequest): Promise<InferenceResponse> {
      return { outputs: await session.run(inputs, outputs), provider: 'cpu' };
    },
    close: () => session.release(),
  };
}
