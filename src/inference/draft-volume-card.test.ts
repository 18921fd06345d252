import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEncoding, draftLayout } from './draft-volume-card.ts';
import type { GraphValue } from './graph-facts.ts';

const value = (datatype: string, ...shape: readonly (number | string)[]): readonly GraphValue[] => [
  { name: 'x', datatype, shape },
];

test('WR-PRE-16 a card begun from a graph asks for axes, windows and scores where the graph has them, else for nothing', () => {
  assert.deepEqual(draftLayout(value('INT16', 'z', 'y', 'x')), {});
  assert.deepEqual(draftEncoding(value('UINT8', 'z', 'y', 'x')), {});
  assert.deepEqual(Object.keys(draftLayout(value('FP32', 1, 1, 'x', 'y', 'z'))), ['layout']);
  const fixed = draftLayout(value('FP32', 1, 1, 96, 96, 64)) as { window: Record<string, string> };
  assert.match(fixed.window['shape']!, /^OPEN: .* of \[1, 1, 96, 96, 64\]/);
  const { encoding } = draftEncoding(value('FP32', 1, 14, 'x', 'y', 'z')) as { encoding: Record<string, string> };
  assert.match(encoding['kind']!, /^OPEN: "logits"/);
  assert.match(encoding['layout']!, /^OPEN: Order of the axes \[1, 14, x, y, z\]/);
  assert.deepEqual(draftEncoding(value('INT64', 'z', 'y', 'x')), { encoding: { kind: 'labels', datatype: 'INT64' } });
});
