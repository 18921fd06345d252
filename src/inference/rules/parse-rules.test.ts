import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadingRule } from '../../../contracts/generated/types.ts';
import { lungCard, packageOf } from '../../../test/support/model-card.ts';
import { WetreadError } from '../../errors.ts';
import { parseRules, requireModels } from './parse-rules.ts';

const base = { name: 'a', model: 'm' };

function complaint(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof WetreadError && error.code === 'config-invalid');
    return error.message;
  }
  return 'accepted';
}

const complaintOf = (...rules: readonly object[]): string => complaint(() => parseRules(rules as ReadingRule[]));

test('WR-RUL-07 a mistake that a schema cannot find names its key', () => {
  const leaf = { attribute: 'Modality', equals: 'CT' };
  for (const [rules, expected] of [
    [[base, base], /^rules\.1\.name is the name of an earlier rule, 'a'$/],
    [[{ ...base, when: {} }], /^rules\.0\.when needs one of all, any, not, attribute$/],
    [[{ ...base, when: { all: [leaf], not: leaf } }], /^rules\.0\.when needs one of all/],
    [[{ ...base, when: { any: [leaf], contains: 'x' } }], /^rules\.0\.when has contains, but no attribute$/],
    [[{ ...base, when: { any: [leaf, { attribute: 'Modality' }] } }], /^rules\.0\.when\.any\.1 needs one of equals/],
    [[{ ...base, when: { ...leaf, contains: 'x' } }], /^rules\.0\.when needs one of equals/],
    [
      [{ ...base, when: { not: { attribute: 'KVP', minimum: 2, maximum: 1 } } }],
      /^rules\.0\.when\.not\.minimum is above/,
    ],
    [[{ ...base, series: { where: { any: [{}] } } }], /^rules\.0\.series\.where\.any\.0 needs one of/],
    [
      [{ ...base, series: { sliceThickness: { minimum: 2, maximum: 1 } } }],
      /^rules\.0\.series\.sliceThickness\.minimum/,
    ],
    [[base, { ...base, name: 'b', when: leaf }], /^accepted$/],
    [[{ name: 'a' }], /^rules\.0 needs either model or readings$/],
    [[{ ...base, readings: [{ model: 'n' }] }], /^rules\.0 needs either model or readings$/],
    [[{ name: 'a', readings: [{ model: 'm' }, { model: 'm' }] }], /^rules\.0\.readings names 'm' twice/],
  ] as const) {
    assert.match(complaintOf(...rules), expected);
  }
});

test('WR-RUL-07 conditions nest, but not without end', () => {
  let when: object = { attribute: 'Modality', equals: 'CT' };
  for (let depth = 0; depth < 7; depth++) when = { not: when };
  assert.equal(complaintOf({ ...base, when }), 'accepted');
  assert.match(complaintOf({ ...base, when: { not: when } }), /nested deeper than 8 conditions/);
});

test('WR-RUL-07 what a rule leaves open', () => {
  assert.deepEqual(parseRules([base]), [
    {
      name: 'a',
      readings: [
        {
          model: 'm',
          series: { exclude: ['localizer', 'projection'], prefer: 'most-instances' },
          overrides: { series: {}, slots: {} },
        },
      ],
      priority: 'routine',
      patience: {},
    },
  ]);
  const [patient] = parseRules([{ ...base, completeness: { quietSeconds: 30 }, series: { kernel: 'any' } }]);
  assert.deepEqual(patient?.patience, { quietMs: 30_000 });
  assert.equal(patient?.readings[0]?.series.kernel, undefined);
});

test('WR-MUL-01 each model of a rule narrows or replaces what the rule says of series, key by key', () => {
  const [several] = parseRules([
    {
      name: 'a',
      series: { plane: 'axial', kernel: 'soft', atMost: 1 },
      readings: [{ model: 'm' }, { model: 'n', series: { kernel: 'lung', exclude: [] } }],
    },
  ]);
  const common = { plane: 'axial', prefer: 'most-instances', atMost: 1 };
  assert.deepEqual(
    several?.readings.map(({ model, series }) => ({ model, series })),
    [
      { model: 'm', series: { ...common, exclude: ['localizer', 'projection'], kernel: 'soft' } },
      { model: 'n', series: { ...common, exclude: [], kernel: 'lung' } },
    ],
  );
});

test('WR-RUL-06 a model that is not loaded is told with the key of its rule', () => {
  const packages = [packageOf(lungCard())];
  const rules = parseRules([
    { ...base, model: 'ct-lung-density' },
    { ...base, name: 'b' },
  ]);
  assert.equal(
    complaint(() => requireModels(rules, packages)),
    "rules.1.model 'm' is not loaded; loaded: ct-lung-density",
  );
});
