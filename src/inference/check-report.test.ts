import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard, noduleCard } from '../../test/support/model-card.ts';
import { reportContradictions } from './check-report.ts';
import type { ModelCard } from './model-package.ts';

type Impression = NonNullable<ModelCard['report']>['impression'][number];

function complaints(change: Partial<Impression>): string[] {
  const card = lungCard();
  const [first] = card.report!.impression;
  return reportContradictions({ ...card, report: { ...card.report!, impression: [{ ...first!, ...change }] } });
}

test('WR-DRF-05 a sentence about a finding or a measure that the card does not declare refuses the card', () => {
  assert.deepEqual(reportContradictions(lungCard()), []);
  assert.deepEqual(complaints({ finding: 'spleen' }), ["/report/impression/0/finding: 'spleen' is not declared"]);
  assert.deepEqual(complaints({ measure: 'mass' }), [
    "/report/impression/0/measure: 'mass' is not declared for 'lungs'",
  ]);
});

test('WR-DRF-05 limits that no value meets and words that nothing fills in refuse the card', () => {
  assert.match(complaints({ minimum: 5, below: 5 })[0]!, /is not below/);
  assert.match(complaints({ text: 'about {amount}' })[0]!, /nothing fills in \{amount\}/);
  const card = lungCard();
  const { measure: _, minimum: __, ...unmeasured } = card.report!.impression[0]!;
  const without = (rule: Impression): string[] =>
    reportContradictions({ ...card, report: { ...card.report!, impression: [rule] } });
  assert.deepEqual(without(unmeasured), ['/report/impression/0/text: {value} without a measure']);
  assert.deepEqual(without({ ...unmeasured, minimum: 1, text: 'x' }), [
    '/report/impression/0: a limit without a measure',
  ]);
  const caveats: ModelCard['caveats'] = [{ when: 'contrast-recorded', text: 'Dose {dose}.' }];
  assert.deepEqual(reportContradictions({ ...card, caveats }), ['/caveats/0/text: nothing fills in {dose}']);
});

test('WR-MND-02 a sentence says {place} of detections that are present, and of nothing else', () => {
  const card = noduleCard();
  const { report } = card;
  const complaintsOf = (change: Partial<Impression>): string[] => {
    const impression = [{ ...report!.impression[0]!, ...change }];
    return reportContradictions({ ...card, report: { ...report!, impression } });
  };
  assert.deepEqual(complaintsOf({}), []);
  assert.deepEqual(complaintsOf({ text: 'A nodule.' }), [
    '/report/impression/0/text: without {place} several detections read alike',
  ]);
  const placeless = ['/report/impression/0/text: {place} of what is no present detection'];
  assert.deepEqual(complaintsOf({ presence: 'absent' }), placeless);
  assert.deepEqual(complaints({ text: '{value} at {place}' }), placeless);
});
