import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { lungCard } from '../../test/support/model-card.ts';
import { contradictions } from './check-card.ts';
import type { LabelMapOutput, ModelCard, VolumeInput } from './model-package.ts';

function cardWith(input: object, output: object = {}): ModelCard {
  const card = lungCard();
  const [first] = card.outputs;
  return {
    ...card,
    input: { ...card.input, ...input } as VolumeInput,
    outputs: [{ ...first, ...output } as LabelMapOutput],
  };
}

/** Four labels are declared by the bundled card: two lungs, the airways and other air. */
const SCORES = { encoding: { kind: 'logits', layout: 'NCDHW' } };
const NETWORK = {
  orientation: 'RAS',
  spacingMm: [1.5, 1, 1],
  layout: 'NCWHD',
  intensity: {
    datatype: 'FP32',
    channels: [
      { clip: { kind: 'percentiles', low: 0.5, high: 99.5 }, standardise: { kind: 'image' } },
      { clip: { kind: 'units', low: -1000, high: 1000 }, to: { low: -1, high: 1 } },
    ],
  },
  multipleOf: [16, 16, 16],
  window: { shape: [64, 96, 96], overlap: 0.5, blend: 'gaussian' },
};

test('WR-PRE-01 a card says what a network wants: orientation, spacing, layout, channels, multiples, windows, scores', () => {
  const card = cardWith(NETWORK, SCORES);
  assert.ok(validateModelCard(card), JSON.stringify(validateModelCard.errors?.slice(0, 3)));
  assert.deepEqual(contradictions(card), []);
});

const CONTRADICTORY: Readonly<Record<string, readonly [object, object, RegExp]>> = {
  'spacing and shape': [{ shape: [32, 32, 32] }, {}, /either spacingMm or shape/],
  neither: [{ spacingMm: undefined }, {}, /either spacingMm or shape/],
  'a shape beyond the largest': [{ spacingMm: undefined, shape: [999, 32, 32] }, {}, /maximumShape: smaller/],
  'own slices in another orientation': [{ depth: { kind: 'sample', slices: 8 } }, {}, /as-acquired/],
  'no top': [{ orientation: 'as-acquired', fit: { shape: [8, 8, 8], anchor: 'top' } }, {}, /no end is the top/],
  'no multiple': [{ depth: { kind: 'nearest-multiple', of: 8, maximum: 4 } }, {}, /below one multiple/],
  'two channels without an axis': [{ ...NETWORK, layout: 'DHW' }, SCORES, /no place for more than one channel/],
  'an empty window of values': [{ intensity: { datatype: 'FP32', low: 1, high: 1 } }, {}, /low is not below high/],
  'an empty clip': [
    { intensity: { datatype: 'FP32', channels: [{ clip: { kind: 'units', low: 5, high: 5 } }] } },
    {},
    /channels\/0\/clip: low is not below high/,
  ],
  'a range without ends': [
    { intensity: { datatype: 'FP32', channels: [{ clip: { kind: 'none' }, to: { low: 0, high: 1 } }] } },
    {},
    /channels\/0\/to/,
  ],
  'a window of margins': [{ window: { ...NETWORK.window, margin: 32 } }, SCORES, /margin: nothing of a window is left/],
  'windows of labels': [{ window: NETWORK.window }, {}, /only scores can be blended/],
  'scores without channels': [{}, { encoding: { kind: 'logits', layout: 'DHW' } }, /scores have a channel axis/],
  'a label without a channel': [
    {},
    { encoding: { kind: 'sigmoid', of: 'logits', layout: 'CDHW', thresholds: [0.5] } },
    /a label has no channel/,
  ],
  'a channel without a label': [
    {},
    { encoding: { kind: 'sigmoid', of: 'logits', layout: 'CDHW', thresholds: [0.5, 0.5, 0.5, 0.5, 0.5] } },
    /a channel has no label/,
  ],
};
for (const [what, [input, output, sentence]] of Object.entries(CONTRADICTORY)) {
  test(`WR-PRE-01 contradictory: ${what}`, () => {
    assert.match(contradictions(cardWith(input, output)).join('\n'), sentence);
  });
}
