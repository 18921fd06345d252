import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartDelaySeconds, retryDelaySeconds } from './retry.ts';

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

test('WR-SVC-04 a process that dies again and again is started at most seven times in a minute', () => {
  let seconds = 0;
  let starts = 0;
  for (let deaths = 0; seconds < 60; deaths += 1) {
    starts += 1;
    seconds += restartDelaySeconds(deaths + 1);
  }
  assert.equal(starts, 7);
  assert.deepEqual([0, 1, 2, 3, 6, 7, 50].map(restartDelaySeconds), [0, 0, 1, 2, 30, 30, 30]);
});
