import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, type TestContext, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest } from '../../src/inference/tensor.ts';
import { inferenceEntry } from '../../test/support/inference-service.ts';
import { negateModel, slowModel, writePackage } from '../../test/support/onnx-models.ts';
import { type InferenceChild, inferenceChild } from './child-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-child-'));
writePackage(folder, 'negate', negateModel());
writePackage(folder, 'slow', slowModel());
after(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;

function startChild(t: TestContext, events: string[], timeoutMs = 60_000, entry = inferenceEntry): InferenceChild {
  const child = inferenceChild({
    entry,
    modelFolders: [folder],
    providers: ['cpu'],
    threads: 2,
    timeoutMs,
    logLevel: 'silent',
    log: { write: (event) => events.push(event) },
  });
  t.after(() => child.close());
  return child;
}

const quick: InferenceRequest = {
  model: 'negate',
  version: '1.0.0',
  inputs: [{ name: 'hounsfield', datatype: 'INT16', shape: [1, 2], data: Int16Array.of(-7, 9) }],
  outputs: ['negated'],
};
/** Takes seconds with n = 1500, and a time that grows with its cube. */
function slow(n: number): InferenceRequest {
  const data = new Float32Array(n * n).fill(1 / n);
  return {
    model: 'slow',
    version: '1.0.0',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [n, n], data }],
    outputs: ['y'],
  };
}

async function isQuickRight(child: InferenceChild): Promise<void> {
  const { outputs, provider } = await child.engine.infer(quick, never);
  assert.deepEqual([provider, ...(outputs[0]!.data as Float32Array)], ['cpu', 7, -9]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('WR-INF-06 killed in a run: the run fails with a retryable error, the next one finds a new process', async (t) => {
  const events: string[] = [];
  const child = startChild(t, events);
  assert.equal(child.pid(), undefined);
  await isQuickRight(child);
  const first = child.pid();
  assert.ok(first !== undefined);
  const run = child.engine.infer(slow(1500), never);
  const outcome = assert.rejects(run, (error: WetreadError) => {
    assert.deepEqual([error.code, error.retryable], ['inference-unreachable', true]);
    return true;
  });
  setTimeout(() => process.kill(first, 'SIGKILL'), 300);
  await outcome;
  await isQuickRight(child);
  assert.notEqual(child.pid(), first);
  assert.deepEqual(events, ['inference-died']);
});

test('WR-INF-11 a run beyond its limit ends as a timeout, and the process that hangs in it is replaced', async (t) => {
  const events: string[] = [];
  const child = startChild(t, events, 4000);
  await isQuickRight(child);
  const first = child.pid();
  await assert.rejects(child.engine.infer(slow(2500), never), { code: 'timeout', retryable: true });
  await isQuickRight(child);
  assert.notEqual(child.pid(), first);
});

test('an attempt that is given up rejects with its reason and leaves the process to others', async (t) => {
  const child = startChild(t, []);
  await isQuickRight(child);
  const first = child.pid();
  const abort = new AbortController();
  const run = child.engine.infer(slow(800), abort.signal);
  setTimeout(() => abort.abort(new WetreadError('lease-lost', 'taken over')), 100);
  await assert.rejects(run, { code: 'lease-lost' });
  await isQuickRight(child);
  assert.equal(child.pid(), first);
});

test('close ends the process, also in a run, and later runs are refused', async (t) => {
  const child = startChild(t, []);
  await isQuickRight(child);
  const pid = child.pid()!;
  const run = assert.rejects(child.engine.infer(slow(1500), never), { code: 'inference-unreachable' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await child.close();
  await run;
  assert.equal(isAlive(pid), false);
  await assert.rejects(child.engine.infer(quick, never), { code: 'inference-unreachable' });
});

test('a service that cannot start is a retryable error, not a hang', async (t) => {
  const child = startChild(t, [], 60_000, join(folder, 'absent.ts'));
  await assert.rejects(child.engine.infer(quick, never), { code: 'inference-unreachable' });
});

/** A parent of its own, which starts the service, prints the pid and is then killed. */
const PARENT = `
  import { inferenceChild } from ${JSON.stringify(join(import.meta.dirname, 'child-process.ts'))};
  const child = inferenceChild({
    entry: ${JSON.stringify(inferenceEntry)}, modelFolders: [${JSON.stringify(folder)}], providers: ['cpu'], threads: 2,
    timeoutMs: 60000, logLevel: 'silent', log: { write() {} },
  });
  const signal = new AbortController().signal;
  const n = 1500;
  const input = (size) => ({ model: 'slow', version: '1.0.0', outputs: ['y'],
    inputs: [{ name: 'x', datatype: 'FP32', shape: [size, size], data: new Float32Array(size * size) }] });
  await child.engine.infer(input(2), signal);
  if (process.argv[1] === 'run') child.engine.infer(input(n), signal);
  setTimeout(() => console.log(child.pid()), 200);
`;
for (const state of ['idle', 'run']) {
  test(`WR-INF-09 the parent is killed while the service is in state ${state}: no orphan stays`, async () => {
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', PARENT, state], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const pid = Number(line);
    assert.ok(isAlive(pid));
    parent.kill('SIGKILL');
    for (let wait = 0; isAlive(pid) && wait < 200; wait += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(isAlive(pid), false);
  });
}
