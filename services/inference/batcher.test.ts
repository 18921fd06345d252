import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { openInferenceEngine } from '../../adapters/open-inference/engine.ts';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, Tensor } from '../../src/inference/tensor.ts';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { everyDatatypeModel, negateModel, slowModel, writePackage } from '../../test/support/onnx-models.ts';
import { Batcher, type Run } from './batcher.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-batching-'));
const never = new AbortController().signal;
let service: RunningService;

before(async () => {
  withBatching(writePackage(folder, 'negate', negateModel()), { maximum: 8, delayMs: 300 });
  writePackage(folder, 'alone', negateModel());
  withBatching(writePackage(folder, 'texts', everyDatatypeModel()), { maximum: 8, delayMs: 0 });
  withBatching(writePackage(folder, 'odd', negateModel()), { maximum: 1, delayMs: 0 });
  writePackage(folder, 'slow', slowModel());
  service = await startInferenceService(folder, '--queue', '20', '--log-level', 'silent', '--batching', 'slow=4:200');
});

after(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function withBatching(graph: string, batching: object): void {
  const path = join(dirname(graph), 'card.json');
  const card = JSON.parse(readFileSync(path, 'utf8')) as { runtime: object };
  writeFileSync(path, JSON.stringify({ ...card, runtime: { ...card.runtime, batching } }));
}

function requestOf(data: Int16Array, rows: number, model = 'negate'): InferenceRequest {
  const shape = [rows, data.length / rows];
  const inputs = [{ name: 'hounsfield', datatype: 'INT16', shape, data }] as const;
  return { model, version: '1.0.0', inputs, outputs: ['negated', 'same'] };
}

async function statsOf(model: string): Promise<Record<string, unknown>> {
  const { model_stats: stats } = (await (await fetch(`${service.url}/v2/models/${model}/stats`)).json()) as {
    model_stats: { inference_count: number; execution_count: number; batch_stats: { batch_size: number }[] }[];
  };
  const { inference_count: inferences, execution_count: executions, batch_stats: batches } = stats[0]!;
  return { inferences, executions, sizes: batches.map(({ batch_size: size }) => size) };
}

test('WR-SVC-01 requests that come together are one run, and give what they give alone, bit for bit', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 30_000 });
  const requests = [1, 2, 3, 2].map((rows, at) => ({
    rows,
    data: Int16Array.from({ length: rows * 5 }, (_, index) => index * 1000 - at * 7777),
  }));
  // The graph is loaded: what is measured is one delay.
  await engine.infer(requestOf(Int16Array.of(1, 2, 3), 1, 'alone'), never);
  await fetch(`${service.url}/v2/models/negate`);
  const together = await Promise.all(requests.map(({ rows, data }) => engine.infer(requestOf(data, rows), never)));
  for (const [index, { rows, data }] of requests.entries()) {
    const alone = await engine.infer(requestOf(data, rows, 'alone'), never);
    assert.deepEqual(together[index]?.outputs, alone.outputs);
  }
  assert.deepEqual(await statsOf('negate'), { inferences: 8, executions: 1, sizes: [8] });
  assert.deepEqual(await statsOf('alone'), { inferences: 5, executions: 5, sizes: [1] });
  engine.close();
});

test('WR-SVC-01 other sizes behind the first axis, and what exceeds the maximum, are other runs', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 30_000 });
  const before = await statsOf('negate');
  const wide = Int16Array.from({ length: 12 * 3 }, (_, index) => index);
  const answers = await Promise.all([
    engine.infer(requestOf(Int16Array.of(1, 2), 1), never),
    engine.infer(requestOf(Int16Array.of(1, 2, 3), 1), never),
    engine.infer(requestOf(wide, 12), never),
  ]);
  assert.deepEqual(answers[2]?.outputs[1]?.data, wide);
  const after_ = await statsOf('negate');
  assert.equal(Number(after_['executions']) - Number(before['executions']), 3);
  engine.close();
});

test('WR-SVC-01 a graph whose rows cannot be joined is refused with the reason', async () => {
  for (const [model, reason] of [
    ['texts', /cannot be batched: (input|output) \w+ holds texts/],
    ['odd', /does not say maximum and delayMs/],
  ] as const) {
    const response = await fetch(`${service.url}/v2/models/${model}`);
    assert.equal(response.status, 422);
    assert.match(await response.text(), reason);
  }
  await assert.rejects(startInferenceService(folder, '--batching', 'negate=1:5'), /ended before it was ready/);
});

const doubled: Run = (inputs, _, signal, onStart) => {
  onStart();
  signal.throwIfAborted();
  return Promise.resolve(
    inputs.map((tensor) => ({ ...tensor, name: 'y', data: (tensor.data as Int16Array).map((v) => v * 2) })),
  );
};
const rowOf = (value: number): Tensor[] => [
  { name: 'x', datatype: 'INT16', shape: [1, 2], data: Int16Array.of(value, -value) },
];
const numbersOf = ([tensor]: readonly Tensor[]): number[] => [...(tensor!.data as Int16Array)];

test('WR-SVC-02 whoever leaves a batch leaves the others in it', async () => {
  const seen: number[] = [];
  const batcher = new Batcher({ maximum: 10, delayMs: 50 }, (inputs, ...rest) => {
    seen.push(inputs[0]!.shape[0]!);
    return doubled(inputs, ...rest);
  });
  const leave = new AbortController();
  const left = assert.rejects(batcher.infer(rowOf(1), ['y'], leave.signal), { code: 'timeout' });
  const stays = [batcher.infer(rowOf(2), ['y'], never), batcher.infer(rowOf(3), ['y'], never)];
  leave.abort(new WetreadError('timeout', 'gone'));
  await left;
  assert.deepEqual((await Promise.all(stays)).map(numbersOf), [
    [4, -4],
    [6, -6],
  ]);
  assert.deepEqual(seen, [2]);
});

test('WR-SVC-02 a run is ended when the last of its batch has left, and not before', async () => {
  const { promise: started, resolve: onStart } = Promise.withResolvers<AbortSignal>();
  const batcher = new Batcher({ maximum: 2, delayMs: 10_000 }, (_inputs, _outputs, signal) => {
    onStart(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const leaving = [new AbortController(), new AbortController()];
  const gone = leaving.map(({ signal }) => assert.rejects(batcher.infer(rowOf(1), ['y'], signal), { code: 'timeout' }));
  const run = await started;
  leaving[0]!.abort(new WetreadError('timeout', 'gone'));
  await gone[0];
  assert.equal(run.aborted, false);
  leaving[1]!.abort(new WetreadError('timeout', 'gone'));
  await gone[1];
  assert.equal(run.aborted, true);
});

test('WR-SVC-02 a run that fails fails for each of its batch; a graph that loses rows is told', async () => {
  const failing = new Batcher({ maximum: 2, delayMs: 1 }, () =>
    Promise.reject(new WetreadError('inference-failed', 'no')),
  );
  const outcomes = await Promise.allSettled([1, 2].map((value) => failing.infer(rowOf(value), ['y'], never)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  const losing = new Batcher({ maximum: 2, delayMs: 1 }, (inputs) =>
    Promise.resolve([{ ...inputs[0]!, shape: [1, 4] }]),
  );
  const both = [1, 2].map((value) => assert.rejects(losing.infer(rowOf(value), ['y'], never), /1 rows for 2/));
  await Promise.all(both);
  const unlike = [...rowOf(1), { ...rowOf(1)[0]!, name: 'z', shape: [2, 1] }];
  assert.throws(() => void failing.infer(unlike, ['y'], never), { code: 'request-invalid' });
});
