import assert from 'node:assert/strict';
import { test } from 'node:test';
import { densityOf, effusionFinding, findingsOf, lungFinding, volumeOf } from '../../test/support/findings.ts';
import { LEFT } from '../codes.ts';
import type { Finding } from '../inference/findings.ts';
import { disagreements } from './disagreement.ts';

function told(a: Finding[], b: Finding[]): string[] {
  return disagreements([findingsOf('ct-a', a), findingsOf('ct-b', b)]).map(({ text }) => text);
}

test('WR-MUL-07 present against absent is told with both models and their probabilities, undetermined is no contradiction', () => {
  const present = effusionFinding('present', { probability: 0.91 });
  const [sentence] = disagreements([
    findingsOf('ct-a', [present]),
    findingsOf('ct-b', [effusionFinding('absent', { key: 'fluid', probability: 0.03 })]),
  ]);
  assert.deepEqual(sentence, {
    text: 'Models disagree: Pleural effusion, pleura: ct-a present (probability 0.91), ct-b absent (probability 0.03).',
    findingKeys: ['ct-a/effusion', 'ct-b/fluid'],
    notice: 'disagreement',
  });
  assert.deepEqual(told([present], [effusionFinding('undetermined')]), []);
  assert.deepEqual(told([present], [effusionFinding('present')]), []);
  assert.deepEqual(told([present], [effusionFinding('absent', { laterality: LEFT })]), [], 'another side');
});

test('WR-MUL-07 values further apart than a tenth, or than declared, are told; nothing is averaged', () => {
  const lung = (value: number): Finding[] => [lungFinding([volumeOf(value)])];
  assert.deepEqual(told(lung(1000), lung(900)), [], 'a tenth of the larger is the limit');
  assert.deepEqual(told(lung(1000), lung(899)), ['Models disagree: Right lung, volume: ct-a 1,000 ml, ct-b 899 ml.']);
  const dense = (value: number, tolerance?: number): Finding[] => [
    lungFinding([densityOf(value, tolerance === undefined ? {} : { tolerance })]),
  ];
  assert.deepEqual(told(dense(-860, 20), dense(-845)), []);
  assert.equal(told(dense(-860, 20), dense(-845, 10)).length, 1, 'the stricter tolerance counts');
  assert.deepEqual(told(dense(-860), lung(900)), [], 'another measure');
});

test('WR-MUL-07 of several lesions nobody says which is which', () => {
  const lesions = [lungFinding([volumeOf(10)]), lungFinding([volumeOf(90)], { key: 'second' })];
  assert.deepEqual(told(lesions, [lungFinding([volumeOf(50)])]), []);
  assert.deepEqual(told([lungFinding([volumeOf(50)])], lesions), []);
});
