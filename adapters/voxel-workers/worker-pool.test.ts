import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../test/support/unreliable-worker.ts';
import { WorkerPool } from './worker-pool.ts';

const SCRIPT = new URL('../../test/support/unreliable-worker.ts', import.meta.url);
const never = new AbortController().signal;

async function withPool(
  size: number,
  use: (
    run: (orders: readonly Order[], signal?: AbortSignal) => Promise<readonly (readonly [number, number])[]>,
  ) => Promise<void>,
): Promise<void> {
  const pool = new WorkerPool(SCRIPT, size);
  try {
    await use(
      async (orders, signal = never) => (await pool.runAll(orders, signal)) as readonly (readonly [number, number])[],
    );
  } finally {
    await pool.close();
  }
}

const numbers = (count: number): readonly Order[] =>
  Array.from({ length: count }, (_, answer) => ({ answer, afterMs: (answer * 7) % 5 }));

test('WR-ASM-23 values come in the order of the messages, from all threads', () =>
  withPool(2, async (run) => {
    const values = await run(numbers(20));
    assert.deepEqual(
      values.map(([answer]) => answer),
      numbers(20).map((_, k) => k),
    );
    assert.equal(new Set(values.map(([, thread]) => thread)).size, 2);
    assert.deepEqual(await run([]), []);
  }));

test('WR-ASM-23 calls side by side do not mix', () =>
  withPool(2, async (run) => {
    const calls = await Promise.all([3, 9, 1, 6].map((count) => run(numbers(count))));
    assert.deepEqual(
      calls.map((values) => values.map(([answer]) => answer)),
      [3, 9, 1, 6].map((count) => numbers(count).map((_, k) => k)),
    );
  }));

test('WR-ASM-23 a worker that dies rejects the running call and is replaced', () =>
  withPool(2, async (run) => {
    const side = run(numbers(6));
    await assert.rejects(run([{ answer: 1 }, { die: true }, { answer: 2 }]), {
      code: 'internal',
      message: 'A voxel worker ended during a call',
    });
    assert.equal((await side).length, 6, 'a call beside it goes on');
    assert.deepEqual(
      (await run(numbers(4))).map(([answer]) => answer),
      [0, 1, 2, 3],
    );
    await assert.rejects(run([{ die: true }, { die: true }, { die: true }]), { code: 'internal' });
    assert.equal((await run(numbers(3))).length, 3);
  }));

test('WR-ASM-23 a task that fails rejects its call only', () =>
  withPool(1, async (run) => {
    await assert.rejects(run([{ fail: true }]), { code: 'internal', message: 'as ordered' });
    assert.equal((await run(numbers(2))).length, 2);
  }));

test('WR-ASM-23 an aborted call ends once its running tasks have, and begins no more', () =>
  withPool(1, async (run) => {
    const controller = new AbortController();
    const slow = run([{ answer: 1, afterMs: 50 }, { die: true }], controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(slow, { code: 'timeout' });
    const [[, thread]] = (await run(numbers(1))) as [readonly [number, number]];
    assert.equal(
      ((await run(numbers(1))) as [readonly [number, number]])[0][1],
      thread,
      'the same thread: nobody died',
    );
    await assert.rejects(run(numbers(1), AbortSignal.abort()), { code: 'timeout' });
  }));

test('WR-ASM-23 a closed pool rejects what runs and what comes', async () => {
  const pool = new WorkerPool(SCRIPT, 1);
  const running = assert.rejects(pool.runAll([{ answer: 1, afterMs: 60_000 }], never), { code: 'internal' });
  await pool.close();
  await running;
  await assert.rejects(pool.runAll([{ answer: 1 }], never), { code: 'internal' });
});

test('WR-ASM-23 a script that is not there rejects the call', async () => {
  const pool = new WorkerPool(new URL('./absent.ts', import.meta.url), 1);
  await assert.rejects(pool.runAll([{ answer: 1 }], never), { code: 'internal' });
  await pool.close();
});
