import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markCard } from '../../test/support/marked-radiograph.ts';
import { lungCard } from '../../test/support/model-card.ts';
import { contradictions } from './check-card.ts';
import { keyContradictions } from './check-keys.ts';
import type { LabelMapOutput, OutputRule } from './model-package.ts';

const [detection, classification] = markCard().outputs as [OutputRule & { kind: 'detection' }, ...OutputRule[]];
assert.ok(classification?.kind === 'classification');
const [label] = classification.labels;
const [lungs] = lungCard().outputs;

/** Outlines with parts `KEY-1` and so on. */
function withParts(key: string): LabelMapOutput {
  const [finding] = lungs.findings;
  const components = { ...PARTS, key, measures: [finding.measures[0]] } as typeof finding.components & object;
  return { ...lungs, findings: [{ ...finding, components }] };
}
const PARTS = { atMost: 3, minimumMilliliters: 1 };

test('WR-CNF-15 a number may not make the key of one finding that of another, whatever outputs they are of', () => {
  const named = (key: string): OutputRule => ({ ...classification, labels: [{ ...label, key }] });
  const check = (...outputs: [OutputRule, ...OutputRule[]]): readonly string[] => keyContradictions({ outputs });
  assert.deepEqual(check(detection, named('mark-0'), named('marks'), named('mark-left')), []);
  assert.deepEqual(check(detection, named('mark-2')), ['/outputs: findings mark-1 … have the key of another finding']);
  assert.deepEqual(check(detection, withParts('part')), []);
  assert.match(check(detection, withParts('mark'))[0]!, /mark-1 … have the key of another finding/);
  assert.match(check(withParts('part'), named('part-12'))[0]!, /part-1 … have/);
  assert.match(check(detection, withParts('mark-1'))[0]!, /mark-1 … have/);
  assert.deepEqual(check(named('a'), named('a')), ['/outputs: a finding key is used twice']);
});

test('WR-CNF-15 a card with such keys is refused', () => {
  const card = markCard();
  const [first, ...others] = card.outputs;
  const outputs: typeof card.outputs = [
    first,
    { ...classification, labels: [{ ...label, key: 'mark-1' }] },
    ...others.slice(1),
  ];
  assert.deepEqual(contradictions(card), []);
  assert.deepEqual(contradictions({ ...card, outputs }), [
    '/outputs: findings mark-1 … have the key of another finding',
  ]);
});
