import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../test/support/model-card.ts';
import { graphContradictions } from './check-graph.ts';
import type { GraphFacts } from './graph-facts.ts';
import type { ChannelStep, LabelMapOutput, ModelCard, SlidingWindow, VolumeInput } from './model-package.ts';

const WINDOW: SlidingWindow = { shape: [64, 96, 128], overlap: 0.5, blend: 'gaussian' };
const clip: ChannelStep['clip'] = { kind: 'units', low: -1000, high: 1000 };

/** Two channels in, logits out, in the order of axes that MONAI has. */
function card(input: object = {}, output: object = {}): ModelCard {
  const bundled = lungCard();
  const [first] = bundled.outputs;
  return {
    ...bundled,
    input: {
      ...bundled.input,
      layout: 'NCWHD',
      intensity: { datatype: 'FP32', channels: [{ clip }, { clip }] },
      window: WINDOW,
      ...input,
    } as VolumeInput,
    outputs: [{ ...first, encoding: { kind: 'logits', layout: 'NCWHD' }, ...output } as LabelMapOutput],
  };
}

function facts(image: readonly (number | string)[], scores: readonly (number | string)[]): GraphFacts {
  return {
    opset: 18,
    inputs: [{ name: 'volume', datatype: 'FP32', shape: image }],
    outputs: [{ name: 'labels', datatype: 'FP32', shape: scores }],
  } as unknown as GraphFacts;
}

const FIXED = facts([1, 2, 128, 96, 64], [1, 5, 128, 96, 64]);

test('WR-PRE-15 a graph whose sizes are those of the window, in the order of the layout', () => {
  assert.deepEqual(graphContradictions(card(), FIXED), []);
  assert.deepEqual(graphContradictions(card(), facts(['n', 'c', 'x', 'y', 'z'], ['n', 'c', 'x', 'y', 'z'])), []);
});

const WRONG: Readonly<Record<string, readonly [ModelCard, GraphFacts, RegExp]>> = {
  'another order of axes': [card({ layout: 'NCDHW' }), FIXED, /axis 2 of volume is fixed to 128 in the graph, not 64/],
  'another rank': [card(), facts([128, 96, 64], [1, 5, 128, 96, 64]), /volume has rank 3 in the graph, not 5/],
  'another number of channels': [
    card({ intensity: { datatype: 'FP32', channels: [{ clip }] } }),
    FIXED,
    /axis 1 of volume is fixed to 2 in the graph, not 1/,
  ],
  'a fixed size where volumes vary': [
    card({ window: undefined }),
    FIXED,
    /axis 2 of volume is fixed to 128 in the graph; volumes vary in size/,
  ],
  'labels where scores are declared': [
    card({}, { encoding: { kind: 'labels', datatype: 'INT64', layout: 'NCWHD' } }),
    FIXED,
    /labels is FP32 in the graph, not INT64/,
  ],
  'another number of thresholds': [
    card({}, { encoding: { kind: 'sigmoid', of: 'logits', layout: 'NCWHD', thresholds: [0.5, 0.5] } }),
    FIXED,
    /axis 1 of labels is fixed to 5 in the graph, not 2/,
  ],
};
for (const [what, [declared, graph, sentence]] of Object.entries(WRONG)) {
  test(`WR-PRE-15 told: ${what}`, () => {
    assert.match(graphContradictions(declared, graph).join('\n'), sentence);
  });
}
