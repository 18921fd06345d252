/** Cards of images whose parts contradict each other in what only images have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { heartCard } from '../../test/support/heart-model.ts';
import { contradictions } from './check-card.ts';

test('WR-COL-05 red, green and blue need three channels; brightness as many as the graph has', () => {
  const card = heartCard();
  Object.assign(card.input, { color: 'luminance' });
  assert.equal(validateModelCard(structuredClone(card)), true, JSON.stringify(validateModelCard.errors));
  assert.deepEqual(contradictions(card), []);
  Object.assign(card.input, { color: 'rgb' });
  assert.deepEqual(contradictions(card), ['/input/color: rgb has three channels']);
  const [channel] = card.input.channels;
  Object.assign(card.input, { channels: [channel, channel, channel] });
  assert.deepEqual(contradictions(card), []);
});
