import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../test/support/model-card.ts';
import { graphContradictions } from './check-graph.ts';
import type { GraphFacts } from './graph-facts.ts';
import type {
  ChannelStep,
  LabelMapOutput,
  ModelCard,
  OutputRule,
  SlidingWindow,
  VolumeInput,
} from './model-package.ts';

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

test('WR-LKM-03 a class that the graph does not have is told before it is looked for in vain', () => {
  const { outputs } = card();
  const [labels] = outputs as [LabelMapOutput];
  const segments = labels.segments.map((segment, at) => (at === 0 ? { ...segment, label: 5 } : segment));
  assert.deepEqual(graphContradictions(card({}, { segments }), FIXED), [
    '/outputs/0: class 5 is not in labels, which has 5 in the graph, from 0',
  ]);
  assert.deepEqual(
    graphContradictions(card({}, { segments }), facts([1, 2, 128, 96, 64], ['n', 'c', 128, 96, 64])),
    [],
  );
});

test('WR-LKM-03 the same of scores, of labels and of classes that must be there', () => {
  const scores = {
    kind: 'classification',
    tensor: 'labels',
    activation: 'sigmoid',
    labels: [{ index: 2 }, { index: 4 }],
    gate: [{ index: 3 }],
  } as unknown as OutputRule;
  const classes = (shape: readonly (number | string)[]): string[] =>
    graphContradictions({ ...card(), outputs: [scores] }, facts([1, 2, 128, 96, 64], shape));
  assert.deepEqual(classes([1, 5]), []);
  assert.deepEqual(classes([1, 'classes']), []);
  assert.deepEqual(classes([1, 3]), [
    '/outputs/0: class 4 is not in labels, which has 3 in the graph, from 0',
    '/outputs/0: class 3 is not in labels, which has 3 in the graph, from 0',
  ]);
});
