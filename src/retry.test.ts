import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelaySeconds } from './retry.ts';

test('WR-RUN-03 delays grow, the last repeats, and after the maximum there is none', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((n) => retryDelaySeconds(n, 5)),
    [5, 30, 120, 600, 1800, undefined],
  );
  assert.deepEqual(
    [6, 7].map((n) => retryDelaySeconds(n, 7)),
    [1800, 1800],
  );
  assert.equal(retryDelaySeconds(1, 0), undefined);
});

test('WR-RET-05 a server that asks for a longer wait gets it, up to the longest delay', () => {
  assert.deepEqual(
    [0, 3, 60, 86_400].map((asked) => retryDelaySeconds(1, 5, asked)),
    [5, 5, 60, 1800],
  );
});
