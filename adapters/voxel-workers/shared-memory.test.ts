import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedMemoryPool } from './shared-memory.ts';

const MIB = 2 ** 20;

/** The first bytes tell memories apart: clones of a buffer are other objects over the same bytes. */
function mark(buffer: SharedArrayBuffer, value: number): void {
  new Uint8Array(buffer)[0] = value;
}

const markOf = (buffer: SharedArrayBuffer): number => new Uint8Array(buffer)[0]!;

test('WR-ASM-22 memory is used again, also when it must grow', () => {
  const pool = new SharedMemoryPool(8);
  const first = pool.acquire(2 * MIB);
  assert.ok(first.byteLength >= 2 * MIB);
  mark(first, 11);
  pool.release(first);
  const second = pool.acquire(MIB);
  assert.equal(markOf(second), 11);
  pool.release(second);
  const third = pool.acquire(9 * MIB);
  assert.equal(markOf(third), 11);
  assert.ok(third.byteLength >= 9 * MIB);
});

test('WR-ASM-22 a buffer that is in use is never handed out again', () => {
  const pool = new SharedMemoryPool(8);
  const buffers = Array.from({ length: 5 }, () => pool.acquire(MIB));
  buffers.forEach((buffer, k) => {
    mark(buffer, k + 1);
  });
  assert.deepEqual(buffers.map(markOf), [1, 2, 3, 4, 5]);
});

test('WR-ASM-22 releasing a result, or a buffer twice, frees nothing else', () => {
  const pool = new SharedMemoryPool(8);
  const volume = pool.acquire(MIB);
  mark(volume, 7);
  const result = pool.extend(volume, MIB);
  pool.release(result.buffer);
  pool.release(result.buffer);
  const other = pool.acquire(MIB);
  assert.notEqual(markOf(other), 7, 'the volume is still in use');
  pool.release(volume);
  pool.release(volume);
  mark(pool.acquire(MIB), 8);
  assert.notEqual(markOf(pool.acquire(MIB)), 8, 'released twice, lent once');
});

test('WR-ASM-22 extensions lie behind the buffer and behind each other, and are used again', () => {
  const pool = new SharedMemoryPool(8);
  const volume = pool.acquire(MIB);
  const one = pool.extend(volume, 3 * MIB);
  const two = pool.extend(volume, MIB);
  assert.ok(one.offset >= MIB && two.offset >= one.offset + 3 * MIB);
  new Uint8Array(two.buffer, two.offset, MIB).fill(9);
  assert.equal(markOf(volume), 0);
  assert.equal(new Uint8Array(one.buffer, one.offset + 3 * MIB - 1, 1)[0], 0);
  pool.release(one.buffer);
  pool.release(two.buffer);
  assert.equal(pool.extend(volume, MIB).offset, one.offset);
});

test('WR-ASM-22 no more is kept than allowed, and what is kept is the largest', () => {
  const pool = new SharedMemoryPool(1);
  const buffers = [1, 3, 2].map((size) => pool.acquire(size * MIB));
  buffers.forEach((buffer, k) => {
    mark(buffer, k + 1);
  });
  for (const buffer of buffers) pool.release(buffer);
  const again = [1, 2].map(() => markOf(pool.acquire(MIB)));
  assert.deepEqual(again, [2, 0]);
});

test('WR-ASM-22 study after study, small and large: one memory serves them all', () => {
  const pool = new SharedMemoryPool(1);
  mark(pool.acquire(MIB), 7);
  const first = pool.acquire(MIB);
  mark(first, 9);
  pool.release(first);
  for (const size of [3, 1, 5, 2, 1]) {
    const buffer = pool.acquire(size * MIB);
    assert.equal(markOf(buffer), 9, 'its pages are warm: nothing new was taken from the system');
    pool.release(buffer);
  }
});

test('WR-ASM-22 memory of somebody else is refused', () => {
  const pool = new SharedMemoryPool(1);
  const stranger = new SharedArrayBuffer(16);
  pool.release(stranger);
  assert.throws(() => pool.extend(stranger, 16), { code: 'internal' });
  assert.throws(() => pool.acquire(5 * 2 ** 30), { code: 'internal' });
});
