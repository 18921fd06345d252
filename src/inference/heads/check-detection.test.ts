import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code } from '../../codes.ts';
import type { GraphValue } from '../graph-facts.ts';
import type { DetectionOutput } from '../model-package.ts';
import { detectionContradictions, detectionGraphContradictions } from './check-detection.ts';

const CLASS = {
  key: 'nodule',
  category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
  concept: code('27925004', 'SCT', 'Nodule'),
};
const OUTPUT: DetectionOutput = {
  kind: 'detection',
  places: { tensor: 'rows', order: 'zyxzyx', unit: 'voxel', origin: 'voxel-corner' },
  scores: { tensor: 'rows', firstColumn: 6, columns: 1, activation: 'none' },
  labels: { tensor: 'rows', firstColumn: 7 },
  threshold: 0.5,
  maximumPerClass: 10,
  classes: [{ ...CLASS, labels: [{ label: 1 }] }],
  gate: [],
};
const points = { ...OUTPUT.places, order: 'zyx' } as const;

test('WR-DET-11 a card whose detection contradicts itself is told where', () => {
  const complaints: readonly (readonly [RegExp | undefined, Partial<DetectionOutput>, (2 | 3)?])[] = [
    [undefined, {}],
    [/places\/order: the input has 2 dimensions/, {}, 2],
    [/radius: boxes have no radius/, { radius: { tensor: 'rows' } }],
    [undefined, { places: points, radius: { tensor: 'rows', firstColumn: 3 } }],
    [/suppression: points do not overlap/, { places: points, suppression: { kind: 'overlap', maximumOverlap: 0.3 } }],
    [/labels: scores already has a column/, { scores: { ...OUTPUT.scores, columns: 2 } }],
    [/softmax over one column/, { scores: { ...OUTPUT.scores, activation: 'softmax' } }],
    [/a label is declared twice/, { classes: [{ ...CLASS, labels: [{ label: 1 }, { label: 1 }] }] }],
  ];
  for (const [expected, changes, dimensions = 3] of complaints) {
    const found = detectionContradictions({ ...OUTPUT, ...changes }, '/outputs/0', dimensions);
    if (expected === undefined) assert.deepEqual(found, []);
    else
      assert.ok(
        found.some((sentence) => expected.test(sentence)),
        `${String(expected)}: ${found.join('; ')}`,
      );
  }
  const { labels: _, ...unlabelled } = OUTPUT;
  assert.match(
    detectionContradictions(unlabelled, '/outputs/0', 3).join(),
    /without labels every candidate has the label 0/,
  );
  const distance = {
    ...OUTPUT,
    places: { ...points, order: 'yx' },
    suppression: { kind: 'distance', minimumDistanceMm: 3 },
  } as const;
  assert.match(detectionContradictions(distance, '/outputs/0', 2).join(), /images have no millimetres/);
});

test('WR-DET-11 a graph whose tables are narrower, of another type or missing is told, role by role', () => {
  const rows = (changes: Partial<GraphValue> = {}): GraphValue => ({
    name: 'rows',
    datatype: 'FP32',
    shape: ['n', 8],
    ...changes,
  });
  const told = (value: GraphValue, changes: Partial<DetectionOutput> = {}): readonly string[] =>
    detectionGraphContradictions({ ...OUTPUT, ...changes }, '/outputs/0', [value]);
  assert.deepEqual(told(rows()), []);
  assert.deepEqual(told(rows({ shape: [1, 'n', 9] })), []);
  assert.deepEqual(told(rows({ shape: undefined })), []);
  assert.deepEqual(told(rows({ shape: ['n', 7] })), [
    '/outputs/0/labels/tensor: rows is [n, 7] in the graph, not [n, 8] or wider',
  ]);
  assert.match(told(rows({ datatype: 'INT64' })).join(), /places\/tensor: rows is INT64 in the graph/);
  assert.match(
    told(rows(), { labels: { tensor: 'classes' } }).join(),
    /labels\/tensor: the graph has no output classes; it has rows/,
  );
  const gate = [{ tensor: 'searched', element: 0, meaning: 'lung, ml', minimum: 1, maximum: 2 }];
  assert.match(told(rows(), { gate }).join(), /gate\/0\/tensor: the graph has no output searched/);
});
