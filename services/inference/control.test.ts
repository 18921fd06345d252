import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openInferenceEngine } from '../../adapters/open-inference/engine.ts';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { negateModel, pickModel, slowModel, writePackage } from '../../test/support/onnx-models.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-control-'));
const never = new AbortController().signal;
let service: RunningService;

before(async () => {
  for (const version of ['1.0.0', '2.0.0']) writePackage(folder, 'negate', negateModel(), version);
  writePackage(folder, 'slow', slowModel());
  service = await startInferenceService(folder, '--model-control', 'explicit', '--recycle-after', '0');
});

after(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function call(method: 'GET' | 'POST', path: string, body?: object, url = service.url): Promise<Reply> {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(url + path, init);
  return { status: response.status, body: (await response.json()) as never };
}

interface Reply {
  readonly status: number;
  readonly body: { readonly error?: string; readonly model_stats: readonly Record<string, never>[] };
}

const NEGATE = { inputs: [{ name: 'hounsfield', shape: [1, 2], datatype: 'INT16', data: [1, 2] }] };
const infer = (model: string, url?: string): Promise<Reply> => call('POST', `/v2/models/${model}/infer`, NEGATE, url);

/** Seconds for 1500, many for 2500: nothing that a test waits for. */
function slow(n: number): InferenceRequest {
  const data = new Float32Array(n * n);
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [n, n], data }] as const;
  return { model: 'slow', version: '1.0.0', inputs, outputs: ['y'] };
}

/** Processes that run models for a service. */
function runnersOf({ process: { pid } }: RunningService): readonly number[] {
  return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** Resolves when a run has left the queue since `before`. */
async function running({ url }: RunningService, before: number): Promise<void> {
  while ((await queued(url)) === before) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function queued(url: string): Promise<number> {
  const { body } = await call('GET', '/v2/models/slow/stats', undefined, url);
  const [{ inference_stats: stats } = {} as never] = body.model_stats as unknown as {
    inference_stats: { queue: { count: number } };
  }[];
  return stats.queue.count;
}

async function startsOf({ url }: RunningService): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^wetread_inference_process_starts_total (\d+)/m.exec(metrics)?.[1]);
}

test('WR-INF-17 the index tells every version, and what cannot be asked says why', async () => {
  const { status, body } = await call('POST', '/v2/repository/index');
  assert.equal(status, 200);
  assert.deepEqual(body, [
    { name: 'negate', version: '1.0.0', state: 'READY', reason: '' },
    { name: 'negate', version: '2.0.0', state: 'READY', reason: '' },
    { name: 'slow', version: '1.0.0', state: 'READY', reason: '' },
  ]);
});

test('WR-INF-17 a model is unloaded and loaded; a package that has come since the start is found', async () => {
  assert.equal((await infer('negate')).status, 200);
  assert.equal((await call('POST', '/v2/repository/models/negate/unload')).status, 200);
  const gone = await infer('negate');
  assert.deepEqual([gone.status, gone.body.error], [404, 'The model has been unloaded']);
  assert.equal((await call('GET', '/v2/models/negate/ready')).status, 404);
  const ready = await call('POST', '/v2/repository/index', { ready: true });
  assert.deepEqual(ready.body, [{ name: 'slow', version: '1.0.0', state: 'READY', reason: '' }]);
  assert.equal((await call('POST', '/v2/repository/models/negate/load')).status, 200);
  assert.equal((await infer('negate')).status, 200);

  assert.equal((await call('POST', '/v2/repository/models/late/load')).status, 404);
  writePackage(folder, 'late', negateModel());
  assert.equal((await call('POST', '/v2/repository/models/late/load')).status, 200);
  assert.equal((await infer('late')).status, 200);
});

test('WR-INF-17 a package that was damaged is not loaded, and says why', async () => {
  const path = writePackage(folder, 'fragile', negateModel());
  assert.equal((await call('POST', '/v2/repository/models/fragile/load')).status, 200);
  rmSync(path);
  const { status, body } = await call('POST', '/v2/repository/models/fragile/load');
  assert.deepEqual([status, body.error], [422, 'The graph file cannot be read']);
  assert.equal((await infer('fragile')).status, 422);
});

test('WR-LKM-06 a version that is refused takes no requests away from the one before it', async () => {
  await using home = new TemporaryFolder();
  for (const version of ['1.0.0', '2.0.0']) writePackage(home.path, 'negate', negateModel(), version);
  const damaged = writePackage(home.path, 'negate', negateModel(), '3.0.0');
  writeFileSync(damaged, Buffer.concat([readFileSync(damaged), Buffer.of(0)]));
  await using other = await startInferenceService(home.path, '--log-level', 'silent');
  const { status, body } = await infer('negate', other.url);
  assert.deepEqual([status, (body as { model_version?: string }).model_version], [200, '2.0.0']);
  const metadata = await call('GET', '/v2/models/negate', undefined, other.url);
  assert.deepEqual((metadata.body as { versions?: unknown }).versions, ['1.0.0', '2.0.0']);
  assert.equal((await infer('negate/versions/3.0.0', other.url)).status, 422);
});

test('WR-LKM-06 settings are read in chunks too, and no more of them than they may be', async () => {
  const send = async (body: string): Promise<number | undefined> => {
    const request = httpRequest(`${service.url}/v2/repository/index`, { method: 'POST' });
    const answered = once(request, 'response');
    for (let at = 0; at < body.length; at += 10_000) request.write(body.slice(at, at + 10_000));
    request.end();
    const [response] = (await answered) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  assert.equal(await send('{"ready":true}'), 200);
  assert.equal(await send(' '.repeat(70_000)), 413);
});

test('WR-INF-17 without --model-control clients load and unload nothing', async () => {
  await using other = await startInferenceService(folder);
  for (const action of ['load', 'unload']) {
    assert.equal((await call('POST', `/v2/repository/models/negate/${action}`, {}, other.url)).status, 400);
  }
  assert.equal((await infer('negate', other.url)).status, 200);
});

test('WR-INF-18 statistics and metrics count by model and version what was answered and what was refused', async () => {
  await using other = await startInferenceService(folder);
  for (let run = 0; run < 3; run += 1) await infer('negate/versions/1.0.0', other.url);
  await call('POST', '/v2/models/negate/versions/1.0.0/infer', { inputs: [] }, other.url);
  const { body } = await call('GET', '/v2/models/negate/versions/1.0.0/stats', undefined, other.url);
  const [{ inference_stats: stats, ...rest } = {} as never] = body.model_stats as unknown as readonly {
    inference_stats: Record<string, { count: number; ns: number }>;
    last_inference: number;
    batch_stats: readonly { batch_size: number }[];
  }[];
  assert.ok(Math.abs(Date.now() - rest.last_inference) < 60_000);
  assert.deepEqual(
    { ...rest, last_inference: 0, batch_stats: rest.batch_stats.map(({ batch_size: size }) => size) },
    { name: 'negate', version: '1.0.0', last_inference: 0, inference_count: 3, execution_count: 3, batch_stats: [1] },
  );
  const counts = Object.entries(stats).map(([name, { count }]) => [name, count]);
  assert.deepEqual(Object.fromEntries(counts), {
    success: 3,
    fail: 1,
    queue: 3,
    compute_input: 3,
    compute_infer: 3,
    compute_output: 3,
    cache_hit: 0,
    cache_miss: 0,
  });
  for (const name of ['success', 'queue', 'compute_infer']) assert.ok(stats[name]!.ns > 0, name);
  const every = await call('GET', '/v2/models/stats', undefined, other.url);
  assert.ok(every.body.model_stats.length >= 3);
  assert.equal((await call('GET', '/v2/models/none/stats', undefined, other.url)).status, 404);
  const metrics = await (await fetch(`${other.url}/metrics`)).text();
  assert.match(metrics, /^wetread_inference_requests_total\{model="negate",version="1.0.0",outcome="success"\} 3$/m);
  assert.match(metrics, /^wetread_inference_requests_total\{model="negate",version="1.0.0",outcome="fail"\} 1$/m);
  assert.match(metrics, /^wetread_inference_seconds_total\{model="negate",version="1.0.0",step="queue"\} [\d.e-]+$/m);
});

test('WR-INF-19 a client that leaves ends its run: the next one does not wait for it', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 60_000 });
  await engine.infer(slow(2), never);
  const before = runnersOf(service);
  const leave = new AbortController();
  const runs = await queued(service.url);
  const run = assert.rejects(engine.infer(slow(2500), leave.signal), { code: 'lease-lost' });
  await running(service, runs);
  const waiting = engine.infer(slow(3), never);
  leave.abort(new WetreadError('lease-lost', 'taken over'));
  await run;
  assert.equal((await waiting).outputs[0]?.data.length, 9);
  assert.notDeepEqual(runnersOf(service), before);
  engine.close();
});

test('WR-INF-19 a client that leaves the queue leaves the run before it alone', async () => {
  const engine = openInferenceEngine({ url: service.url, timeoutMs: 60_000 });
  await engine.infer(slow(2), never);
  const before = runnersOf(service);
  const runs = await queued(service.url);
  const run = engine.infer(slow(1000), never);
  await running(service, runs);
  const leave = new AbortController();
  const waiting = assert.rejects(engine.infer(slow(2), leave.signal), { code: 'lease-lost' });
  setTimeout(() => leave.abort(new WetreadError('lease-lost', 'taken over')), 100);
  await waiting;
  assert.equal((await run).outputs[0]?.data.length, 1_000_000);
  assert.deepEqual(runnersOf(service), before);
  engine.close();
});

test('WR-INF-19 the timeout of a request, in microseconds, ends its run and is told', async () => {
  const data = Array<number>(1500 * 1500).fill(0);
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1500, 1500], data }];
  const { status, body } = await call('POST', '/v2/models/slow/infer', { inputs, parameters: { timeout: 200_000 } });
  assert.deepEqual([status, body.error], [504, 'The run and its wait took longer than their limit']);
  assert.equal((await infer('negate')).status, 200);
  const bad = await call('POST', '/v2/models/negate/infer', { ...NEGATE, parameters: { timeout: 'soon' } });
  assert.equal(bad.status, 400);
});

test('WR-INF-19 the limit of the service holds for requests that bring none', async () => {
  await using other = await startInferenceService(folder, '--timeout-s', '2', '--log-level', 'silent');
  const engine = openInferenceEngine({ url: other.url, timeoutMs: 60_000 });
  await engine.infer(slow(2), never);
  await assert.rejects(engine.infer(slow(2500), never), { code: 'inference-unreachable', retryable: true });
  await engine.infer(slow(2), never);
  engine.close();
});

test('WR-INF-20 the process that runs models dies: its run fails as retryable, the service goes on', async () => {
  await using other = await startInferenceService(folder, '--log-level', 'silent');
  const engine = openInferenceEngine({ url: other.url, timeoutMs: 60_000 });
  await engine.infer(slow(2), never);
  const [runner] = runnersOf(other);
  const run = assert.rejects(engine.infer(slow(2500), never), { retryable: true });
  await running(other, 1);
  process.kill(runner!, 'SIGKILL');
  await run;
  await engine.infer(slow(2), never);
  assert.equal(await startsOf(other), 2);
  // Also while nothing runs: nobody notices.
  process.kill(runnersOf(other)[0]!, 'SIGKILL');
  while (runnersOf(other).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await engine.infer(slow(2), never);
  assert.equal(await startsOf(other), 3);
  engine.close();
});

test('WR-INF-20 the service is killed in a run: its process ends at once', async () => {
  const other = await startInferenceService(folder);
  const engine = openInferenceEngine({ url: other.url, timeoutMs: 60_000 });
  await engine.infer(slow(2), never);
  const [runner] = runnersOf(other);
  const run = assert.rejects(engine.infer(slow(2500), never), { code: 'inference-unreachable' });
  await running(other, 1);
  await other[Symbol.asyncDispose]();
  await run;
  engine.close();
  const isThere = (): boolean => readdirSync('/proc').includes(String(runner));
  for (let wait = 0; isThere() && wait < 100; wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isThere(), false);
});

test('WR-INF-21 --warm-up: models have been loaded and run before the service is ready; one that cannot says so', async () => {
  writePackage(folder, 'pick', pickModel());
  await using other = await startInferenceService(folder, '--warm-up', '--log-level', 'silent');
  const began = await startsOf(other);
  assert.equal(began, 1);
  const { body } = await call('GET', '/v2/models/negate/stats', undefined, other.url);
  assert.equal(body.model_stats.length, 2);
  assert.equal((await infer('negate', other.url)).status, 200);
});

test('a request is refused before its body is sent where it is too large', async () => {
  const large = httpRequest(`${service.url}/v2/models/negate/infer`, {
    method: 'POST',
    headers: { 'content-length': 2 ** 40 },
  });
  large.on('error', () => undefined);
  large.flushHeaders();
  const [response] = await once(large, 'response');
  assert.equal(response.statusCode, 413);
  large.destroy();
});
