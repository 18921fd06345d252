import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartCard } from '../../../test/support/heart-model.ts';
import { isSkipped } from '../../reasons.ts';
import type { Finding } from '../findings.ts';
import type { ClassificationOutput } from '../model-package.ts';
import type { Tensor } from '../tensor.ts';
import { classification } from './classification.ts';

const [declared] = heartCard().outputs;
const [label] = declared.labels;
const LABELS: ClassificationOutput['labels'] = [
  { ...label, index: 0, key: 'first' },
  { ...label, index: 1, key: 'second' },
  { ...label, index: 2, key: 'third' },
];
const OUTPUT: ClassificationOutput = { ...declared, labels: LABELS, gate: [] };

function scores(values: readonly number[], change: Partial<Tensor> = {}): Tensor {
  return { name: 'scores', datatype: 'FP32', shape: [1, values.length], data: Float32Array.from(values), ...change };
}

function read(tensor: Tensor, change: Partial<ClassificationOutput> = {}): readonly Finding[] {
  const reading = classification({ outputs: [tensor], provider: 'cpu' }, { ...OUTPUT, ...change }, []);
  if (isSkipped(reading)) assert.fail(reading.skipped.detail);
  return reading.findings;
}

const probabilities = (findings: readonly Finding[]): unknown[] => findings.map(({ probability }) => probability);

test('WR-CLS-01 present from one threshold, absent to the other, undetermined between; all three are told', () => {
  const findings = read(scores([0.9, 0.1, 0.5]), { activation: 'none' });
  assert.deepEqual(
    findings.map(({ key, presence, probability }) => [key, presence, probability]),
    [
      ['first', 'present', 0.9],
      ['second', 'absent', 0.1],
      ['third', 'undetermined', 0.5],
    ],
  );
  const [first] = findings;
  assert.deepEqual([first!.concept, first!.category, first!.measurements], [label.concept, label.category, []]);
});

test('WR-CLS-02 activations: sigmoid of each score, softmax over all of them, or none; a temperature divides before', () => {
  assert.deepEqual(probabilities(read(scores([0, Math.log(3), -800]))), [0.5, 0.75, 0]);
  const softmax = read(scores([1000, 1000 + Math.log(2), 1000 + Math.log(5)]), { activation: 'softmax' });
  assert.deepEqual(probabilities(softmax), [0.125, 0.25, 0.625]);
  assert.deepEqual(probabilities(read(scores([0, 2 * Math.log(3), 0]), { temperature: 2 })), [0.5, 0.75, 0.5]);
});

test('WR-CLS-03 calibration of a label: the logistic curve of slope and intercept over its logit; certain stays certain', () => {
  const calibration = { slope: 2, intercept: Math.log(1 / 3) };
  const calibrated = { labels: LABELS.map((one) => ({ ...one, calibration })) as ClassificationOutput['labels'] };
  const findings = read(scores([0.75, 0, 1]), { ...calibrated, activation: 'none' });
  // odds of 3 become 9, and a third of that
  assert.deepEqual(probabilities(findings), [0.75, 0, 1]);
});

test('WR-CLS-04 a class that must be there decides whether anything is told', () => {
  const gate = [{ index: 2, meaning: 'Frontal view of a chest', minimum: 0.9 }];
  const tell = (last: number): ReturnType<typeof classification> =>
    classification(
      { outputs: [scores([0.5, 0.5, last])], provider: 'cpu' },
      { ...OUTPUT, activation: 'none', gate },
      [],
    );
  assert.deepEqual(tell(0.25), {
    skipped: { code: 'wrong-body-part', detail: 'Frontal view of a chest: probability 0.25, at least 0.9' },
  });
  assert.ok(!isSkipped(tell(0.95)));
});

test('WR-CLS-05 an answer that is not what the card declares is a fault, never a finding', () => {
  const wrong: readonly (readonly [Tensor, RegExp])[] = [
    [scores([1, 1, 1], { name: 'logits' }), /has no output scores/],
    [scores([1, 1]), /2 scores, the card names number 2/],
    [scores([1, 1, 1], { datatype: 'FP64', data: Float64Array.of(1, 1, 1) }), /is FP64, declared FP32/],
    [scores([1, 1, 1, 1, 1, 1], { shape: [2, 3] }), /shape \[2, 3\]/],
    [scores([1, Number.NaN, 1]), /no number/],
  ];
  for (const [tensor, message] of wrong) assert.throws(() => read(tensor), { code: 'inference-failed', message });
  assert.throws(() => read(scores([0, 1.5, 0]), { activation: 'none' }), /no probability/);
  assert.equal(read(scores([1, 1, 1], { shape: [3] })).length, 3);
});
