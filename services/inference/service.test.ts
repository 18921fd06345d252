import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeRequest } from '../../adapters/open-inference/codec.ts';
import { openInferenceEngine } from '../../adapters/open-inference/engine.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { negateModel, pickModel, slowModel, writePackage } from '../../test/support/onnx-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-inference-'));
const never = new AbortController().signal;
let service: RunningService;

before(async () => {
  writePackage(folder, 'negate', negateModel());
  writePackage(folder, 'negate', negateModel(), '2.0.0');
  writePackage(folder, 'pick', pickModel());
  writePackage(folder, 'slow', slowModel());
  const damaged = writePackage(folder, 'damaged', negateModel());
  const bytes = readFileSync(damaged);
  bytes[20]! ^= 1;
  writeFileSync(damaged, bytes);
  service = await startInferenceService(folder, '--queue', '3', '--max-request-mib', '8');
});

after(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function get(path: string, init?: RequestInit): Promise<Reply> {
  const response = await fetch(service.url + path, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const init = { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
  return get(path, init);
}

const hounsfield = { name: 'hounsfield', shape: [2, 2], datatype: 'INT16', data: [-1000, 40, -1, 32767] };

/** A run of seconds, on its way when this resolves. */
function slowRequest(n = 1000): InferenceRequest {
  const data = new Float32Array(n * n).fill(1 / n);
  return {
    model: 'slow',
    version: '1.0.0',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [n, n], data }],
    outputs: ['y'],
  };
}

function binaryRequest(data: Int16Array, shape: readonly number[]): InferenceRequest {
  return {
    model: 'negate',
    version: '1.0.0',
    inputs: [{ name: 'hounsfield', datatype: 'INT16', shape, data }],
    outputs: ['same', 'negated'],
  };
}

test('WR-INF-01 health, server and model metadata are those of the Open Inference Protocol v2', async () => {
  assert.deepEqual(await get('/v2/health/live'), { status: 200, body: { live: true } });
  assert.deepEqual(await get('/v2/health/ready'), { status: 200, body: { ready: true } });
  const server = await get('/v2');
  assert.equal(server.body['name'], 'wetread-inference');
  assert.deepEqual(server.body['extensions'], ['binary_tensor_data', 'model_repository', 'statistics']);
  assert.deepEqual(await get('/v2/models/negate/versions/1.0.0'), {
    status: 200,
    body: {
      name: 'negate',
      versions: ['1.0.0', '2.0.0'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'hounsfield', datatype: 'INT16', shape: [-1, -1] }],
      outputs: [
        { name: 'negated', datatype: 'FP32', shape: [-1, -1] },
        { name: 'same', datatype: 'INT16', shape: [-1, -1] },
      ],
    },
  });
  assert.deepEqual(await get('/v2/models/negate/ready'), { status: 200, body: { name: 'negate', ready: true } });
});

test('WR-INF-02 a run with JSON tensors and the same run with binary tensors give equal results', async () => {
  const { status, body } = await post('/v2/models/negate/versions/1.0.0/infer', { id: '7', inputs: [hounsfield] });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    model_name: 'negate',
    model_version: '1.0.0',
    id: '7',
    parameters: { provider: 'cpu' },
    outputs: [
      { name: 'negated', shape: [2, 2], datatype: 'FP32', data: [1000, -40, 1, -32767] },
      { name: 'same', shape: [2, 2], datatype: 'INT16', data: hounsfield.data },
    ],
  });
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 10_000 });
  const binary = await engine.infer(binaryRequest(Int16Array.from(hounsfield.data), [2, 2]), never);
  engine.close();
  assert.equal(binary.provider, 'cpu');
  assert.deepEqual(
    binary.outputs.map((output) => [output.name, ...(output.data as Int16Array)]),
    [
      ['same', ...hounsfield.data],
      ['negated', 1000, -40, 1, -32767],
    ],
  );
});

test('WR-INF-02 outputs are chosen and each in the form that was asked for', async () => {
  const nested = { ...hounsfield, data: [hounsfield.data.slice(0, 2), hounsfield.data.slice(2)] };
  const outputs = [{ name: 'same', parameters: { binary_data: false } }];
  const mixed = await post('/v2/models/negate/infer', {
    inputs: [nested],
    outputs,
    parameters: { binary_data_output: true },
  });
  assert.deepEqual(mixed.body['outputs'], [{ name: 'same', shape: [2, 2], datatype: 'INT16', data: hounsfield.data }]);
  assert.equal(mixed.body['model_version'], '2.0.0');
});

test('WR-INF-03 every INT16 value travels there and back in binary, also from an odd position', async () => {
  const all = Int16Array.from({ length: 65536 }, (_, index) => index - 32768);
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 10_000 });
  const { outputs } = await engine.infer(binaryRequest(all, [256, 256]), never);
  engine.close();
  assert.deepEqual(outputs[0]?.data, all);
  assert.deepEqual(
    outputs[1]?.data,
    Float32Array.from(all, (value) => -value),
  );

  const json = JSON.stringify({
    inputs: [{ name: 'hounsfield', shape: [2, 2], datatype: 'INT16', parameters: { binary_data_size: 8 } }],
  });
  const odd = json.length % 2 === 0 ? `${json} ` : json;
  const body = Buffer.concat([Buffer.from(odd), Buffer.from(Int16Array.from(hounsfield.data).buffer)]);
  const response = await fetch(`${service.url}/v2/models/negate/infer`, {
    method: 'POST',
    headers: { 'inference-header-content-length': String(odd.length) },
    body,
  });
  const answer = (await response.json()) as { outputs: { data: number[] }[] };
  assert.deepEqual(answer.outputs[1]?.data, hounsfield.data);
});

const INFER = '/v2/models/negate/versions/1.0.0/infer';
const BAD: readonly [
  what: string,
  status: number,
  sentence: RegExp,
  path: string,
  body: unknown,
  headers?: Record<string, string>,
][] = [
  ['unknown model', 404, /No such model/, '/v2/models/none/infer', { inputs: [hounsfield] }],
  ['unknown version', 404, /no such version/, '/v2/models/negate/versions/9/infer', { inputs: [hounsfield] }],
  ['unknown address', 404, /No such address/, '/v3', {}],
  ['broken escape', 400, /address is not valid/, '/v2/models/%zz/infer', {}],
  ['wrong method', 405, /Only GET/, '/v2/models/negate', {}],
  ['no JSON', 400, /not JSON/, INFER, '{'],
  ['no object', 400, /not an object/, INFER, '[]'],
  ['no inputs', 400, /inputs is not a list/, INFER, {}],
  ['input missing', 400, /hounsfield is missing/, INFER, { inputs: [] }],
  ['input twice', 400, /occurs twice/, INFER, { inputs: [hounsfield, hounsfield] }],
  ['unknown input', 400, /has no input extra/, INFER, { inputs: [hounsfield, { ...hounsfield, name: 'extra' }] }],
  ['unknown output', 400, /has no output extra/, INFER, { inputs: [hounsfield], outputs: [{ name: 'extra' }] }],
  ['unknown datatype', 400, /datatype is unknown/, INFER, { inputs: [{ ...hounsfield, datatype: 'BF16' }] }],
  ['wrong datatype', 400, /is INT32, not INT16/, INFER, { inputs: [{ ...hounsfield, datatype: 'INT32' }] }],
  ['wrong rank', 400, /has shape \[4\]/, INFER, { inputs: [{ ...hounsfield, shape: [4] }] }],
  ['negative shape', 400, /shape is not/, INFER, { inputs: [{ ...hounsfield, shape: [-2, -2] }] }],
  ['vast shape', 400, /shape is too large/, INFER, { inputs: [{ ...hounsfield, shape: [2 ** 30, 2 ** 30] }] }],
  ['too few values', 400, /3 elements/, INFER, { inputs: [{ ...hounsfield, data: [1, 2, 3] }] }],
  ['other nesting', 400, /nesting/, INFER, { inputs: [{ ...hounsfield, data: [[1], [2, 3, 4]] }] }],
  ['value out of range', 400, /not INT16/, INFER, { inputs: [{ ...hounsfield, data: [1, 2, 3, 32768] }] }],
  ['value not whole', 400, /not INT16/, INFER, { inputs: [{ ...hounsfield, data: [1, 2, 3, 0.5] }] }],
  ['neither form of data', 400, /either data or/, INFER, { inputs: [{ ...hounsfield, data: undefined }] }],
  [
    'size against shape',
    400,
    /does not fit datatype and shape/,
    INFER,
    { inputs: [{ ...hounsfield, data: undefined, parameters: { binary_data_size: 7 } }] },
  ],
  [
    'binary part too short',
    400,
    /body ends before its data/,
    INFER,
    { inputs: [{ ...hounsfield, data: undefined, parameters: { binary_data_size: 8 } }] },
  ],
  [
    'JSON length beyond the body',
    400,
    /before its JSON part/,
    INFER,
    '{}',
    { 'inference-header-content-length': '99' },
  ],
  ['JSON length no number', 400, /not a number/, INFER, '{}', { 'inference-header-content-length': '-1' }],
  [
    'bytes of no tensor',
    400,
    /belong to no tensor/,
    INFER,
    '{"inputs":[]}123',
    { 'inference-header-content-length': '13' },
  ],
  ['compressed', 415, /Compressed/, INFER, '{}', { 'content-encoding': 'gzip' }],
  ['too large', 413, /8388608 bytes/, INFER, ' '.repeat(9 * 1024 * 1024)],
  [
    'run fails',
    500,
    /model reported/,
    '/v2/models/pick/infer',
    { inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [7] }] },
  ],
  [
    'NaN as JSON',
    400,
    /JSON cannot carry/,
    '/v2/models/pick/infer',
    { inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [2] }] },
  ],
];
for (const [what, status, sentence, path, body, headers] of BAD) {
  test(`WR-INF-04 refused with ${status} and a reason: ${what}`, async () => {
    const reply = await post(path, body, headers);
    assert.equal(reply.status, status);
    assert.match(String(reply.body['error']), sentence);
    assert.deepEqual(Object.keys(reply.body), ['error']);
  });
}

test('WR-INF-04 a body without a length is refused, one that is cut off frees its place', async () => {
  const chunked = httpRequest(service.url + INFER, { method: 'POST' });
  chunked.write('{');
  chunked.end('}');
  const [response] = await once(chunked, 'response');
  assert.equal(response.statusCode, 400);
  response.resume();

  for (let round = 0; round < 5; round += 1) {
    const cut = httpRequest(service.url + INFER, { method: 'POST', headers: { 'content-length': 1000 } });
    cut.on('error', () => undefined);
    cut.write('{');
    await once(cut, 'socket').then(() => new Promise((resolve) => setTimeout(resolve, 20)));
    cut.destroy();
  }
  // Three places, five requests that were cut off: a sixth is served.
  const { status } = await post(INFER, { inputs: [hounsfield] });
  assert.equal(status, 200);
});

test('WR-INF-05 more requests than may wait: 429 with Retry-After; a client that honours it is served', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 60_000 });
  const leave = new AbortController();
  const filling = Array.from({ length: 3 }, () => engine.infer(slowRequest(800), leave.signal).catch(() => undefined));
  while ((await inside()) < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  const init = { method: 'POST', body: JSON.stringify({ inputs: [hounsfield] }) };
  const response = await fetch(service.url + INFER, init);
  assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '1']);
  assert.deepEqual(await response.json(), { error: 'Too many requests are waiting' });
  const waits: number[] = [];
  const patient = openInferenceEngine({
    url: service.url,
    timeoutMs: 60_000,
    pause: async (ms) => {
      if (waits.push(ms) === 2) leave.abort();
      await Promise.all(waits.length === 2 ? filling : []);
    },
  });
  await patient.infer(binaryRequest(Int16Array.of(1, 2), [1, 2]), never);
  assert.ok(waits.length >= 2 && waits.every((ms) => ms === 1000), waits.join());
  for (const client of [engine, patient]) client.close();
});

async function inside(): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^wetread_inference_requests (\d+)/m.exec(metrics)?.[1]);
}

test('WR-INF-05 a server that stays busy is told as overloaded', async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(503, { 'retry-after': '1' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const engine = openInferenceEngine({ url, timeoutMs: 60_000, tensors: 'binary', pause: () => Promise.resolve() });
  await assert.rejects(engine.infer(slowRequest(10), never), { code: 'overloaded', retryable: true });
  engine.close();
  server.closeAllConnections();
  server.close();
});

test('WR-INF-07 health answers while a run is going on', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 60_000 });
  let running = true;
  const run = engine.infer(slowRequest(1200), never).finally(() => {
    running = false;
  });
  let answers = 0;
  while (running) {
    assert.equal((await get('/v2/health/live')).status, 200);
    if (running) answers += 1;
  }
  await run;
  engine.close();
  assert.ok(answers >= 5, `${answers} answers during the run`);
});

test('WR-INF-08 a graph with one changed byte is refused, with the reason, and the others are served', async () => {
  const ready = await get('/v2/models/damaged/ready');
  assert.equal(ready.status, 422);
  assert.equal(ready.body['ready'], false);
  assert.match(String(ready.body['error']), /differs from the digest/);
  for (const path of ['', '/versions/1.0.0']) assert.equal((await get(`/v2/models/damaged${path}`)).status, 422);
  assert.equal((await post('/v2/models/damaged/infer', { inputs: [hounsfield] })).status, 422);
  assert.equal((await get('/v2/models/negate/ready')).status, 200);
});

test('WR-INF-08 a graph that is changed after the start is not loaded', async () => {
  const path = writePackage(folder, 'late', negateModel());
  await using other = await startInferenceService(folder);
  assert.equal((await fetch(`${other.url}/v2/models/late/ready`)).status, 200);
  const bytes = readFileSync(path);
  bytes[20]! ^= 1;
  writeFileSync(path, bytes);
  const response = await fetch(`${other.url}/v2/models/late`);
  assert.equal(response.status, 422);
  assert.match(await response.text(), /differs from the digest/);
});

test('WR-INF-08 cards that say nothing, graphs elsewhere and second packages are refused by name', async (t) => {
  const odd = mkdtempSync(join(tmpdir(), 'wetread-odd-'));
  t.after(() => rmSync(odd, { recursive: true }));
  writePackage(join(odd, 'a'), 'twin', negateModel());
  writePackage(join(odd, 'b'), 'twin', negateModel());
  for (const [name, card] of [
    ['empty', '{}'],
    ['text', 'card'],
    ['outside', '{"name":"outside","version":"1","graph":{"file":"../x.onnx","sha256":""}}'],
  ] as const) {
    mkdirSync(join(odd, 'a', name));
    writeFileSync(join(odd, 'a', name, 'card.json'), card);
  }
  await using other = await startInferenceService(`${join(odd, 'a')},${join(odd, 'b')}`, '--log-level', 'silent');
  const status = async (path: string): Promise<number> => (await fetch(`${other.url}/v2/models/${path}/ready`)).status;
  for (const path of ['empty', 'text', 'outside', 'twin/versions/1.0.0%2Bsecond'])
    assert.equal(await status(path), 422);
  assert.equal(await status('twin/versions/1.0.0'), 200);
});

test('WR-INF-10 providers are searched at the start and the answer names the one that ran', async () => {
  assert.deepEqual(service.ready.providers, { found: ['cpu'], missing: [] });
  await using other = await startInferenceService(folder, '--providers', 'nonsense,cpu');
  const { found, missing } = other.ready.providers as { found: string[]; missing: { provider: string }[] };
  assert.deepEqual(found, ['cpu']);
  assert.deepEqual(
    missing.map(({ provider }) => provider),
    ['nonsense'],
  );
  await assert.rejects(startInferenceService(folder, '--providers', 'nonsense'), /ended before it was ready/);
});

test('WR-INF-12 sessions are given back after so many runs, unnoticed', async () => {
  await using other = await startInferenceService(folder, '--recycle-after', '2');
  const engine = openInferenceEngine({ url: other.url, timeoutMs: 10_000 });
  for (let run = 0; run < 7; run += 1) {
    const { outputs } = await engine.infer(binaryRequest(Int16Array.of(run, 2), [1, 2]), never);
    assert.deepEqual([...(outputs[0]!.data as Int16Array)], [run, 2]);
  }
  engine.close();
});

test('WR-INF-12 what is asked for while sessions are given back is answered', async () => {
  await using other = await startInferenceService(folder, '--recycle-after', '1');
  const engine = openInferenceEngine({ url: other.url, timeoutMs: 60_000 });
  const runs = [600, 300, 600].map((n) => engine.infer(slowRequest(n), never));
  const metadata = ['pick', 'negate', 'slow'].map((name) => fetch(`${other.url}/v2/models/${name}`));
  for (const response of await Promise.all(metadata)) assert.equal(response.status, 200);
  await Promise.all(runs);
  engine.close();
});

test('WR-INF-14 SIGTERM: the run is finished, then the process ends with 0', async () => {
  await using other = await startInferenceService(folder);
  const engine = openInferenceEngine({ url: other.url, timeoutMs: 60_000 });
  await engine.infer(slowRequest(10), never);
  const run = engine.infer(slowRequest(1000), never);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const ended = once(other.process, 'exit');
  other.process.kill('SIGTERM');
  const { outputs } = await run;
  assert.equal(outputs[0]?.data.length, 1_000_000);
  engine.close();
  assert.deepEqual(await ended, [0, null]);
});

test('a request is written as views, without joining them', () => {
  const data = new Int16Array(new SharedArrayBuffer(2000));
  const { chunks } = encodeRequest(binaryRequest(data, [1, 1000]));
  assert.equal(chunks.length, 2);
  assert.equal(chunks[0]!.byteLength % 8, 0);
  assert.equal(chunks[1]!.buffer, data.buffer);
});
