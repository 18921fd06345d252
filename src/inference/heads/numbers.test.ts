/** The heads whose outputs are numbers, on tensors as a server gives them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateFindings } from '../../../contracts/generated/validators.js';
import { code, HOUNSFIELD_UNIT } from '../../codes.ts';
import type { Finding } from '../findings.ts';
import type { EmbeddingOutput, LabelMapOutput, MeasurementOutput, ModelPackage } from '../model-package.ts';
import type { InferenceResponse, Tensor } from '../tensor.ts';
import {
  embeddingContradictions,
  measurementContradictions,
  referenceContradictions,
  regionContradictions,
} from './check-numbers.ts';
import { embedding } from './embedding.ts';
import { measurement } from './measurement.ts';

function answer(values: readonly number[], changes: Partial<Tensor> = {}): InferenceResponse {
  const data = Float32Array.from(values);
  return {
    outputs: [{ name: 'numbers', datatype: 'FP32', shape: [1, data.length], data, ...changes }],
    provider: 'cpu',
  };
}

const AGE = { category: code('91723000', 'SCT', 'Anatomical structure'), concept: code('3138006', 'SCT', 'Bone') };
const YEARS = code('a', 'UCUM', 'year');

const regression: MeasurementOutput = {
  kind: 'measurement',
  tensor: 'numbers',
  length: 2,
  findings: [
    {
      key: 'skeleton',
      ...AGE,
      measures: [
        {
          key: 'age',
          index: 0,
          concept: code('121033', 'DCM', 'Subject Age'),
          unit: YEARS,
          decimals: 1,
          scale: 10,
          offset: 8,
          plausible: { minimum: 0, maximum: 19 },
        },
        {
          key: 'density',
          index: 1,
          concept: code('112031', 'DCM', 'Attenuation Coefficient'),
          unit: HOUNSFIELD_UNIT,
          decimals: 0,
          scale: 1,
          offset: 0,
          plausible: { minimum: -50, maximum: 600 },
        },
      ],
    },
  ],
};
const image = { sopInstanceUid: '1.2.3', sopClassUid: '1.2.4' };

function keepsContract(findings: readonly Finding[]): void {
  const algorithm = { name: 'x', version: '1.0.0', digest: `sha256:${'0'.repeat(64)}`, parameters: {} };
  const all = { algorithm, seriesInstanceUid: '1.2', evidence: [image], findings };
  assert.ok(validateFindings(all), JSON.stringify(validateFindings.errors));
}

test('WR-REG-01 a number becomes a measurement in its unit: scaled, shifted, rounded, with the image it is of', () => {
  const { findings, notes, parameters } = measurement(answer([0.456, 123.4]), regression, [image]);
  keepsContract(findings);
  assert.deepEqual(
    findings[0]!.measurements.map(({ key, value, unit }) => [key, value, unit.value]),
    [
      ['age', 12.6, 'a'],
      ['density', 123, "[hnsf'U]"],
    ],
  );
  assert.deepEqual(findings[0]!.evidence, [image]);
  assert.deepEqual(notes, []);
  assert.equal(parameters['plausible-skeleton-age'], '0 to 19 a');
});

test('WR-REG-02 what is implausible, or no number, is not told: no value, why, and a sentence in the draft', () => {
  const { findings, notes } = measurement(answer([1.2, NaN]), regression, []);
  keepsContract(findings);
  assert.deepEqual(
    findings[0]!.measurements.map(({ value, qualifier }) => [value, qualifier?.value]),
    [
      [undefined, '114009'],
      [undefined, '114000'],
    ],
  );
  assert.deepEqual(notes, [
    "Bone, subject age: the model's value is not plausible (0 to 19 a) and is not told.",
    'Bone, attenuation coefficient: the model gave no number.',
  ]);
  // the ends of the range are within it
  assert.equal(measurement(answer([1.1, -50]), regression, []).findings[0]!.measurements[0]!.value, 19);
});

test('WR-REG-03 a tensor that is not what the card declares is a fault of the model', () => {
  const wrong: readonly (readonly [InferenceResponse, RegExp])[] = [
    [{ outputs: [], provider: 'cpu' }, /no output numbers/],
    [answer([1, 2, 3]), /shape \[1, 3\], declared \[2\]/],
    [answer([1, 2], { shape: [2, 1] }), /shape/],
    [answer([], { datatype: 'INT16', data: Int16Array.of(1, 2) }), /INT16, declared FP32/],
  ];
  for (const [response, message] of wrong)
    assert.throws(() => measurement(response, regression, []), { code: 'inference-failed', message });
});

test('WR-REG-03 a card whose numbers cannot be right is refused', () => {
  const [finding] = regression.findings;
  const [age] = finding.measures;
  const complaints = (changes: Partial<typeof age>): readonly string[] =>
    measurementContradictions({ ...regression, findings: [{ ...finding, measures: [{ ...age, ...changes }] }] }, '/o');
  assert.deepEqual(complaints({}), []);
  assert.match(complaints({ index: 2 })[0]!, /index is not below the length/);
  assert.match(complaints({ scale: 0 })[0]!, /scale of 0/);
  assert.match(complaints({ plausible: { minimum: 3, maximum: 3 } })[0]!, /no value is plausible/);
  const twice = { ...regression, findings: [{ ...finding, measures: [age, age] }] } satisfies MeasurementOutput;
  assert.match(measurementContradictions(twice, '/o')[0]!, /key is used twice/);
});

const likeness: EmbeddingOutput = {
  kind: 'embedding',
  tensor: 'numbers',
  length: 3,
  references: 'references.json',
  findings: [
    { key: 'like-x', ...AGE, reference: 'x', thresholds: { present: 0.9, absent: 0.5 } },
    { key: 'like-y', ...AGE, reference: 'y', thresholds: { present: 0.9, absent: 0.5 } },
    { key: 'like-xy', ...AGE, reference: 'xy', thresholds: { present: 0.9, absent: 0.5 } },
  ],
};
const references = {
  'references.json': { schemaVersion: 1, vectors: { x: [2, 0, 0], y: [0, 5, 0], xy: [3, 4, 0] } },
} satisfies ModelPackage['references'];

test('WR-EMB-01 likeness to a reference is present, absent or undetermined, whatever the lengths', () => {
  const said = embedding(answer([7, 0, 0]), likeness, references, [image]);
  keepsContract(said.findings);
  assert.deepEqual(
    said.findings.map(({ key, presence, measurements }) => [key, presence, measurements[0]!.value]),
    [
      ['like-x', 'present', 1],
      ['like-y', 'absent', 0],
      ['like-xy', 'undetermined', 0.6],
    ],
  );
  assert.equal(said.parameters['threshold-like-x'], 'present from 0.9, absent below 0.5');
});

test('WR-EMB-02 the vector is kept at length 1 beside the findings, never in them', () => {
  const { embedding: kept, findings } = embedding(answer([3, 0, 4]), likeness, references, [image]);
  assert.deepEqual(kept, { tensor: 'numbers', vector: [0.6, 0, 0.8], sopInstanceUid: image.sopInstanceUid });
  assert.ok(!JSON.stringify(findings).includes('0.8,'));
  assert.equal(embedding(answer([3, 0, 4]), likeness, references, []).embedding!.sopInstanceUid, undefined);
});

test('WR-EMB-03 a vector without a direction is a fault of the model; one without a reference, of ours', () => {
  for (const numbers of [
    [0, 0, 0],
    [1, NaN, 0],
    [1, Infinity, 0],
  ])
    assert.throws(() => embedding(answer(numbers), likeness, references, []), { code: 'inference-failed' });
  assert.throws(() => embedding(answer([1, 0, 0]), likeness, undefined, []), { code: 'internal' });
});

test('WR-EMB-03 references that do not fit their card are refused', () => {
  assert.deepEqual(referenceContradictions(likeness, references['references.json']), []);
  const check = (changed: Record<string, [number, ...number[]]>): readonly string[] =>
    referenceContradictions(likeness, { schemaVersion: 1, vectors: changed });
  assert.deepEqual(check({ x: [1, 0, 0], y: [0, 1], xy: [0, 0, 0] }), [
    'references.json: y is no vector of length 3 with a direction',
    'references.json: xy is no vector of length 3 with a direction',
  ]);
  assert.deepEqual(check({ x: [1, 0, 0], y: [0, 1, 0] }), ['references.json: xy is missing']);
  const [first] = likeness.findings;
  const swapped = { ...likeness, findings: [{ ...first!, thresholds: { present: 0.2, absent: 0.4 } }] };
  assert.match(embeddingContradictions(swapped, '/o')[0]!, /absent is not below present/);
});

const MILLILITER = code('ml', 'UCUM', 'milliliter');
const NO_UNITS = code('1', 'UCUM', 'no units');
const VOLUME_RULE = {
  key: 'volume',
  kind: 'volume',
  concept: code('118565006', 'SCT', 'Volume'),
  unit: MILLILITER,
  decimals: 1,
} as const;
const COUNT_RULE = { ...VOLUME_RULE, key: 'count', kind: 'count', unit: NO_UNITS } as const;

test('WR-MEA-01 a measure in another unit than it is in is refused, and components that are not counted', () => {
  const rule: LabelMapOutput['findings'][number] = { key: 'part', segments: [1], ...AGE, measures: [VOLUME_RULE] };
  const components = {
    key: 'p',
    minimumMilliliters: 1,
    atMost: 3,
    measures: [VOLUME_RULE],
  } satisfies typeof rule.components;
  const check = (changes: Partial<typeof rule>): readonly string[] =>
    regionContradictions({ ...rule, ...changes }, '/f');
  assert.deepEqual(check({}), []);
  assert.deepEqual(check({ measures: [COUNT_RULE], components }), []);
  const inches = { ...VOLUME_RULE, kind: 'diameter', unit: code('[in_i]', 'UCUM', 'inch') } as const;
  assert.deepEqual(check({ measures: [inches] }), ['/f/part/volume: diameter is in mm (UCUM), not in [in_i]']);
  assert.match(check({ measures: [{ ...VOLUME_RULE, unit: NO_UNITS }] })[0]!, /volume is in ml/);
  assert.deepEqual(check({ measures: [{ ...VOLUME_RULE, kind: 'mean', unit: HOUNSFIELD_UNIT }] }), []);
  assert.match(check({ measures: [COUNT_RULE] })[0]!, /a count needs components/);
  assert.match(check({ components })[0]!, /a count belongs to the measures/);
  const counted = { ...components, measures: [COUNT_RULE] } satisfies typeof rule.components;
  assert.match(check({ measures: [COUNT_RULE], components: counted })[0]!, /nothing to count/);
});
