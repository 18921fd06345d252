/** INF: from the volume to findings through the inference service, against the same graph run bare in this process. */
import { join } from 'node:path';
import { graphOf } from '../../adapters/onnxruntime/graph.ts';
import { openSession, type Session } from '../../adapters/onnxruntime/session.ts';
import { type InferenceChild, inferenceChild } from '../../adapters/open-inference/child-process.ts';
import type { ModelPackage } from '../../src/inference/model-package.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { processorMs, type Sample, timed } from '../harness/processor-time.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { never, Product } from '../product.ts';
import { discard, INFERENCE_ENTRY, labelsOf, lungModel, MODELS, measure, prepare, read } from '../reading.ts';

export const MODEL_THREADS = 2;
const BARE = 'bare ONNX run in this process';
const SERVICE = 'round trip to the service';
const RESAMPLE = 'resample to the grid of the model';
const REFINE = 'refine and measure at native resolution';
const WHOLE = 'volume to findings';

const against = (line: string) => (samples: Readonly<Record<string, Sample>>) =>
  samples[line]!.wallMs / samples[BARE]!.wallMs;
const target = { kind: 'at-most', value: 1.15 } as const;
const QUESTIONS: readonly Question[] = [
  { goal: 'INF', title: 'volume to findings / bare ONNX run', target, unit: 'ratio', measure: against(WHOLE) },
  { goal: 'INF', title: 'of it: service round trip / bare ONNX run', target, unit: 'ratio', measure: against(SERVICE) },
];

export function bareSession({ card }: ModelPackage): Promise<Session> {
  return openSession(graphOf(join(MODELS, card.name), card), ['cpu'], MODEL_THREADS);
}

export function startService(): InferenceChild {
  return inferenceChild({
    entry: INFERENCE_ENTRY,
    modelFolders: [MODELS],
    providers: ['cpu'],
    threads: MODEL_THREADS,
    timeoutMs: 300_000,
    logLevel: 'error',
    log: { write: () => {} },
  });
}

export async function inference({ bench, replay }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const product = stack.use(new Product());
  const model = await lungModel();
  const session = stack.adopt(await bareSession(model), (opened) => opened.release());
  const service = stack.adopt(startService(), (child) => child.close());
  const { studyInstanceUid, series } = replay.phantom;
  const volume = await product.volume(await Product.archive(replay.url, studyInstanceUid), studyInstanceUid, series);
  const prepared = await prepare(product, model, volume);
  const { inputs, outputs } = prepared.request;
  const response = await service.engine.infer(prepared.request, never);
  if (!sameTensors(response.outputs, await session.run(inputs, outputs))) {
    for (const question of QUESTIONS) bench.add(unanswered(question, 'unequal', 'the service gives other labels'));
    return;
  }
  const labels = labelsOf(model, volume, prepared.grid, response);
  const withService = async (work: () => Promise<unknown>): Promise<Sample> => {
    const before = processorMs(service.pid() ?? 0) ?? 0;
    const sample = await timed(work);
    return { ...sample, cpuMs: sample.cpuMs + (processorMs(service.pid() ?? 0) ?? 0) - before };
  };
  const lines: readonly Line[] = [
    { name: BARE, role: 'limit', run: () => timed(() => session.run(inputs, outputs)) },
    { name: SERVICE, role: 'part', run: () => withService(() => service.engine.infer(prepared.request, never)) },
    {
      name: RESAMPLE,
      role: 'part',
      run: () => timed(async () => discard(product, await prepare(product, model, volume))),
    },
    { name: REFINE, role: 'part', run: () => timed(() => measure(product, model, volume, labels)) },
    { name: WHOLE, role: 'product', run: () => withService(() => read(product, model, volume, service.engine)) },
  ];
  await bench.compare(QUESTIONS, lines);
}

function sameTensors(some: readonly Tensor[], others: readonly Tensor[]): boolean {
  const bytes = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return some.length === others.length && some.every((tensor, i) => bytes(tensor).equals(bytes(others[i]!)));
}
