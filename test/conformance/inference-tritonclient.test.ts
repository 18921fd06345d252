/** NVIDIA's tritonclient drives the inference service, over HTTP and over gRPC. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningService, startInferenceService } from '../support/inference-service.ts';
import { everyDatatypeModel, negateModel, slowModel, writePackage } from '../support/onnx-models.ts';
import { runTritonClient, withoutTritonClient } from '../support/triton-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-triton-'));
let service: RunningService;

before(async () => {
  writePackage(folder, 'every', everyDatatypeModel());
  writePackage(folder, 'large', negateModel());
  writePackage(folder, 'slow', slowModel());
  service = await startInferenceService(
    folder,
    ...['--grpc-port', '0', '--model-control', 'explicit', '--shared-memory', '--log-level', 'silent'],
  );
});

after(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const DATATYPES = 'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES'.split(' ');
const allRight = Object.fromEntries(DATATYPES.map((name) => [name, true]));

for (const transport of ['http', 'grpc'] as const) {
  test(`WR-INF-22 tritonclient over ${transport}`, { skip: withoutTritonClient() }, async () => {
    const port = transport === 'http' ? service.ready.listening : service.ready.grpcPort;
    const report = await runTritonClient(transport, `127.0.0.1:${String(port)}`);
    const { live, ready, modelReady, loaded, large, after: afterwards } = report;
    assert.deepEqual([live, ready, modelReady, loaded, large, afterwards], Array(6).fill(true));
    assert.deepEqual(report['binary'], allRight);
    if (transport === 'http') assert.deepEqual(report['json'], allRight);
    assert.equal((report['server'] as { name: string }).name, 'wetread-inference');
    const sizes = transport === 'http' ? [-1, -1] : ['-1', '-1'];
    assert.deepEqual(report['metadata'], {
      name: 'large',
      versions: ['1.0.0'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'hounsfield', datatype: 'INT16', shape: sizes }],
      outputs: [
        { name: 'negated', datatype: 'FP32', shape: sizes },
        { name: 'same', datatype: 'INT16', shape: sizes },
      ],
    });
    const [notFound, invalid, late] =
      transport === 'http'
        ? ['404', '400', '504']
        : ['StatusCode.NOT_FOUND', 'StatusCode.INVALID_ARGUMENT', 'StatusCode.DEADLINE_EXCEEDED'];
    const statusOf = (part: string): unknown => (report[part] as readonly unknown[] | null)?.[0];
    assert.deepEqual(
      [statusOf('unknown'), statusOf('wrongShape'), statusOf('unloaded'), statusOf('deadline')],
      [notFound, invalid, notFound, late],
    );
    assert.deepEqual(report['sharedMemory'], {
      registered: ['input', 'output'],
      same: true,
      beyond: invalid,
      outside: [invalid, invalid, invalid, invalid],
      left: 0,
    });
    const { success, fail } = report['statistics'] as { success: number; fail: number };
    assert.ok(success >= 1);
    assert.equal(fail, 0);
    const index = transport === 'http' ? report['index'] : (report['index'] as { models: unknown }).models;
    const states = (index as { name: string; state: string }[]).map(({ name, state }) => [name, state] as const);
    assert.deepEqual(Object.fromEntries(states), { every: 'READY', large: 'READY', slow: 'READY' });
  });
}
