/** From rules as a site writes them, already checked by schema, to rules as the core works with them. */
import type { ReadingRule, RuleCondition, RuleSeriesSelection, RuleValue } from '../../../contracts/generated/types.ts';
import { WetreadError } from '../../errors.ts';
import type { ModelPackage } from '../model-package.ts';
import { seriesSlots } from '../slots.ts';
import type { Condition, Rule, RuleReading, SeriesSelection, Test } from './rule.ts';

/** Judging a condition recurses; nobody can read one that is nested deeper. */
const DEEPEST = 8;

/** @throws WetreadError `config-invalid`, naming the key of the first mistake that a schema cannot find. */
export function parseRules(written: readonly ReadingRule[]): readonly Rule[] {
  const names = new Set<string>();
  return written.map((rule, index) => {
    const key = `rules.${index}`;
    if (names.has(rule.name)) throw invalid(`${key}.name`, `is the name of an earlier rule, '${rule.name}'`);
    names.add(rule.name);
    const { quietSeconds, longestWaitSeconds } = rule.completeness ?? {};
    return {
      name: rule.name,
      ...(rule.when !== undefined && { when: parseCondition(rule.when, `${key}.when`) }),
      readings: parseReadings(rule, key),
      priority: rule.priority ?? 'routine',
      patience: {
        ...(quietSeconds !== undefined && { quietMs: quietSeconds * 1000 }),
        ...(longestWaitSeconds !== undefined && { longestWaitMs: longestWaitSeconds * 1000 }),
      },
    };
  });
}

/**
 * A rule that names a model which is not there would read nothing, silently; so would a slot that the model has not.
 * @throws WetreadError `config-invalid`, naming the key
 */
export function requireModels(rules: readonly Rule[], packages: readonly ModelPackage[]): void {
  const names = packages.map(({ card }) => card.name);
  for (const [index, { readings }] of rules.entries()) {
    for (const [at, reading] of readings.entries()) {
      const found = packages.find(({ card }) => card.name === reading.model);
      const key = readings.length === 1 ? `rules.${index}` : `rules.${index}.readings.${at}`;
      if (found === undefined)
        throw invalid(`${key}.model`, `'${reading.model}' is not loaded; loaded: ${names.join(', ') || 'none'}`);
      requireSlots(reading, found, key);
    }
  }
}

function requireSlots({ model, overrides }: RuleReading, { card }: ModelPackage, key: string): void {
  const names = seriesSlots(card.input).map(({ name }) => name);
  const unknown = Object.keys(overrides.slots).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw invalid(`${key}.slots.${unknown}`, `is no slot of '${model}'; it has: ${names.join(', ') || 'none'}`);
}

function parseReadings({ model, readings, series = {}, slots }: ReadingRule, key: string): readonly RuleReading[] {
  if ((model === undefined) === (readings === undefined)) throw invalid(key, 'needs either model or readings');
  if (model !== undefined) return [parseReading({ model, series, ...(slots && { slots }) }, key)];
  if (slots !== undefined) throw invalid(`${key}.slots`, 'belongs to one of the readings');
  const models = readings?.map((reading) => reading.model) ?? [];
  const twice = models.find((name, index) => models.indexOf(name) < index);
  if (twice !== undefined) throw invalid(`${key}.readings`, `names '${twice}' twice: a model reads a study once`);
  return (readings ?? []).map((reading, index) =>
    parseReading({ ...reading, series: { ...series, ...reading.series } }, `${key}.readings.${index}`),
  );
}

type WrittenReading = NonNullable<ReadingRule['readings']>[number];

function parseReading({ model, series = {}, slots = {} }: WrittenReading, key: string): RuleReading {
  for (const [name, selection] of Object.entries(slots)) parseSelection(selection, `${key}.slots.${name}`);
  return { model, series: parseSelection(series, `${key}.series`), overrides: { series, slots } };
}

/** @throws WetreadError `config-invalid`, naming what is wrong below `key` */
export function parseSelection(written: RuleSeriesSelection, key: string): SeriesSelection {
  const { exclude, plane, kernel, sliceThickness, where, prefer, atMost } = written;
  if (sliceThickness !== undefined) requireRange(sliceThickness, `${key}.sliceThickness`);
  return {
    exclude: exclude ?? ['localizer', 'projection'],
    ...(plane !== undefined && { plane }),
    ...(kernel !== undefined && kernel !== 'any' && { kernel }),
    ...(sliceThickness !== undefined && { sliceThickness }),
    ...(where !== undefined && { where: parseCondition(where, `${key}.where`) }),
    prefer: prefer ?? 'most-instances',
    ...(atMost !== undefined && { atMost }),
  };
}

function parseCondition(written: RuleCondition, key: string, depth = 1): Condition {
  if (depth > DEEPEST) throw invalid(key, `is nested deeper than ${DEEPEST} conditions`);
  const { all, any, not, attribute, ...tests } = written;
  const [kind, ...others] = FORMS.filter((form) => written[form] !== undefined);
  if (kind === undefined || others.length > 0) throw invalid(key, `needs one of ${FORMS.join(', ')}`);
  const [stray] = attribute === undefined ? Object.keys(tests) : [];
  if (stray !== undefined) throw invalid(key, `has ${stray}, but no attribute`);
  const parse = (part: RuleCondition, place: string): Condition => parseCondition(part, `${key}.${place}`, depth + 1);
  if (all !== undefined) return { kind: 'all', of: all.map((part, index) => parse(part, `all.${index}`)) };
  if (any !== undefined) return { kind: 'any', of: any.map((part, index) => parse(part, `any.${index}`)) };
  if (not !== undefined) return { kind: 'not', of: parse(not, 'not') };
  return { kind: 'attribute', attribute: attribute!, test: parseTest(tests, key) };
}

const FORMS = ['all', 'any', 'not', 'attribute'] as const;

type Tests = Omit<RuleCondition, (typeof FORMS)[number]>;

function parseTest(tests: Tests, key: string): Test {
  const { equals, anyOf, contains, matches, exists, ...range } = tests;
  const given: Test[] = [];
  if (equals !== undefined) given.push({ kind: 'is', values: [textOf(equals)] });
  if (anyOf !== undefined) given.push({ kind: 'is', values: anyOf.map(textOf) });
  if (contains !== undefined) given.push({ kind: 'contains', text: contains });
  if (matches !== undefined) given.push({ kind: 'matches', pattern: matches });
  if (exists !== undefined) given.push({ kind: 'exists', expected: exists });
  if (Object.keys(range).length > 0) {
    requireRange(range, key);
    given.push({ kind: 'range', ...range });
  }
  const [test, ...others] = given;
  if (test !== undefined && others.length === 0) return test;
  throw invalid(key, 'needs one of equals, anyOf, contains, matches, exists, or minimum and maximum');
}

function textOf(value: RuleValue): string {
  return String(value);
}

function requireRange({ minimum, maximum }: { minimum?: number; maximum?: number }, key: string): void {
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    throw invalid(`${key}.minimum`, 'is above the maximum');
  }
}

function invalid(key: string, what: string): WetreadError {
  return new WetreadError('config-invalid', `${key} ${what}`);
}
