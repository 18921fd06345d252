/** Cards whose labels lie on an image and ask for what only a volume has, and conversely. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { lungCard } from '../../test/support/model-card.ts';
import { type OutlineCard, outlineCard } from '../../test/support/outlined-radiograph.ts';
import { code } from '../codes.ts';
import { contradictions } from './check-card.ts';
import { graphContradictions } from './check-graph.ts';
import type { GraphFacts } from './graph-facts.ts';
import type { MeasureRule } from './measures.ts';
import type { LabelMapOutput } from './model-package.ts';

test('WR-SGI-07 labels of an image and what is measured of them make a valid card', () => {
  const card = outlineCard();
  assert.equal(validateModelCard(structuredClone(card)), true, JSON.stringify(validateModelCard.errors));
  assert.deepEqual(contradictions(card), []);
});

type Edit = (output: LabelMapOutput, card: OutlineCard) => void;

const VOLUME = code('118565006', 'SCT', 'Volume');
const HU = code("[hnsf'U]", 'UCUM', 'Hounsfield unit');
const measure = (kind: 'volume' | 'mean' | 'diameter', unit: string): MeasureRule => {
  const ucum = unit === 'HU' ? HU : code(unit, 'UCUM', unit);
  return { key: 'wrong', kind, concept: VOLUME, unit: ucum, decimals: 1 };
};
const measured =
  (rule: MeasureRule): Edit =>
  ({ findings }) =>
    findings[0]!.measures.push(rule);

const REFUSED_ON_IMAGES: readonly (readonly [string, Edit, RegExp])[] = [
  ['a volume', measured(measure('volume', 'ml')), /heart\/wrong: an image on its own has no volume/],
  ['a mean in HU', measured(measure('mean', 'HU')), /heart\/wrong: an image on its own has no mean/],
  ['a diameter in 3D', measured(measure('diameter', 'mm')), /has no diameter/],
  [
    'an area in ml',
    ({ findings }) => Object.assign(findings[0]!.measures[0]!, { unit: code('ml', 'UCUM', 'ml') }),
    /area is in mm2 or cm2 \(UCUM\), not in ml/,
  ],
  [
    'a share of a segment that is not there',
    ({ findings }) => Object.assign(findings[0]!.measures[1]!, { of: [7] }),
    /a share is of a segment that is not declared/,
  ],
  [
    'a layout with slices',
    (output) => Object.assign(output.encoding!, { layout: 'NCDHW' }),
    /must be said, and have no/,
  ],
  [
    'no encoding, which is that of a volume',
    (output) => {
      delete output.encoding;
    },
    /encoding\/layout: must be said/,
  ],
  ['a range of values', (output) => Object.assign(output.refine, { range: { low: 0, high: 9 } }), /have no unit/],
  [
    'components by millilitres',
    ({ findings }) => {
      const { components } = findings[1]!;
      delete components!.minimumPercent;
      components!.minimumMilliliters = 1;
    },
    /components on an image have minimumPercent.*minimumMilliliters is of volumes/,
  ],
  [
    'a gate in millilitres',
    ({ gate }) => gate.regions.push({ label: 1, meaning: 'Lung', milliliters: { minimum: 1, maximum: 2 } }),
    /a region on an image has a percent, and nothing else/,
  ],
  [
    'sides of the patient',
    ({ gate }) =>
      Object.assign(gate, { sides: { right: 1, left: 2, between: 1, minimumDistanceMm: 1, maximumRatio: 2 } }),
    /sides and complete are of volumes/,
  ],
  ['colour', (_, card) => Object.assign(card.input, { color: 'luminance' }), /made on greyscale images/],
  [
    'one of several images',
    (_, card) => Object.assign(card.input, { merge: 'maximum' }),
    /input\/merge: must be "each"/,
  ],
];

for (const [name, edit, sentence] of REFUSED_ON_IMAGES)
  test(`WR-SGI-07 on an image refused: ${name}`, () => {
    const card = outlineCard();
    edit(card.outputs[0], card);
    assert.match(contradictions(card).join(' '), sentence);
  });

const REFUSED_IN_VOLUMES: readonly (readonly [string, (output: LabelMapOutput) => void, RegExp])[] = [
  [
    'an area',
    ({ findings }) =>
      findings[0]!.measures.push({
        key: 'area',
        kind: 'area',
        concept: VOLUME,
        unit: code('mm2', 'UCUM', 'square millimeter'),
        decimals: 1,
      }),
    /a volume has no area/,
  ],
  [
    'a layout without slices',
    (output) => Object.assign(output, { encoding: { kind: 'labels', datatype: 'UINT8', layout: 'HW' } }),
    /no axis D/,
  ],
  [
    'a percent',
    ({ gate }) => Object.assign(gate.regions[0]!, { percent: { minimum: 1, maximum: 2 } }),
    /and no percent/,
  ],
  [
    'components by percent',
    ({ findings }) =>
      Object.assign(findings[0]!, { components: { key: 'part', minimumPercent: 1, atMost: 1, measures: [] } }),
    /have minimumMilliliters.*minimumPercent is of images/,
  ],
];

for (const [name, edit, sentence] of REFUSED_IN_VOLUMES)
  test(`WR-SGI-07 in a volume refused: ${name}`, () => {
    const card = lungCard();
    edit(card.outputs[0]);
    assert.match(contradictions(card).join(' '), sentence);
  });

test('WR-SGI-07 the graph gives labels of the size of its input, in the layout of the card', () => {
  const card = outlineCard();
  const graph = (shape: readonly (number | string)[]): GraphFacts => ({
    opset: 18,
    inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 1, 128, 192] }],
    outputs: [{ name: 'scores', datatype: 'FP32', shape }],
    tensors: [],
  });
  Object.assign(card.runtime, { opset: 18 });
  assert.deepEqual(graphContradictions(card, graph([1, 3, 128, 192])), []);
  assert.match(graphContradictions(card, graph([1, 3, 64, 96])).join(), /axis 2 of scores is fixed to 64/);
  assert.match(graphContradictions(card, graph([1, 3, 1, 128, 192])).join(), /rank 5 in the graph, not 4/);
});
