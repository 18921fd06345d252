import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOWANCE_MINUTES, dueAt, moreUrgent, PRIORITIES } from './priority.ts';

const NOON = '2026-01-01T12:00:00.000Z';

test('WR-LED-17 more urgent studies are due earlier, and one that nobody has looked at earliest', () => {
  const due = [null, ...PRIORITIES].map((priority) => dueAt(NOON, priority));
  assert.deepEqual(due, due.toSorted());
  assert.equal(new Set(due).size, due.length);
  assert.equal(dueAt(NOON, 'stat'), NOON);
});

test('WR-LED-17 a routine study that has waited for its allowance is passed by no later one', () => {
  const later = new Date(Date.parse(NOON) + ALLOWANCE_MINUTES.routine * 60_000 + 1).toISOString();
  assert.ok(dueAt(NOON, 'routine') < dueAt(later, 'stat'));
});

test('WR-LED-17 of two words on urgency the more urgent counts', () => {
  assert.equal(moreUrgent(undefined, 'routine'), 'routine');
  assert.equal(moreUrgent('asap', 'urgent'), 'asap');
  assert.equal(moreUrgent('routine', 'stat'), 'stat');
});
