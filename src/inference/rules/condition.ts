/** Judges conditions. Total: every data set gives a verdict, in time bounded by its size, and always the same one. */
import type { Series } from '../../arrival/study.ts';
import { type AttributeName, numbersIn, type RuleSubject, valuesOf } from './attributes.ts';
import { comparable, matchesPattern } from './pattern.ts';
import type { Condition, Test } from './rule.ts';

/** A verdict with what it rests on, for the operator who asks why. */
export interface Judgement {
  readonly holds: boolean;
  /** The condition in words: `StudyDescription contains 'thorax'`. */
  readonly wants: string;
  /** Why it does not hold, in words that quote the rule and nothing of the study; empty where it holds. */
  readonly whyNot: string;
  /** Values that the study gives for the attribute: for the operator's eyes, never for a log. */
  readonly found?: readonly string[];
  readonly parts?: readonly Judgement[];
}

/** @param series those whose values count: all of the study, or one */
export function judge(condition: Condition, subject: RuleSubject, series: readonly Series[]): Judgement {
  if (condition.kind === 'attribute') {
    return judgeAttribute(condition.attribute, condition.test, valuesOf(condition.attribute, subject, series));
  }
  if (condition.kind === 'not') {
    const part = judge(condition.of, subject, series);
    return { holds: !part.holds, wants: `not ${part.wants}`, whyNot: part.holds ? part.wants : '', parts: [part] };
  }
  const parts = condition.of.map((each) => judge(each, subject, series));
  return condition.kind === 'all' ? allOf(parts) : anyOf(parts);
}

function allOf(parts: readonly Judgement[]): Judgement {
  const failed = parts.find(({ holds }) => !holds);
  return { holds: failed === undefined, wants: joined(parts, ' and '), whyNot: failed?.whyNot ?? '', parts };
}

function anyOf(parts: readonly Judgement[]): Judgement {
  const holds = parts.some((part) => part.holds);
  return { holds, wants: joined(parts, ' or '), whyNot: holds ? '' : parts.map((p) => p.whyNot).join(' and '), parts };
}

function joined(parts: readonly Judgement[], word: string): string {
  return parts.length === 1 ? parts[0]!.wants : `(${parts.map(({ wants }) => wants).join(word)})`;
}

function judgeAttribute(attribute: AttributeName, test: Test, found: readonly string[]): Judgement {
  const holds = passes(test, found);
  const { says, denies } = wordsOf(test);
  const isAbsent = found.length === 0 && test.kind !== 'exists';
  const whyNot = `${attribute} ${isAbsent ? 'is not given' : denies}`;
  return { holds, wants: `${attribute} ${says}`, whyNot: holds ? '' : whyNot, found };
}

function passes(test: Test, found: readonly string[]): boolean {
  switch (test.kind) {
    case 'is':
      return found.some((value) => test.values.some((wanted) => isSame(value, wanted)));
    case 'contains':
      return found.some((value) => comparable(value).includes(comparable(test.text)));
    case 'matches':
      return found.some((value) => matchesPattern(value, test.pattern));
    case 'range':
      return numbersIn(found).some((value) => isIn(value, test));
    case 'exists':
      return found.length > 0 === test.expected;
  }
}

/** As numbers where both are: `1.50` is `1.5`. */
function isSame(value: string, wanted: string): boolean {
  if (comparable(value) === comparable(wanted)) return true;
  const [a, b] = numbersIn([value, wanted]);
  return b !== undefined && a === b;
}

export function isIn(value: number, { minimum = -Infinity, maximum = Infinity }: Range): boolean {
  return value >= minimum && value <= maximum;
}

export interface Range {
  readonly minimum?: number;
  readonly maximum?: number;
}

/** How a test is said, and how its failure is. */
function wordsOf(test: Test): { readonly says: string; readonly denies: string } {
  switch (test.kind) {
    case 'is': {
      const list = test.values.map(quoted).join(', ');
      const isOne = test.values.length === 1;
      return {
        says: isOne ? `is ${list}` : `is one of ${list}`,
        denies: isOne ? `is not ${list}` : `is none of ${list}`,
      };
    }
    case 'contains':
      return { says: `contains ${quoted(test.text)}`, denies: `does not contain ${quoted(test.text)}` };
    case 'matches':
      return { says: `matches ${quoted(test.pattern)}`, denies: `does not match ${quoted(test.pattern)}` };
    case 'range':
      return { says: `is ${rangeText(test)}`, denies: `is not ${rangeText(test)}` };
    case 'exists':
      return { says: test.expected ? 'is given' : 'is not given', denies: test.expected ? 'is not given' : 'is given' };
  }
}

export function rangeText({ minimum, maximum }: Range): string {
  if (minimum === undefined) return `at most ${maximum}`;
  return maximum === undefined ? `at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

function quoted(text: string): string {
  return `'${text}'`;
}
