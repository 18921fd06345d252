/**
 * Matching of attributes as PS3.4 C.2.2.2 defines it and PS3.18 8.3.4 spells it in a query: single value, list of
 * UIDs, wildcard, range, sequence, universal and empty value. Names match without regard to case, in every script.
 */
import { type DicomDataSet, type DicomElement, itemsOf, type PersonName } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import { isUid } from '../../src/uid.ts';

export interface AttributeMatch {
  /** One tag, or the tags from a sequence down to the attribute. */
  readonly path: readonly string[];
  readonly vr: string;
  /** As in the query, percent-decoded. */
  readonly value: string;
}

/** Whether a value, trimmed and as text, matches. */
type ValueTest = (value: string) => boolean;

const WILDCARD_VRS = new Set(['AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT']);
const RANGE_VRS = new Set(['DA', 'TM', 'DT']);
const NUMBER_VRS = new Set(['DS', 'FD', 'FL', 'IS', 'SL', 'SS', 'SV', 'UL', 'US', 'UV']);
/** What an empty value match looks like (PS3.18 8.3.4.5). */
const EMPTY_VALUE = '""';

/** @throws WetreadError `request-invalid` where a value does not fit its attribute. */
export function matcherOf(matches: readonly AttributeMatch[]): (dataSet: DicomDataSet) => boolean {
  const combined = combinedDateTime(matches);
  const rest = combined === undefined ? matches : matches.filter(({ path }) => !isStudyDateTime(path));
  const tests = [...rest.map(attributeTest), ...(combined === undefined ? [] : [combined])];
  return (dataSet) => tests.every((test) => test(dataSet));
}

function attributeTest(match: AttributeMatch): (dataSet: DicomDataSet) => boolean {
  const { path, value } = match;
  if (value === '') return () => true;
  if (value === EMPTY_VALUE)
    return (dataSet) => elementsAt(dataSet, path).every((found) => textsOf(found).length === 0);
  const test = valueTest(match);
  return (dataSet) => elementsAt(dataSet, path).some((found) => textsOf(found).some(test));
}

/** An attribute matches where any of its values matches any value of the list. */
function valueTest({ vr, value }: AttributeMatch): ValueTest {
  const separator = vr === 'UI' ? /[,\\]/ : '\\';
  const tests = value.split(separator).map((one) => singleValueTest(vr, one));
  return (found) => tests.some((test) => test(found));
}

function singleValueTest(vr: string, value: string): ValueTest {
  if (vr === 'UI') return uidTest(value);
  if (vr === 'SQ') throw invalid('A sequence is matched by the attributes of its items');
  if (RANGE_VRS.has(vr)) return rangeTest(vr, value);
  if (NUMBER_VRS.has(vr)) return numberTest(value);
  const fold = vr === 'PN' ? foldName : (text: string): string => text;
  if (WILDCARD_VRS.has(vr) && /[*?]/.test(value)) {
    const pattern = Array.from(fold(value.trim()));
    return (found) => matchesWildcard(pattern, Array.from(fold(found)));
  }
  const wanted = fold(value.trim());
  return (found) => fold(found) === wanted;
}

function uidTest(value: string): ValueTest {
  if (!isUid(value)) throw invalid('A UID breaks the rules of PS3.5 section 9.1');
  return (found) => found === value;
}

function numberTest(value: string): ValueTest {
  const wanted = Number(value);
  if (value.trim() === '' || !Number.isFinite(wanted)) throw invalid('A number is malformed');
  return (found) => Number(found) === wanted;
}

/** Case, width and composition of characters do not tell names apart; trailing empty components neither. */
function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFC').replace(/\^+$/, '');
}

/**
 * `*` stands for any characters, `?` for one. Backs up to the last star only, so that no pattern makes it slow; a
 * regular expression of many stars would.
 */
function matchesWildcard(pattern: readonly string[], found: readonly string[]): boolean {
  let [at, from, star, starFrom] = [0, 0, -1, 0];
  while (from < found.length) {
    if (pattern[at] === '*') [star, starFrom] = [at++, from];
    else if (pattern[at] === '?' || pattern[at] === found[from]) [at, from] = [at + 1, from + 1];
    else if (star >= 0) [at, from] = [star + 1, ++starFrom];
    else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

const DATE_TIME_PATTERN: Readonly<Record<string, RegExp>> = {
  DA: /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/,
  TM: /^([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?$/,
  DT: /^\d{4}(\d{2}){0,5}(\.\d{1,6})?$/,
};
const LATEST = '99999999999999999999';

interface Range {
  readonly low: string;
  readonly high: string;
}

/** Comparable bounds of `20260101`, `20260101-20260131`, `-20260131` or `20260101-`; a shorter bound means its whole span. */
function rangeOf(vr: string, value: string): Range {
  const [from = '', to, ...more] = value.trim().split('-');
  const pattern = DATE_TIME_PATTERN[vr]!;
  const bounds = to === undefined ? [from] : [from, to].filter((bound) => bound !== '');
  if (more.length > 0 || bounds.length === 0 || !bounds.every((bound) => pattern.test(bound))) {
    throw invalid('A date, a time or a range is malformed');
  }
  const until = to ?? from;
  return { low: digits(from), high: until === '' ? LATEST : digits(until).padEnd(LATEST.length, '9') };
}

function rangeTest(vr: string, value: string): ValueTest {
  const { low, high } = rangeOf(vr, value);
  return (found) => digits(found) >= low && digits(found) <= high;
}

/** Digits alone order dates and times; `2004.01.19` and `10:15` are the forms of before DICOM 3.0. */
function digits(value: string): string {
  return value.replaceAll(/\D/g, '');
}

function isStudyDateTime(path: readonly string[]): boolean {
  return path.length === 1 && (path[0] === '00080020' || path[0] === '00080030');
}

/** Ranges of Study Date and Study Time together mean one range from first to last moment (PS3.18 8.3.4.1.1, PS3.4 C.2.2.2.5.4). */
function combinedDateTime(matches: readonly AttributeMatch[]): ((dataSet: DicomDataSet) => boolean) | undefined {
  const range = (tag: string, vr: string): Range | undefined => {
    const found = matches.find(({ path, value }) => path.length === 1 && path[0] === tag && value.includes('-'));
    return found === undefined ? undefined : rangeOf(vr, found.value);
  };
  const date = range('00080020', 'DA');
  const time = range('00080030', 'TM');
  if (date === undefined || time === undefined) return undefined;
  const low = date.low + time.low;
  const high = date.high === LATEST ? LATEST : (date.high.slice(0, 8) + time.high).slice(0, LATEST.length);
  return (dataSet) => {
    const [day] = textsOf(dataSet['00080020']);
    if (day === undefined) return false;
    const moment = digits(day) + digits(textsOf(dataSet['00080030'])[0] ?? '');
    return moment >= low && moment <= high;
  };
}

function elementsAt(dataSet: DicomDataSet, path: readonly string[]): readonly (DicomElement | undefined)[] {
  const [tag, ...inner] = path;
  if (tag === undefined) return [];
  return inner.length === 0 ? [dataSet[tag]] : itemsOf(dataSet, tag).flatMap((item) => elementsAt(item, inner));
}

/** Values as text, each group of a name apart and all of them together; empty ones left out. */
function textsOf(found: DicomElement | undefined): readonly string[] {
  const values = found?.Value ?? [];
  const texts = values.flatMap((value) => {
    if (typeof value === 'string' || typeof value === 'number') return [String(value)];
    return value === null || found?.vr !== 'PN' ? [] : nameTexts(value as PersonName);
  });
  return texts.map((value) => value.trim()).filter((value) => value !== '');
}

function nameTexts({ Alphabetic = '', Ideographic = '', Phonetic = '' }: PersonName): readonly string[] {
  return [Alphabetic, Ideographic, Phonetic, [Alphabetic, Ideographic, Phonetic].join('=').replace(/=+$/, '')];
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}
