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

test('WR-LKM-04 intensity steps of an image turn nothing over and leave nothing out', () => {
  const card = heartCard();
  const [channel] = card.input.channels;
  Object.assign(card.input, { channels: [{ ...channel, clip: { kind: 'units', low: 1, high: 0 } }] });
  assert.deepEqual(contradictions(card), ['/input/channels/0/clip: low is not below high']);
  Object.assign(card.input, { channels: [{ clip: { kind: 'none' }, to: { low: 0, high: 1 } }] });
  assert.match(contradictions(card).join(), /^\/input\/channels\/0\/to: without a clip/);
});

test('WR-LKM-04 one finding is not told twice by one classifier; thresholds that cross are told with their label', () => {
  const card = heartCard();
  const [output] = card.outputs;
  const [label] = output.labels;
  const more = { ...label!, key: 'heart-again', index: 7 };
  Object.assign(output, { labels: [label, more] });
  assert.deepEqual(contradictions(card), [
    '/outputs/0/labels: two mean the same, and could be present and absent in one draft',
  ]);
  const left = { ...more, laterality: { value: '7771000', scheme: 'SCT', meaning: 'Left' } };
  Object.assign(output, { labels: [label, left] });
  assert.deepEqual(contradictions(card), []);
  Object.assign(output, { labels: [label, { ...left, thresholds: { present: 0.4, absent: 0.5 } }] });
  assert.deepEqual(contradictions(card), ['/outputs/0/labels/1/thresholds: absent is not below present']);
});
