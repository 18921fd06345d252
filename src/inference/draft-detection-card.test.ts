import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { draftCard } from './draft-card.ts';
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import { beyondOpenQuestions, openQuestions } from './open-questions.ts';

const value = (name: string, shape: GraphValue['shape'], datatype = 'FP32'): GraphValue => ({ name, datatype, shape });

function outputOf(input: GraphValue, ...outputs: readonly GraphValue[]): Record<string, unknown> {
  const graph: GraphFacts = { opset: 18, inputs: [input], outputs, tensors: [] };
  const card = draftCard({ name: 'a', file: 'a.onnx', sha256: '0'.repeat(64) }, graph);
  assert.equal(validateModelCard(card), false);
  const errors = validateModelCard.errors as unknown as { instancePath: string; keyword: string }[];
  const complaints = errors.map(({ instancePath, keyword }) => ({ key: instancePath, keyword }));
  assert.deepEqual(beyondOpenQuestions(complaints, openQuestions(card)), []);
  return (card['outputs'] as readonly Record<string, unknown>[])[0]!;
}

const volume = value('volume', ['z', 'y', 'x'], 'INT16');
const image = value('image', [1, 3, 640, 640]);

test('WR-DET-16 a graph with boxes begins a card of detections, with nothing wrong but open questions', () => {
  const apart = outputOf(volume, value('boxes', ['n', 6]), value('scores', ['n', 1]), value('labels', ['n'], 'INT64'));
  assert.deepEqual(
    [
      apart['kind'],
      (apart['places'] as GraphValue & { tensor: string }).tensor,
      (apart['scores'] as { tensor: string }).tensor,
    ],
    ['detection', 'boxes', 'scores'],
  );
  const fused = outputOf(image, value('output0', [1, 'n', 6]));
  assert.deepEqual([fused['kind'], (fused['scores'] as { tensor: string }).tensor], ['detection', 'output0']);
});

test('WR-DET-16 scores of classes and maps of labels are no boxes', () => {
  assert.equal(outputOf(image, value('logits', ['n', 6]))['kind'], 'classification');
  assert.equal(outputOf(volume, value('labels', ['z', 'y', 'x'], 'UINT8'))['kind'], 'label-map');
});
