import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../test/support/model-card.ts';
import { scopeContradictions } from './check-scope.ts';
import type { IntendedUse } from './gate/intended-use.ts';
import type { InputRule } from './model-package.ts';

const { intendedUse, input } = lungCard();
const [use] = intendedUse;

const withUse = (change: Partial<IntendedUse>): readonly string[] =>
  scopeContradictions({ intendedUse: [use, { ...use, ...change }], input });
const withInput = (change: Partial<InputRule>): readonly string[] =>
  scopeContradictions({ intendedUse, input: { ...input, ...change } as InputRule });

const CASES: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  'the bundled card': [scopeContradictions({ intendedUse, input }), []],
  'a thickness that no slice has': [
    withUse({ sliceThicknessMm: { minimum: 5, maximum: 1 } }),
    ['/intendedUse/1/sliceThicknessMm: no slice thickness fits'],
  ],
  'an age that nobody has': [
    withUse({ ageYears: { minimum: 18, maximum: 15 } }),
    ['/intendedUse/1/ageYears: no age fits'],
  ],
  'a view that is allowed and refused': [
    withUse({ views: { allowed: ['PA'], refused: ['AP', 'PA'] } }),
    ['/intendedUse/1/views: every value that is allowed is refused'],
  ],
  'a range the wrong way round': [
    withInput({
      reference: { source: 'test', cases: 1, coveredPercent: 100, ranges: { mean: { minimum: 1, maximum: 0 } } },
    }),
    ['/input/reference/ranges/mean: no value fits'],
  ],
  'a prior that the model needs': [
    withInput({ slots: [{ kind: 'prior', meaning: 'the examination before', required: true }] }),
    ['/input/slots/0: the model needs the examination before (prior), which Wetread cannot give it yet'],
  ],
  'a lateral view that it can do without': [
    withInput({ slots: [{ kind: 'other-view', meaning: 'the lateral view', required: false }] }),
    [],
  ],
};
for (const [name, [found, expected]] of Object.entries(CASES)) {
  test(`WR-PKG-05 what a card is for must be possible: ${name}`, () => assert.deepEqual(found, expected));
}
