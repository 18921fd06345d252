import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Claims, type Completeness, judgeCompleteness, RUNGS } from './completeness.ts';

const PATIENCE = { quietMs: 2000, longestWaitMs: 60_000 };
const START = Date.parse('2026-01-01T12:00:00Z');

const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const counts = (instances: number, series = 1) => ({ series, instances });

function judge(claims: Omit<Claims, 'noticedAt'>, instances: number, seconds: number): Completeness {
  return judgeCompleteness({ noticedAt: at(0), ...claims }, counts(instances), at(seconds), PATIENCE);
}

test('WR-CPL-01 the rungs are listed best first, and each says what it rests on', () => {
  assert.deepEqual(Object.keys(RUNGS), [
    'source-says',
    'expected-reached',
    'counts-unchanged',
    'quiet-period',
    'waited-enough',
  ]);
});

const VERDICTS: readonly [string, Omit<Claims, 'noticedAt'>, number, number, string | undefined][] = [
  ['nothing but quiet', {}, 10, 2, 'quiet-period'],
  ['the source said so', { rung: 'source-says' }, 10, 0, 'source-says'],
  [
    'the source said so, and less is there than it expects',
    { rung: 'source-says', expectedInstances: 12 },
    10,
    0,
    undefined,
  ],
  ['the source said so, and it is growing', { rung: 'source-says', before: seen(9, 0) }, 10, 1, undefined],
  ['as many as expected', { expectedInstances: 10 }, 10, 0, 'expected-reached'],
  ['more than expected is no evidence of the end', { expectedInstances: 9 }, 10, 0, 'quiet-period'],
  ['fewer than expected', { expectedInstances: 11 }, 10, 59, undefined],
  ['fewer than expected, for too long', { expectedInstances: 11 }, 10, 60, 'waited-enough'],
  ['the same at two looks', { before: seen(10, 0) }, 10, 2, 'counts-unchanged'],
  ['the same at two looks that lie too close together', { before: seen(10, 1) }, 10, 2, 'quiet-period'],
  ['grown since the look before', { before: seen(9, 0) }, 10, 5, undefined],
  ['growing for longer than anyone waits', { before: seen(9, 0) }, 10, 61, 'waited-enough'],
  ['grown to what is expected', { expectedInstances: 10, before: seen(9, 0) }, 10, 1, 'expected-reached'],
  ['grown beyond what is expected', { expectedInstances: 9, before: seen(9, 0) }, 10, 1, undefined],
  ['it was not there at the look before', { before: { counts: counts(0, 0), since: at(0) } }, 10, 5, undefined],
  ['nothing is there, at two looks', { before: seen(0, 0) }, 0, 5, undefined],
  ['the source saw the same counts twice', { rung: 'counts-unchanged' }, 10, 0, 'counts-unchanged'],
];

function seen(instances: number, seconds: number): Pick<Completeness, 'counts' | 'since'> {
  return { counts: counts(instances), since: at(seconds) };
}

for (const [what, claims, instances, seconds, rung] of VERDICTS) {
  test(`WR-CPL-01 ${what}: ${rung ?? 'wait'}`, () => {
    const verdict = judge(claims, instances, seconds);
    assert.equal(verdict.rung, rung);
    assert.deepEqual(verdict.counts, counts(instances));
    assert.equal(verdict.expectedInstances, claims.expectedInstances);
  });
}

test('WR-CPL-01 the time since when the counts are the same is kept over looks', () => {
  const first = judge({}, 10, 3);
  assert.equal(first.since, at(3));
  assert.equal(judge({ before: first }, 10, 8).since, at(3));
});
