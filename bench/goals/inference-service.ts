/** SVC: what the inference service costs beside the bare run of the same graph: latency, throughput, copies, restart, memory. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSession, type Session } from '../../adapters/onnxruntime/session.ts';
import { type InferenceChild, inferenceChild } from '../../adapters/open-inference/child-process.ts';
import { openInferenceEngine } from '../../adapters/open-inference/engine.ts';
import type { InferenceRequest, Tensor } from '../../src/inference/tensor.ts';
import type { InferenceEngine } from '../../src/ports.ts';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { convolutionModel, layersModel, sha256Of, writePackage } from '../../test/support/onnx-models.ts';
import type { Context } from '../harness/context.ts';
import { familyMs, type Sample, timed } from '../harness/processor-time.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { never } from '../product.ts';
import { INFERENCE_ENTRY } from '../reading.ts';

const THREADS = 2;
const BARE = 'bare run, 128³ FP32';
const SERVED = 'through the service, 128³ FP32';
const COPIED = 'input and output copied once';
const BARE_ROWS = '16 bare runs of one row';
const REBORN = 'killed in idleness, next answer';
const CLIENTS = [1, 4, 16] as const;
const BARE_VOLUMES = '4 bare runs, 128³ FP32';
const VOLUMES_AT_ONCE = [1, 4] as const;
const volumes = (clients: number): string => `4 volumes of 128³, ${clients} at a time`;
const plain = (clients: number): string => `16 rows, ${clients} at a time`;
const joined = (clients: number): string => `16 rows, ${clients} at a time, batched`;

const wall = (line: string, limit: string) => (samples: Readonly<Record<string, Sample>>) =>
  samples[line]!.wallMs / samples[limit]!.wallMs;
const none = { kind: 'none' } as const;
/** 0.95 of the bare throughput. */
const throughput = { kind: 'at-most', value: 1 / 0.95 } as const;
const QUESTIONS: readonly Question[] = [
  {
    goal: 'SVC',
    title: 'service / bare run, 128³ float output',
    target: { kind: 'at-most', value: 1.05 },
    unit: 'ratio',
    measure: wall(SERVED, BARE),
  },
  {
    goal: 'SVC',
    title: 'processor time beside the run, in copies of input and output',
    target: none,
    unit: 'ratio',
    measure: (samples) => (samples[SERVED]!.cpuMs - samples[BARE]!.cpuMs) / samples[COPIED]!.wallMs,
  },
  ...VOLUMES_AT_ONCE.map((clients): Question => {
    const measure = wall(volumes(clients), BARE_VOLUMES);
    return { goal: 'SVC', title: `${volumes(clients)} / bare`, target: throughput, unit: 'ratio', measure };
  }),
  ...CLIENTS.flatMap((clients): Question[] => [
    {
      goal: 'SVC',
      title: `${plain(clients)} / bare`,
      target: throughput,
      unit: 'ratio',
      measure: wall(plain(clients), BARE_ROWS),
    },
    {
      goal: 'SVC',
      title: `${joined(clients)} / bare`,
      target: none,
      unit: 'ratio',
      measure: wall(joined(clients), BARE_ROWS),
    },
  ]),
  {
    goal: 'SVC',
    title: 'from the kill of the service to the next answer',
    target: none,
    unit: 'ms',
    measure: (samples) => samples[REBORN]!.wallMs,
  },
];

export async function inferenceService({ bench, quick }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'wetread-bench-')), (path) =>
    rmSync(path, { recursive: true }),
  );
  const network = stack.adopt(await openBare(folder, 'network', convolutionModel()), release);
  const layers = stack.adopt(await openBare(folder, 'layers', layersModel()), release);
  await openBare(folder, 'joined', layersModel()).then(release);
  const options = ['--queue', '16', '--threads', String(THREADS), '--batching', 'joined=16:2', '--log-level', 'silent'];
  const service = stack.use(await startInferenceService(folder, ...options));
  const engine = stack.adopt(
    openInferenceEngine({ url: service.url, timeoutMs: 300_000, tensors: 'binary' }),
    (opened) => opened.close(),
  );
  const child = stack.adopt(childOf(folder), (started) => started.close());
  const volume = requestOf('network', quick ? [1, 1, 32, 32, 32] : [1, 1, 128, 128, 128]);
  for (const request of [volume, rowOf('layers'), rowOf('joined')]) await engine.infer(request, never);
  await bench.compare(QUESTIONS, lines({ network, layers, engine, child, volume }));
  process.stderr.write(`${await memoryText(service, engine, volume)}\n`);
}

interface Parts {
  readonly network: Session;
  readonly layers: Session;
  readonly engine: InferenceEngine;
  readonly child: InferenceChild;
  readonly volume: InferenceRequest;
}

function lines({ network, layers, engine, child, volume }: Parts): readonly Line[] {
  const row = rowOf('layers');
  return [
    { name: BARE, role: 'limit', run: () => timed(() => network.run(volume.inputs, volume.outputs)) },
    { name: SERVED, role: 'product', run: () => ofFamily(() => engine.infer(volume, never)) },
    { name: COPIED, role: 'part', run: () => timed(async () => copied(volume.inputs[0]!)) },
    { name: BARE_VOLUMES, role: 'limit', run: () => timed(() => inTurn(4, network, volume)) },
    ...VOLUMES_AT_ONCE.map((clients): Line => {
      return { name: volumes(clients), role: 'product', run: () => ofFamily(() => many(4, engine, volume, clients)) };
    }),
    { name: BARE_ROWS, role: 'limit', run: () => timed(() => inTurn(16, layers, row)) },
    ...CLIENTS.flatMap((clients): Line[] => [
      { name: plain(clients), role: 'product', run: () => ofFamily(() => many(16, engine, row, clients)) },
      { name: joined(clients), role: 'part', run: () => ofFamily(() => many(16, engine, rowOf('joined'), clients)) },
    ]),
    { name: REBORN, role: 'part', run: () => reborn(child, row) },
  ];
}

function copied({ data }: Tensor): void {
  for (let time = 0; time < 2; time += 1) new Uint8Array(data.byteLength).set(new Uint8Array(data.buffer));
}

/** Processor time of everything that this process has started. */
async function ofFamily(work: () => Promise<unknown>): Promise<Sample> {
  const before = familyMs() ?? 0;
  const { wallMs } = await timed(work);
  return { wallMs, cpuMs: (familyMs() ?? 0) - before };
}

async function inTurn(runs: number, session: Session, { inputs, outputs }: InferenceRequest): Promise<void> {
  for (let run = 0; run < runs; run += 1) await session.run(inputs, outputs);
}

async function many(
  requests: number,
  engine: InferenceEngine,
  request: InferenceRequest,
  clients: number,
): Promise<void> {
  let left = requests;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await engine.infer(request, never);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

async function reborn(child: InferenceChild, request: InferenceRequest): Promise<Sample> {
  await child.engine.infer(request, never);
  process.kill(child.pid()!, 'SIGKILL');
  while (child.pid() !== undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  return timed(() => child.engine.infer(request, never));
}

function requestOf(model: string, shape: readonly number[]): InferenceRequest {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5);
  return { model, version: '1.0.0', inputs: [{ name: 'x', datatype: 'FP32', shape, data }], outputs: ['y'] };
}

function rowOf(model: string): InferenceRequest {
  return requestOf(model, [1, 1024]);
}

async function openBare(folder: string, name: string, bytes: Uint8Array): Promise<Session> {
  const path = writePackage(folder, name, bytes);
  return openSession({ path, digest: `sha256:${sha256Of(bytes)}` }, ['cpu'], THREADS);
}

function release(session: Session): Promise<void> {
  return session.release();
}

function childOf(folder: string): InferenceChild {
  return inferenceChild({
    entry: INFERENCE_ENTRY,
    modelFolders: [folder],
    providers: ['cpu'],
    threads: THREADS,
    timeoutMs: 300_000,
    logLevel: 'silent',
    log: { write: () => {} },
  });
}

/** What the service and its session process hold at most for each further volume that is inside at the same time. */
async function memoryText(
  { process: { pid } }: RunningService,
  engine: InferenceEngine,
  volume: InferenceRequest,
): Promise<string> {
  const [one, four] = [1, 4].map((clients) => async () => {
    await Promise.all(Array.from({ length: clients }, () => engine.infer(volume, never)));
    return peakMib(pid!);
  });
  const first = await one!();
  const tensors = (2 * volume.inputs[0]!.data.byteLength) / 2 ** 20;
  const each = ((await four!()) - first) / 3;
  return `SVC: the service holds ${each.toFixed(0)} MiB more for each further request of ${tensors.toFixed(0)} MiB of tensors`;
}

function peakMib(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
