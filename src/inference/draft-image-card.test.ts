import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { draftCard } from './draft-card.ts';
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import { beyondOpenQuestions, openQuestions } from './open-questions.ts';

function graph(input: GraphValue['shape'], output: GraphValue['shape'], datatype = 'FP32'): GraphFacts {
  return {
    opset: 18,
    inputs: [{ name: 'pixels', datatype, shape: input }],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: output }],
    tensors: [],
  };
}

interface Begun {
  readonly input: { readonly kind: string; readonly layout: string; readonly shape: number[]; readonly channels: [] };
  readonly outputs: readonly [{ readonly kind: string; readonly labels: readonly unknown[] }];
}
const begun = (facts: GraphFacts): Begun =>
  draftCard({ name: 'a', file: 'a.onnx', sha256: '0'.repeat(64) }, facts) as unknown as Begun;

test('WR-IMG-20 a graph of images and classes begins a card of them, with nothing wrong but open questions', () => {
  const card = begun(graph(['n', 3, 224, 320], ['n', 14]));
  const { kind, layout, shape, channels } = card.input;
  assert.deepEqual([kind, layout, shape, channels.length], ['image', 'NCHW', [224, 320], 3]);
  assert.deepEqual([card.outputs[0].kind, card.outputs[0].labels.length], ['classification', 14]);
  assert.equal(validateModelCard(card), false);
  const errors = validateModelCard.errors as unknown as { instancePath: string; keyword: string }[];
  const complaints = errors.map(({ instancePath, keyword }) => ({ key: instancePath, keyword }));
  assert.deepEqual(beyondOpenQuestions(complaints, openQuestions(card)), []);
});

test('WR-IMG-20 channels may come last; volumes stay volumes', () => {
  assert.equal(begun(graph([1, 64, 64, 1], [2])).input.layout, 'NHWC');
  for (const volume of [graph(['z', 'y', 'x'], ['z', 'y', 'x']), graph([1, 1, 'y', 'x'], undefined, 'INT16')])
    assert.equal(begun(volume).input.kind, 'volume');
});

test('WR-SGI-13 a graph of images and scores of their size begins a card of outlines with areas', () => {
  const card = begun(graph([1, 1, 128, 192], [1, 3, 128, 192])) as unknown as {
    readonly input: { readonly kind: string };
    readonly outputs: readonly [{ readonly kind: string; readonly refine: object; readonly encoding: object }];
  };
  const [output] = card.outputs;
  assert.deepEqual([card.input.kind, output.kind, output.refine], ['image', 'label-map', {}]);
  assert.match(JSON.stringify(output.encoding), /\[1, 3, 128, 192\]: N batch, C channel, H rows, W columns/);
  assert.match(JSON.stringify(output), /"kind":"area-share"/);
  assert.doesNotMatch(JSON.stringify(output), /118565006/);
  assert.equal(validateModelCard(card), false);
  const errors = validateModelCard.errors as unknown as { instancePath: string; keyword: string }[];
  const complaints = errors.map(({ instancePath, keyword }) => ({ key: instancePath, keyword }));
  assert.deepEqual(beyondOpenQuestions(complaints, openQuestions(card)), []);
});

test('WR-LKM-05 what the kind of an output decides is no question: of images, all detections and outlines are kept', () => {
  const merge = (facts: GraphFacts): unknown => (begun(facts).input as unknown as Record<string, unknown>)['merge'];
  assert.equal(merge(graph([1, 1, 64, 64], [1, 2, 64, 64])), 'each');
  const boxes = { name: 'boxes', datatype: 'FP32', shape: ['n', 4] };
  const detector = graph([1, 1, 64, 64], ['n', 1]);
  assert.equal(merge({ ...detector, outputs: [boxes, ...detector.outputs] }), 'each');
  assert.match(String(merge(graph([1, 1, 64, 64], [1, 3]))), /^OPEN: /);
});

test('WR-LKM-05 one number may be a probability or a measurement: its kind is asked, and the rest waits for the answer', () => {
  const card = begun(graph([1, 1, 64, 64], [1, 1]));
  assert.match(card.outputs[0].kind, /^OPEN: .*"measurement"/);
  assert.equal(validateModelCard(card), false);
  const errors = validateModelCard.errors as unknown as { instancePath: string; keyword: string }[];
  const complaints = errors.map(({ instancePath, keyword }) => ({ key: instancePath, keyword }));
  assert.deepEqual(beyondOpenQuestions(complaints, openQuestions(card)), []);
});
