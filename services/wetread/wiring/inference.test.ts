import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { startInferenceService } from '../../../test/support/inference-service.ts';
import { negateModel, writePackage } from '../../../test/support/onnx-models.ts';
import { parseConfig } from '../config.ts';
import { requireServers, wireInference } from './inference.ts';

type Card = Pick<ModelCard, 'name' | 'version' | 'runtime'>;

const own: Card = {
  name: 'negate',
  version: '1.0.0',
  runtime: { kind: 'onnx', file: 'model.onnx', sha256: '0'.repeat(64), opset: 17, deterministic: true },
};
const elsewhere: Card = {
  name: 'other-name',
  version: '7.0.0',
  runtime: { kind: 'open-inference', server: 'gpu', model: 'negate-there', deterministic: true },
};

test('WR-OIP-04 each package is run where its card says, under the name that it has there', async (t) => {
  const folders = ['here', 'there'].map((name) => mkdtempSync(join(tmpdir(), `wetread-${name}-`)));
  t.after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
  writePackage(folders[0]!, 'negate', negateModel());
  writePackage(folders[1]!, 'negate-there', negateModel(), '3.0.0');
  await using there = await startInferenceService(folders[1]!);
  const servers = { gpu: { kind: 'open-inference', url: there.url, remote: false } };
  const config = parseConfig({ inference: { servers } });
  await using stack = new AsyncDisposableStack();
  const service = { folders: [folders[0]!], log: { write: () => {} }, logLevel: 'silent' };
  const engine = await wireInference(config, [own, elsewhere], service, stack);
  for (const { name: model, version } of [own, elsewhere]) {
    const inputs = [{ name: 'hounsfield', datatype: 'INT16', shape: [1, 1], data: Int16Array.of(5) }] as const;
    const { outputs } = await engine.infer(
      { model, version, inputs, outputs: ['negated'] },
      new AbortController().signal,
    );
    assert.deepEqual(outputs[0]?.data, Float32Array.of(-5));
  }
  const { model_stats: stats } = (await (await fetch(`${there.url}/v2/models/negate-there/stats`)).json()) as {
    model_stats: { inference_count: number }[];
  };
  assert.equal(stats[0]?.inference_count, 1);
});

const server: InferenceServer = {
  kind: 'open-inference',
  url: 'http://127.0.0.1:1',
  protocol: 'http',
  tensors: 'auto',
  remote: true,
  imagesMayLeave: false,
  unmarkedImagesMayLeave: false,
  timeoutSeconds: 1,
};

test('WR-OIP-04 a server that is missing, of another kind, or outside the site without leave is named', () => {
  const complaintOf = (servers: Readonly<Record<string, InferenceServer>>): string => {
    try {
      requireServers([own, elsewhere], servers);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(complaintOf({}), /^inference\.servers\.gpu is missing: the model package other-name 7\.0\.0 names it/);
  assert.match(complaintOf({ gpu: { ...server, kind: 'openai' } }), /is of kind openai, not open-inference/);
  assert.match(complaintOf({ gpu: server }), /is remote, and imagesMayLeave is not set/);
  for (const allowed of [{ remote: false }, { imagesMayLeave: true }]) {
    assert.equal(complaintOf({ gpu: { ...server, ...allowed } }), '');
  }
});
