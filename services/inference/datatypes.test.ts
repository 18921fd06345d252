import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openInferenceEngine } from '../../adapters/open-inference/engine.ts';
import { toJson } from '../../adapters/open-inference/tensor-codec.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { textElements } from '../../src/inference/text-elements.ts';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { bfloat16Model, everyDatatypeModel, writePackage } from '../../test/support/onnx-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-datatypes-'));
let service: RunningService;

before(async () => {
  writePackage(folder, 'every', everyDatatypeModel());
  writePackage(folder, 'bfloat16', bfloat16Model());
  service = await startInferenceService(folder);
});

after(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Values at the ends of each range that JSON carries as well. */
const INPUTS: readonly Tensor[] = [
  { name: 'toBOOL', datatype: 'BOOL', shape: [3], data: Uint8Array.of(0, 1, 1) },
  { name: 'toUINT8', datatype: 'UINT8', shape: [2], data: Uint8Array.of(0, 255) },
  { name: 'toUINT16', datatype: 'UINT16', shape: [2], data: Uint16Array.of(0, 65535) },
  { name: 'toUINT32', datatype: 'UINT32', shape: [2], data: Uint32Array.of(0, 2 ** 32 - 1) },
  { name: 'toUINT64', datatype: 'UINT64', shape: [1], data: BigUint64Array.of(2n ** 53n - 1n) },
  { name: 'toINT8', datatype: 'INT8', shape: [2], data: Int8Array.of(-128, 127) },
  { name: 'toINT16', datatype: 'INT16', shape: [2], data: Int16Array.of(-32768, 32767) },
  { name: 'toINT32', datatype: 'INT32', shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  { name: 'toINT64', datatype: 'INT64', shape: [1], data: BigInt64Array.of(1n - 2n ** 53n) },
  { name: 'toFP16', datatype: 'FP16', shape: [4], data: Float16Array.of(-1000, 0.5, 65504, 2 ** -24) },
  { name: 'toFP32', datatype: 'FP32', shape: [2], data: Float32Array.of(0.5, -1e30) },
  { name: 'toFP64', datatype: 'FP64', shape: [1], data: Float64Array.of(Math.PI) },
  { name: 'toBYTES', datatype: 'BYTES', shape: [3], data: textElements(['', 'CT', 'Lungenödem ☢']) },
];
const OUTPUTS = INPUTS.map((tensor) => ({ ...tensor, name: tensor.name.replace('to', 'from') }));

test('WR-INF-16 every datatype that the runtime can pass goes through a graph and back, in binary', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 10_000 });
  const request = { model: 'every', version: '1.0.0', inputs: INPUTS, outputs: OUTPUTS.map(({ name }) => name) };
  const { outputs } = await engine.infer(request, new AbortController().signal);
  engine.close();
  assert.deepEqual(outputs, OUTPUTS);
});

test('WR-INF-16 every datatype that the runtime can pass goes through a graph and back, as JSON', async () => {
  const json = (tensor: Tensor): object => ({ ...tensor, data: toJson(tensor) });
  const body = JSON.stringify({ inputs: INPUTS.map(json) });
  const response = await fetch(`${service.url}/v2/models/every/infer`, { method: 'POST', body });
  const { outputs } = (await response.json()) as { outputs: { name: string }[] };
  const byName = (some: { name: string }, other: { name: string }): number => (some.name < other.name ? -1 : 1);
  assert.deepEqual(outputs.toSorted(byName), OUTPUTS.map(json).toSorted(byName as () => number));
});

test('WR-INF-16 integers of 64 bits and what JSON cannot carry travel in binary unharmed', async () => {
  const inputs = INPUTS.map((tensor) => {
    if (tensor.datatype === 'UINT64') return { ...tensor, data: BigUint64Array.of(2n ** 64n - 1n) };
    if (tensor.datatype === 'INT64') return { ...tensor, data: BigInt64Array.of(-(2n ** 63n)) };
    return tensor.datatype === 'FP16'
      ? { ...tensor, shape: [3], data: Float16Array.of(Number.NaN, -Infinity, -0) }
      : tensor;
  });
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 10_000 });
  const request = { model: 'every', version: '1.0.0', inputs, outputs: ['fromUINT64', 'fromINT64', 'fromFP16'] };
  const { outputs } = await engine.infer(request, new AbortController().signal);
  engine.close();
  assert.deepEqual(
    outputs.map(({ data }) => [...(data as Iterable<number | bigint>)]),
    [[2n ** 64n - 1n], [-(2n ** 63n)], [Number.NaN, -Infinity, -0]],
  );
});

test('WR-INF-16 a graph of another datatype is refused with the reason', async () => {
  const response = await fetch(`${service.url}/v2/models/bfloat16`);
  assert.equal(response.status, 422);
  assert.match(await response.text(), /Unsupported data type/);
});
