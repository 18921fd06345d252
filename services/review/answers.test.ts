import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATES, type StudyState } from '../../src/arrival/lifecycle.ts';
import { ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import type { Finding } from '../../src/inference/findings.ts';
import { REASONS, type ReasonCode } from '../../src/reasons.ts';
import { effusionFinding, findingsOf, lungFinding, volumeOf } from '../../test/support/findings.ts';
import { sampleReport, sampleSegmentation, sampleVolume } from '../../test/support/sample-report.ts';
import { reasonAnswer, stateAnswer } from './answers.ts';
import { measurementTables } from './measurement-table.ts';

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
  const [table] = measurementTables({ readings: [{ ...reading, findings }] });
  assert.ok(table !== undefined);
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

test('WR-MEA-07 every part of a segment is a column of its own, which shows its segment', () => {
  const part = (number: number): Finding => {
    return lungFinding([volumeOf(40)], { key: `part-${number}`, component: { number, segmentNumbers: [2] } });
  };
  const [table] = measurementTables({ readings: [findingsOf('ct-a', [part(1), part(2)])] });
  assert.deepEqual(
    table!.columns.map(({ title, segmentNumbers }) => [title, segmentNumbers]),
    [
      ['Right lung, part 1', [2]],
      ['Right lung, part 2', [2]],
    ],
  );
});

test('WR-LOK-02 more findings than fit side by side stand one below the other, in the order of the model', () => {
  const part = (number: number): Finding =>
    lungFinding([volumeOf(40)], { key: `part-${number}`, component: { number, segmentNumbers: [2] } });
  const found = effusionFinding('present', { key: 'p' });
  const [table] = measurementTables({
    readings: [findingsOf('ct-a', [found, part(1), part(2), part(3), part(4)])],
  });
  assert.deepEqual([table!.columns, table!.rows], [[], []]);
  assert.deepEqual(
    table!.statements.map(({ findingKey, text, segmentNumbers }) => [findingKey, text, segmentNumbers]),
    [['ct-a/p', 'present', []], ...[1, 2, 3, 4].map((number) => [`ct-a/part-${number}`, 'volume 40 ml', [2]])],
  );
});

test('WR-LOK-03 findings that are called the same carry their keys, as the marks in the images do', () => {
  const nodule = (number: number): Finding => effusionFinding('present', { key: `nodule-${number}` });
  const [table] = measurementTables({ readings: [findingsOf('ct-a', [nodule(1), nodule(2)])] });
  assert.deepEqual(
    table!.statements.map(({ title }) => title),
    ['Pleural effusion, pleura (nodule-1)', 'Pleural effusion, pleura (nodule-2)'],
  );
});

test('WR-PAGE-30 each model has a table of its own; what was looked for stands apart, present before absent', () => {
  const absent = effusionFinding('absent', { key: 'a', probability: 0.1 });
  const present = effusionFinding('present', { key: 'p', measurements: [volumeOf(40)] });
  const tables = measurementTables({
    readings: [findingsOf('ct-a', [lungFinding([volumeOf(2400)]), absent, present]), findingsOf('ct-b', [])],
  });
  assert.equal(tables.length, 1, 'a model that says nothing has no table');
  assert.deepEqual(
    tables[0]!.columns.map(({ findingKey }) => findingKey),
    ['ct-a/lung-right'],
  );
  assert.deepEqual(
    tables[0]!.statements.map(({ findingKey, text }) => [findingKey, text]),
    [
      ['ct-a/p', 'present, volume 40 ml'],
      ['ct-a/a', 'absent (probability 0.10)'],
    ],
  );
});
