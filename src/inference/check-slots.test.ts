import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartCard } from '../../test/support/heart-model.ts';
import { SECOND_SLOT, TWO_SEQUENCES, twoSequencesCard } from '../../test/support/two-sequences.ts';
import { contradictions } from './check-card.ts';
import { graphContradictions } from './check-graph.ts';
import type { ChannelStep, VolumeInput } from './model-package.ts';

const card = twoSequencesCard('');
const NONE: ChannelStep = { clip: { kind: 'none' } };
const withInput = (change: Partial<VolumeInput>): string[] =>
  contradictions({ ...card, input: { ...card.input, ...change } });
const channels = (...steps: [ChannelStep, ...ChannelStep[]]): Pick<VolumeInput, 'intensity'> => ({
  intensity: { datatype: 'FP32', channels: steps },
});
const { series: _, ...withoutSeries } = card.input;
const images = heartCard();

const CASES: Readonly<Record<string, readonly [string[], string[]]>> = {
  'a card with a slot': [contradictions(card), []],
  'a slot that nothing is made from': [
    withInput(channels(NONE, NONE)),
    ['/input/slots/0: no channel is made from flair'],
  ],
  'a channel of a slot that there is not': [
    withInput(channels(NONE, { ...NONE, slot: 'flair' }, { ...NONE, slot: 'dwi' })),
    ['/input/intensity/channels/2/slot: no slot is named dwi'],
  ],
  'a slot under two meanings': [
    withInput({ slots: [SECOND_SLOT, { ...SECOND_SLOT, meaning: 'T2' }] }),
    ['/input/slots: a name is used twice'],
  ],
  'no channel of the series that is read': [
    withInput(channels({ ...NONE, slot: 'flair' })),
    ['/input/intensity/channels: none is made from the series that is read'],
  ],
  'whole numbers, which have one channel': [
    withInput({ intensity: { datatype: 'INT16' } }),
    ['/input/slots/0: no channel is made from flair'],
  ],
  'nothing said of the series that is read': [
    contradictions({ ...card, input: withoutSeries }),
    ['/input/series: a model that is given further series says which one it reads'],
  ],
  'a condition that cannot be': [
    withInput({ slots: [{ ...SECOND_SLOT, series: { where: { attribute: 'EchoTime' } } }] }),
    ['/input/slots/0/series.where needs one of equals, anyOf, contains, matches, exists, or minimum and maximum'],
  ],
  'a further series for images on their own': [
    contradictions({ ...images, input: { ...images.input, slots: [{ ...SECOND_SLOT, required: false }] } }),
    ['/input/slots/0: further series are given to models of volumes only'],
  ],
  'a channel of a slot for images on their own': [
    contradictions({
      ...images,
      input: { ...images.input, channels: [{ ...images.input.channels[0], slot: 'flair' }] },
    }),
    ['/input/channels/0/slot: images are given no further series'],
  ],
  'a prior, which nothing can give it': [
    withInput({ slots: [SECOND_SLOT, { kind: 'prior', meaning: 'the examination before', required: true }] }),
    ['/input/slots/1: the model needs the examination before (prior), which Wetread cannot give it yet'],
  ],
};
for (const [name, [found, expected]] of Object.entries(CASES)) {
  test(`WR-SLT-09 slots and channels of a card fit together: ${name}`, () => assert.deepEqual(found, expected));
}

test('WR-SLT-09 the graph has a channel for the series that is read and for each further one', () => {
  const shape = [1, 3, 'd', 'h', 'w'];
  const graph = {
    opset: 18,
    inputs: [{ name: 'images', datatype: 'FP32', shape }],
    outputs: [{ name: 'scores', datatype: 'FP32', shape: [1, 2, 'd', 'h', 'w'] }],
  } as unknown as Parameters<typeof graphContradictions>[1];
  assert.deepEqual(graphContradictions(card, graph), [
    '/input/tensor: axis 1 of images is fixed to 3 in the graph, not 2',
  ]);
  assert.equal(card.name, TWO_SEQUENCES);
});
