import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { encodeResult } from './codec.ts';
import { type EngineOptions, type OpenInferenceEngine, openInferenceEngine } from './engine.ts';

const never = new AbortController().signal;
const request: InferenceRequest = {
  model: 'ct lung',
  version: '1.0',
  inputs: [{ name: 'x', datatype: 'INT16', shape: [4], data: Int16Array.of(1, 2, 3, 4) }],
  outputs: ['y'],
};
const y = { name: 'y', datatype: 'UINT8', shape: [2], data: Uint8Array.of(7, 8) } as const;
const encoded = encodeResult({
  model: 'ct lung',
  version: '1.0',
  parameters: {},
  outputs: [{ tensor: y, binary: true }],
});
const answer = Buffer.concat(encoded.chunks);

/** A server that behaves as the test says, and a client of it. */
async function against(
  t: TestContext,
  behave: RequestListener,
  timeoutMs = 10_000,
  more: Partial<EngineOptions> = {},
): Promise<OpenInferenceEngine> {
  const server = createServer(behave);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const engine = openInferenceEngine({ url, timeoutMs, tensors: 'binary', ...more });
  t.after(() => {
    engine.close();
    server.closeAllConnections();
    server.close();
  });
  return engine;
}

test('WR-INF-15 any server of the protocol: no length, other parameters, names to be escaped', async (t) => {
  let seen = '';
  const engine = await against(t, (incoming, response) => {
    if (incoming.url === '/v2') return void response.end('{"name":"any/server\\n","version":"3"}');
    let received = 0;
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.byteLength;
    });
    incoming.on('end', () => {
      const { 'accept-encoding': encoding, 'content-length': length } = incoming.headers;
      seen = [incoming.method, incoming.url, encoding, received === Number(length)].join(' ');
      response.writeHead(200, encoded.headers);
      response.write(answer.subarray(0, 5));
      response.end(answer.subarray(5));
    });
  });
  const { outputs, provider } = await engine.infer(request, never);
  assert.equal(seen, 'POST /v2/models/ct%20lung/versions/1.0/infer identity true');
  assert.deepEqual([...(outputs[0]!.data as Uint8Array)], [7, 8]);
  assert.ok(outputs[0]?.data.buffer instanceof SharedArrayBuffer);
  assert.equal(provider, 'anyserver 3');
});

const FAULTS: readonly [what: string, code: string, retryable: boolean, behave: RequestListener][] = [
  ['400', 'inference-failed', false, (_, r) => r.writeHead(400).end('{"error":"shape"}')],
  ['404', 'inference-failed', false, (_, r) => r.writeHead(404).end('<html>')],
  ['500', 'inference-failed', false, (_, r) => r.writeHead(500).end('{"error":"out of memory"}')],
  ['429', 'overloaded', true, (_, r) => r.writeHead(429).end()],
  ['503', 'overloaded', true, (_, r) => r.writeHead(503).end()],
  ['502 of a proxy', 'inference-unreachable', true, (_, r) => r.writeHead(502).end()],
  ['redirect', 'inference-failed', false, (_, r) => r.writeHead(302, { location: 'http://127.0.0.2/' }).end()],
  ['no answer', 'inference-unreachable', true, (q) => q.socket.destroy()],
  [
    'answer cut off',
    'inference-unreachable',
    true,
    (_, r) => {
      r.writeHead(200, { ...encoded.headers, 'content-length': answer.byteLength });
      r.write(answer.subarray(0, 20), () => r.destroy());
    },
  ],
  ['answer of another shape', 'inference-failed', false, (_, r) => r.writeHead(200).end('{"outputs":[]}')],
  ['answer without sense', 'inference-failed', false, (_, r) => r.writeHead(200).end('ok')],
];
for (const [what, code, retryable, behave] of FAULTS) {
  test(`WR-INF-15 ${what}: ${code}`, async (t) => {
    const engine = await against(t, behave);
    await assert.rejects(engine.infer(request, never), (error: WetreadError) => {
      assert.deepEqual([error.code, error.retryable], [code, retryable]);
      return true;
    });
  });
}

test('WR-INF-15 a server that never answers: timeout; an attempt that is given up: its own reason', async (t) => {
  const engine = await against(t, () => undefined, 200);
  await assert.rejects(engine.infer(request, never), { code: 'timeout' });
  const given = AbortSignal.abort(new WetreadError('lease-lost', 'taken over'));
  await assert.rejects(engine.infer(request, given), { code: 'lease-lost' });
});

test('WR-INF-15 an answer beyond the limit is not taken into memory', async (t) => {
  const server = createServer((_, response) => response.writeHead(200, { 'content-length': 1e12 }).write('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const engine = openInferenceEngine({
    url: `http://127.0.0.1:${port}`,
    timeoutMs: 5000,
    maxResponseBytes: 1000,
    tensors: 'binary',
  });
  t.after(() => {
    engine.close();
    server.closeAllConnections();
    server.close();
  });
  await assert.rejects(engine.infer(request, never), { code: 'inference-failed' });
});

test('WR-OIP-05 a server that does not list binary tensors is sent JSON, whose integers keep 64 bits both ways', async (t) => {
  const asked: string[] = [];
  const engine = await against(
    t,
    (incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url}`);
      if (incoming.url === '/v2') return void response.end('{"name":"plain","version":"1","extensions":[]}');
      assert.equal(incoming.headers['content-type'], 'application/json');
      let body = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      incoming.on('end', () => {
        assert.match(body, /"data":\[9223372036854775807,-9223372036854775808,9007199254740993,3\]/);
        const wire = '[9223372036854775807,-9223372036854775808,9007199254740993,3]';
        const output = `{"name":"y","shape":[4],"datatype":"INT64","data":${wire}}`;
        response.end(`{"parameters":null,"outputs":[${output}]}`);
      });
    },
    10_000,
    { tensors: 'auto' },
  );
  const data = BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 3n);
  const inputs = [{ name: 'x', datatype: 'INT64', shape: [4], data }] as const;
  for (let time = 0; time < 2; time += 1) {
    const { outputs, provider } = await engine.infer({ model: 'm', inputs, outputs: ['y'] }, never);
    assert.deepEqual(outputs[0]?.data, data);
    assert.equal(provider, 'plain 1');
  }
  // What the server is, is asked for once; without a version the choice is the server's.
  assert.deepEqual(asked, ['GET /v2', 'POST /v2/models/m/infer', 'POST /v2/models/m/infer']);
});
