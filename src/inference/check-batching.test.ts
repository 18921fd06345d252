import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../test/support/model-card.ts';
import { batchingContradictions } from './check-batching.ts';
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import type { ModelCard } from './model-package.ts';

const batching = { maximum: 4, delayMs: 5 };

function carded(layout: 'DHW' | 'NCDHW'): ModelCard {
  const card = lungCard();
  return {
    ...card,
    runtime: { kind: 'onnx', file: 'a.onnx', sha256: '0'.repeat(64), opset: 18, deterministic: true, batching },
    input: { ...card.input, layout } as ModelCard['input'],
  };
}

function graphOf(...shapes: GraphValue['shape'][]): GraphFacts {
  const values = shapes.map((shape, at) => ({ name: `t${at}`, datatype: 'FP32', ...(shape && { shape }) }));
  return { inputs: values.slice(0, 1), outputs: values.slice(1), opset: 18, tensors: [] } as unknown as GraphFacts;
}

test('WR-SVC-01 a card may ask for batching only where the first axis of every tensor counts requests', () => {
  const rows = ['n', 1, 'd', 'h', 'w'];
  assert.deepEqual(batchingContradictions(carded('NCDHW'), graphOf(rows, rows)), []);
  assert.match(
    batchingContradictions(carded('DHW'), graphOf(['d', 'h', 'w'])).join(),
    /first axis of the input is D, not N/,
  );
  assert.deepEqual(batchingContradictions(carded('NCDHW'), graphOf(rows, [1, 2])), [
    '/runtime/batching: axis 0 of t1 is fixed to 1 in the graph',
  ]);
  assert.match(
    batchingContradictions(carded('NCDHW'), graphOf(rows, ['m', 2])).join(),
    /first axes differ in the graph: n, m/,
  );
  assert.deepEqual(batchingContradictions(lungCard(), graphOf([1])), []);
});
