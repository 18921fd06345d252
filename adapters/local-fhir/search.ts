/** Search requests as SQL: token, reference and date parameters of FHIR R4 3.1.1. */
import type { SQLInputValue } from 'node:sqlite';
import { WetreadError } from '../../src/errors.ts';
import { type ResourceType, type SearchParameter, searchParameters } from './search-parameters.ts';

/** `name`, `value` pairs as they stand in a query; a name that repeats is a conjunction. */
export type SearchQuery = readonly (readonly [name: string, value: string])[];

export interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
  /** Names few resources, whatever their type. */
  readonly isByToken?: boolean;
}

/**
 * Resources of the type that meet the query, over the table `resource`.
 * @throws WetreadError `request-invalid` for a parameter that is not known: ignoring one would widen the answer
 */
export function matching(type: ResourceType, query: SearchQuery): Condition {
  const wanted = conditions(type, query);
  // `+` keeps the planner from walking through all resources of the type.
  const ofType = wanted.some(({ isByToken }) => isByToken) ? '+resource.type = ?' : 'resource.type = ?';
  return {
    sql: [ofType, 'resource.body IS NOT NULL', ...wanted.map(({ sql }) => sql)].join(' AND '),
    values: [type, ...wanted.flatMap(({ values }) => values)],
  };
}

function conditions(type: ResourceType, query: SearchQuery): Condition[] {
  const known = new Map(searchParameters(type).map((parameter) => [parameter.name, parameter]));
  return query.map(([name, value]) => {
    const parameter = known.get(name);
    if (parameter === undefined)
      throw new WetreadError('request-invalid', `${type} cannot be searched by the parameter given`);
    if (value === '') throw new WetreadError('request-invalid', `The parameter ${name} has no value`);
    return condition(parameter, value);
  });
}

function condition(parameter: SearchParameter, value: string): Condition {
  if (parameter.type === 'date') return anyOf(split(value, ',').map(dateCondition));
  if (parameter.name === '_id')
    return anyOf(split(value, ',').map((id) => ({ sql: 'resource.id = ?', values: [unescaped(id)] })));
  // The parameter stands in every choice: only then does each find its tokens by the index.
  const choices = split(value, ',').map((choice): Condition => {
    const one = parameter.type === 'reference' ? referenceCondition(choice) : tokenCondition(choice);
    return { sql: `(token.parameter = ? AND ${one.sql})`, values: [parameter.name, ...one.values] };
  });
  const { sql, values } = anyOf(choices);
  // The tokens first, by their index: asked resource by resource, a search costs what the whole store holds.
  return {
    sql: `resource.sequence IN (SELECT token.sequence FROM search_token AS token WHERE ${sql})`,
    values,
    isByToken: true,
  };
}

function anyOf(choices: readonly Condition[]): Condition {
  return {
    sql: `(${choices.map(({ sql }) => sql).join(' OR ')})`,
    values: choices.flatMap(({ values }) => values),
  };
}

/** `code`, `system|code`, `|code` (no system), `system|` (any code of it). */
function tokenCondition(choice: string): Condition {
  const [first = '', second] = split(choice, '|').map(unescaped);
  if (second === undefined) return { sql: 'token.value = ?', values: [first] };
  if (second === '') return { sql: 'token.system = ?', values: [first] };
  return { sql: '(token.system = ? AND token.value = ?)', values: [first, second] };
}

/** `id`, `Type/id`, or an absolute URL that ends so. */
function referenceCondition(choice: string): Condition {
  const [id = '', type] = unescaped(choice).split('/').reverse();
  return type === undefined
    ? { sql: 'token.value = ?', values: [id] }
    : { sql: '(token.system = ? AND token.value = ?)', values: [type, id] };
}

const COMPARISONS: Readonly<Record<string, (from: string, until: string) => Condition>> = {
  eq: (from, until) => ({ sql: '(last_updated >= ? AND last_updated < ?)', values: [from, until] }),
  ge: (from) => ({ sql: 'last_updated >= ?', values: [from] }),
  gt: (_from, until) => ({ sql: 'last_updated >= ?', values: [until] }),
  le: (_from, until) => ({ sql: 'last_updated < ?', values: [until] }),
  lt: (from) => ({ sql: 'last_updated < ?', values: [from] }),
};

/** A date stands for the interval that its precision leaves open (FHIR R4 3.1.1.4.7); days are days in UTC. */
function dateCondition(value: string): Condition {
  const [, prefix = 'eq', date = ''] = /^(eq|ge|gt|le|lt)?(.*)$/.exec(value) ?? [];
  const [from, until] = interval(date);
  return COMPARISONS[prefix]!(from, until);
}

function interval(date: string): readonly [string, string] {
  const parts = /^\d{4}(?:-(\d\d)(?:-(\d\d)(T.+)?)?)?$/.exec(date);
  const [, month, day, time] = parts ?? [];
  const start = new Date(time === undefined ? date : zoned(date));
  if (parts === null || Number.isNaN(start.getTime()))
    throw new WetreadError('request-invalid', 'The parameter _lastUpdated is no date');
  const end = new Date(start);
  if (time !== undefined) end.setTime(start.getTime() + precisionMs(time));
  else if (day !== undefined) end.setUTCDate(end.getUTCDate() + 1);
  else if (month !== undefined) end.setUTCMonth(end.getUTCMonth() + 1);
  else end.setUTCFullYear(end.getUTCFullYear() + 1);
  return [start.toISOString(), end.toISOString()];
}

function precisionMs(time: string): number {
  if (/\.\d/.test(time)) return 1;
  return /^T\d\d:\d\d:\d\d/.test(time) ? 1000 : 60_000;
}

/** A time without an offset is taken as UTC; a `+` that a form encoding turned into a space is put back. */
function zoned(date: string): string {
  const text = date.replace(' ', '+');
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`;
}

/** Splits at separators that no backslash escapes (FHIR R4 3.1.1.4.4). */
function split(text: string, separator: ',' | '|'): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === separator) {
      parts.push(part);
      part = '';
    } else if (text[i] === '\\') {
      part += text.slice(i, i + 2);
      i += 1;
    } else part += text[i];
  }
  return [...parts, part];
}

function unescaped(text: string): string {
  return text.replace(/\\([\\,|$])/g, '$1');
}
