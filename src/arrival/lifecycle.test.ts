import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftStands, isFinal, nextState, STATES, type StudyState, TRANSITIONS } from './lifecycle.ts';

const states = Object.keys(STATES) as StudyState[];

test('WR-FND-10 every state can be reached, and every state that is not final has a way on', () => {
  const reached = new Set<string>(['noticed', ...Object.values(TRANSITIONS).map((t) => t.to)]);
  assert.deepEqual(
    states.filter((state) => !reached.has(state)),
    [],
  );
  const left = new Set<string>(Object.values(TRANSITIONS).flatMap((t) => t.from));
  assert.deepEqual(
    states.filter((state) => !isFinal(state) && !left.has(state)),
    [],
  );
});

test('WR-FND-10 only a sign transition leads to a signed report, and software has no other way to final', () => {
  const ways = Object.entries(TRANSITIONS)
    .filter(([, t]) => t.to === 'signed')
    .map(([name]) => name);
  assert.deepEqual(ways, ['sign']);
  const finals = states.filter(
    (state) => (STATES[state] as { diagnosticReportStatus?: string }).diagnosticReportStatus === 'final',
  );
  assert.deepEqual(finals, ['signed']);
});

test('WR-FND-10 what the table does not name is forbidden', () => {
  assert.equal(nextState('filed', 'claim'), undefined);
  assert.equal(nextState('settling', 'complete'), 'accepted');
});

test('WR-FND-10 a draft of earlier images does not stand where the new ones cannot be read', () => {
  assert.deepEqual(
    states.filter((state) => !draftStands(state)),
    ['not-selected', 'not-evaluable'],
  );
});
