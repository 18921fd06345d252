import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImpressionRule } from '../../contracts/generated/types.ts';
import { effusionFinding, findingsOf, lungFinding, volumeOf } from '../../test/support/findings.ts';
import { CT_CHEST } from '../codes.ts';
import type { Finding } from '../inference/findings.ts';
import { impressionOf } from './impression.ts';

function sentences(finding: Finding, ...impression: ImpressionRule[]): string[] {
  const rule = { title: 'CT chest', procedure: CT_CHEST, scope: 'Only this was assessed.', impression };
  const acquisition = { thickness: 1.25, contrast: false };
  return impressionOf(findingsOf('ct-a', [finding]), rule, acquisition).map(({ text }) => text);
}

test('WR-DRF-04 a rule speaks at its minimum and no more at the value that it ends below', () => {
  const low = { finding: 'lung-right', measure: 'volume', below: 100, text: 'small: {value}' };
  const high = {
    finding: 'lung-right',
    measure: 'volume',
    minimum: 100,
    text: 'large: {value}, {kernel}, {thickness}',
  };
  const said = (value: number): string[] => sentences(lungFinding([volumeOf(value)]), low, high);
  assert.deepEqual(said(99), ['small: 99 ml', 'Only this was assessed.']);
  assert.deepEqual(said(100), ['large: 100 ml, not recorded, 1.3 mm', 'Only this was assessed.']);
});

test('WR-DRF-04 a rule on presence speaks of that presence alone', () => {
  const rule = { finding: 'effusion', presence: 'present', text: 'Effusion ({probability}).' } as const;
  assert.deepEqual(sentences(effusionFinding('present', { probability: 0.9 }), rule), [
    'Effusion (0.90).',
    'Only this was assessed.',
  ]);
  for (const presence of ['absent', 'undetermined'] as const) {
    assert.deepEqual(sentences(effusionFinding(presence), rule), [
      'No measurement supports an impression.',
      'Only this was assessed.',
    ]);
  }
});

test('WR-DRF-04 a rule on a finding that is numbered speaks of each', () => {
  const rule = { finding: 'nodule', text: 'A nodule.' };
  assert.equal(sentences(effusionFinding('present', { key: 'nodule-2' }), rule)[0], 'A nodule.');
  assert.equal(sentences(effusionFinding('present', { key: 'nodule-bed' }), rule).length, 2);
  assert.match(sentences(effusionFinding('present', { key: 'nodule-bed' }), rule)[0]!, /^No measurement/);
});
