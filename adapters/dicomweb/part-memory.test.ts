import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartMemory } from './part-memory.ts';

test('WR-BEN-06 memory of a part is filled anew only after its bytes were handed back', () => {
  const memory = new PartMemory();
  const first = memory.take(1000);
  const second = memory.take(1000);
  assert.notEqual(second.buffer, first.buffer);
  memory.giveBack(first.subarray(0, 1000));
  const third = memory.take(990);
  assert.equal(third.buffer, first.buffer);
  assert.ok(third.length >= 990);
});

test('WR-BEN-06 what is handed back twice, or was never lent, is not given out twice', () => {
  const memory = new PartMemory();
  const lent = memory.take(1000);
  memory.giveBack(lent);
  memory.giveBack(lent);
  memory.giveBack(new Uint8Array(100_000));
  const again = memory.take(1000);
  const other = memory.take(1000);
  assert.equal(again.buffer, lent.buffer);
  assert.notEqual(other.buffer, lent.buffer);
});

test('WR-BEN-06 memory that is far too large for a part is not given to it', () => {
  const memory = new PartMemory();
  const large = memory.take(10_000_000);
  memory.giveBack(large);
  assert.notEqual(memory.take(1000).buffer, large.buffer);
  assert.equal(memory.take(9_000_000).buffer, large.buffer);
});

test('WR-BEN-06 more than can be in use at once is not kept', () => {
  const memory = new PartMemory();
  const lent = Array.from({ length: 40 }, () => memory.take(1000));
  for (const one of lent) memory.giveBack(one);
  const buffers = new Set(lent.map(({ buffer }) => buffer));
  const again = Array.from({ length: 40 }, () => memory.take(1000));
  assert.equal(again.filter(({ buffer }) => buffers.has(buffer)).length, 16);
});
