import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATES, type StudyState } from '../../src/arrival/lifecycle.ts';
import { ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import { REASONS, type ReasonCode } from '../../src/reasons.ts';
import { sampleReport, sampleSegmentation, sampleVolume } from '../../test/support/sample-report.ts';
import { reasonAnswer, stateAnswer } from './answers.ts';
import { measurementTable } from './measurement-table.ts';

test('WR-PAGE-22 every state and every reason is told in words, with something to do', () => {
  for (const state of Object.keys(STATES) as StudyState[]) {
    const { label, means } = stateAnswer(state);
    assert.ok(label.length > 0 && means.length > 0, state);
  }
  for (const code of [...Object.keys(REASONS), ...Object.keys(ERROR_CODES)] as (ReasonCode | ErrorCode)[]) {
    const { text, advice } = reasonAnswer({ code });
    assert.match(text, /^[A-Z].*[^.]$/, code);
    assert.match(advice, /^[A-Z].*\.$/, code);
  }
});

test('only states that end without a person are final or in progress, not both', () => {
  for (const [state, { final }] of Object.entries(STATES)) {
    if (stateAnswer(state as StudyState).group === 'progress') assert.equal(final, false, state);
  }
});

test('WR-PAGE-22 measurements stand side by side, a dash where a finding lacks one', () => {
  const [reading] = sampleReport(sampleSegmentation(sampleVolume())).readings;
  const [right, left, both] = reading.findings;
  const findings = [right!, { ...left!, measurements: [] }, both!];
  const table = measurementTable({ readings: [{ ...reading, findings }] });
  assert.deepEqual(
    table.columns.map(({ title, segmentNumbers }) => [title, segmentNumbers]),
    [
      ['Right lung', [1]],
      ['Left lung', [2]],
      ['Both lungs', [1, 2]],
    ],
  );
  const volume = table.rows.find(({ key }) => key === 'volume')!;
  assert.equal(volume.cells[1], '\u2013');
  assert.match(volume.cells[0]!, /^[\d,]+ ml$/);
  assert.equal(volume.definition, 'Volume (118565006, SCT)');
});
