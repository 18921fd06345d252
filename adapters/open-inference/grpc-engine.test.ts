import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { negateModel, slowModel, writePackage } from '../../test/support/onnx-models.ts';
import type { OpenInferenceEngine } from './engine.ts';
import { grpcInferenceEngine } from './grpc-engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-grpc-engine-'));
const never = new AbortController().signal;
let service: RunningService;
let engine: OpenInferenceEngine;

before(async () => {
  writePackage(folder, 'negate', negateModel());
  writePackage(folder, 'slow', slowModel());
  service = await startInferenceService(folder, '--grpc-port', '0', '--queue', '1', '--log-level', 'silent');
  engine = engineOf();
});

after(async () => {
  engine.close();
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function engineOf(
  timeoutMs = 30_000,
  pause: (ms: number) => Promise<void> = () => Promise.resolve(),
): OpenInferenceEngine {
  return grpcInferenceEngine({ url: `http://127.0.0.1:${String(service.ready.grpcPort)}`, timeoutMs, pause });
}

function slow(n: number): InferenceRequest {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [n, n], data: new Float32Array(n * n) }] as const;
  return { model: 'slow', version: '1.0.0', inputs, outputs: ['y'] };
}

test('WR-OIP-03 over gRPC: metadata, tensors both ways, the server’s own version where none is named', async () => {
  assert.equal((await engine.server(never)).name, 'wetread-inference');
  const { inputs, outputs } = await engine.model('negate', undefined, never);
  assert.deepEqual(inputs, [{ name: 'hounsfield', datatype: 'INT16' }]);
  assert.deepEqual(outputs.map(({ name }) => name).sort(), ['negated', 'same']);
  const data = Int16Array.of(-32768, 0, 1, 32767);
  const answer = await engine.infer(
    { model: 'negate', inputs: [{ name: 'hounsfield', datatype: 'INT16', shape: [2, 2], data }], outputs: ['same'] },
    never,
  );
  assert.equal(answer.provider, 'cpu');
  assert.deepEqual(answer.outputs, [{ name: 'same', datatype: 'INT16', shape: [2, 2], data }]);
});

test('WR-OIP-03 over gRPC: a volume beyond every default limit', async () => {
  const data = new Int16Array(3000 * 3000).map((_, i) => i);
  const inputs = [{ name: 'hounsfield', datatype: 'INT16', shape: [3000, 3000], data }] as const;
  const { outputs } = await engine.infer({ model: 'negate', inputs, outputs: ['same'] }, never);
  assert.deepEqual(outputs[0]?.data, data);
});

test('WR-OIP-03 over gRPC: refusals, limits and an attempt that is given up are typed', async () => {
  await assert.rejects(engine.model('absent', undefined, never), { code: 'inference-failed' });
  await assert.rejects(engine.infer({ ...slow(2), inputs: [] }, never), { code: 'inference-failed' });
  const hasty = engineOf(300);
  await assert.rejects(hasty.infer(slow(2500), never), { code: 'timeout' });
  hasty.close();
  const leave = new AbortController();
  setTimeout(() => leave.abort(new WetreadError('lease-lost', 'taken over')), 100);
  await assert.rejects(engine.infer(slow(2500), leave.signal), { code: 'lease-lost' });
  await engine.infer(slow(2), never);
});

test('WR-OIP-03 over gRPC: a busy server is asked again when it says, and told as overloaded where it stays so', async () => {
  const waits: number[] = [];
  const leave = new AbortController();
  const busy = engine.infer(slow(2500), leave.signal).catch(() => undefined);
  const patient = engineOf(30_000, async (ms) => {
    waits.push(ms);
    if (waits.length < 3) return;
    leave.abort();
    await busy;
    await until(async () => (await fetchInside()) === 0);
  });
  await until(async () => (await fetchInside()) === 1);
  await patient.infer(slow(2), never);
  patient.close();
  assert.deepEqual(waits, [1000, 1000, 1000]);
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function fetchInside(): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^wetread_inference_requests (\d+)/m.exec(metrics)?.[1]);
}

test('WR-OIP-03 over gRPC: nobody there is told as unreachable', async () => {
  const absent = grpcInferenceEngine({ url: 'http://127.0.0.1:26599', timeoutMs: 5000 });
  await assert.rejects(absent.infer(slow(2), never), { code: 'inference-unreachable', retryable: true });
  absent.close();
});
