/** MLServer and KServe's Python server run models of packages that have no graph of their own. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type OpenInferenceEngine, openInferenceEngine } from '../../adapters/open-inference/engine.ts';
import { grpcInferenceEngine } from '../../adapters/open-inference/grpc-engine.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { wetread } from '../support/command-line.ts';
import {
  type ForeignServer,
  type RunningForeignServer,
  startForeignServer,
  withoutServer,
} from '../support/foreign-servers.ts';
import { LUNG_PACKAGE } from '../support/lung-reading.ts';
import { copyPackage, editCard, seal } from '../support/model-package.ts';
import { everyDatatypeModel } from '../support/onnx-models.ts';

const never = new AbortController().signal;
const home = mkdtempSync(join(tmpdir(), 'wetread-foreign-'));
after(() => rmSync(home, { recursive: true }));

const WHOLE = BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n, -1n, 2n ** 63n - 1n);
/** Of rank 2: MLServer's codec gives tensors of rank 1 another axis. */
const EVERY: InferenceRequest = {
  model: 'every',
  inputs: [
    { name: 'toINT64', datatype: 'INT64', shape: [1, 4], data: WHOLE },
    { name: 'toUINT64', datatype: 'UINT64', shape: [1, 1], data: BigUint64Array.of(2n ** 64n - 1n) },
    { name: 'toFP32', datatype: 'FP32', shape: [1, 3], data: Float32Array.of(0.1, -1e30, 0) },
    { name: 'toUINT8', datatype: 'UINT8', shape: [1, 2], data: Uint8Array.of(0, 255) },
    { name: 'toINT16', datatype: 'INT16', shape: [1, 2], data: Int16Array.of(-32768, 32767) },
    { name: 'toBOOL', datatype: 'BOOL', shape: [1, 2], data: Uint8Array.of(1, 0) },
  ],
  outputs: ['fromINT64', 'fromUINT64', 'fromFP32', 'fromUINT8', 'fromINT16', 'fromBOOL'],
};

async function start(server: ForeignServer): Promise<RunningForeignServer> {
  const folder = join(home, server);
  mkdirSync(folder);
  const every = join(home, `${server}.onnx`);
  writeFileSync(every, everyDatatypeModel(['INT64', 'UINT64', 'FP32', 'UINT8', 'INT16', 'BOOL'], [1]));
  return startForeignServer(server, { every, lungs: join(LUNG_PACKAGE, 'lungs.onnx') }, folder);
}

async function requireEvery(engine: OpenInferenceEngine): Promise<string> {
  const { outputs, provider } = await engine.infer(EVERY, never);
  const byName = new Map(outputs.map((tensor) => [tensor.name, tensor]));
  for (const { name, datatype, shape, data } of EVERY.inputs) {
    const from = name.replace('to', 'from');
    assert.deepEqual(byName.get(from), { name: from, datatype, shape, data });
  }
  await assert.rejects(engine.infer({ ...EVERY, model: 'absent' }, never), { code: 'inference-failed' });
  engine.close();
  return provider;
}

/** The bundled package without its graph, run by the server; its golden case and the doctor, from the command line. */
async function requirePackage(server: object, label: string): Promise<string> {
  const folder = join(home, label, 'models', 'lungs');
  mkdirSync(join(home, label, 'models'), { recursive: true });
  copyPackage(folder);
  rmSync(join(folder, 'lungs.onnx'));
  editCard(folder, (card) => {
    Object.assign(card, {
      name: 'lungs-elsewhere',
      runtime: { kind: 'open-inference', server: 'elsewhere', model: 'lungs', deterministic: true },
    });
  });
  await seal(folder);
  const config = join(home, label, 'wetread.json');
  const entry = { kind: 'open-inference', remote: false, ...server };
  const settings = {
    dataDirectory: join(home, label, 'data'),
    models: [join(home, label, 'models')],
    bundledModels: false,
    inference: { servers: { elsewhere: entry } },
  };
  writeFileSync(config, JSON.stringify(settings));
  const golden = await wetread(['models', 'test', '--config', config]);
  assert.equal(golden.code, 0, golden.stdout + golden.stderr);
  assert.match(golden.stdout, /✓ lungs-elsewhere .* chest[\s\S]*0 of 931840 values differ/);
  const { stdout, code } = await wetread(['doctor', '--config', config]);
  assert.equal(code, 0, stdout);
  return stdout;
}

test('WR-OIP-01 MLServer, which has JSON alone over HTTP: 64 bits are kept; raw over gRPC', {
  skip: withoutServer('mlserver'),
}, async () => {
  await using server = await start('mlserver');
  const about = await requireEvery(openInferenceEngine({ url: server.httpUrl, timeoutMs: 60_000 }));
  assert.equal(about, 'mlserver 1.7.1');
  assert.equal(await requireEvery(grpcInferenceEngine({ url: server.grpcUrl, timeoutMs: 60_000 })), about);
  const overHttp = await requirePackage({ url: server.httpUrl }, 'mlserver-http');
  assert.match(overHttp, /mlserver 1\.7\.1, over http, tensors as JSON/);
  assert.match(overHttp, /lungs is there/);
});

test('WR-OIP-02 KServe’s Python server: JSON, binary where the site says so, gRPC', {
  skip: withoutServer('kserve'),
}, async () => {
  await using server = await start('kserve');
  for (const tensors of ['auto', 'binary'] as const) {
    await requireEvery(openInferenceEngine({ url: server.httpUrl, timeoutMs: 60_000, tensors }));
  }
  await requireEvery(grpcInferenceEngine({ url: server.grpcUrl, timeoutMs: 60_000 }));
  const overGrpc = await requirePackage({ url: server.grpcUrl, protocol: 'grpc' }, 'kserve');
  assert.match(overGrpc, /kserve 0\.21\.0, over grpc, tensors in binary/);
});
