/**
 * The guard chain on generated text (safety R15, R19): every sentence is tried by every guard. What a reader can check is
 * flagged; what must not be read at all is withheld.
 */
import type { AnsweredSentence, Presence } from '../text-answer.ts';
import * as claims from './claims.ts';
import { type Check, type Guard, type GuardContext, type GuardedSentence, matcher } from './guard.ts';
import { language, repeated, repetition } from './language.ts';
import * as persons from './persons.ts';

const CHECKS: readonly (readonly [Guard, Check])[] = [
  ['comparison', claims.comparison],
  ['measurement', claims.measurement],
  ['laterality', persons.laterality],
  ['sex', persons.sex],
  ['anatomy', persons.anatomy],
  ['identity', persons.identity],
  ['date', claims.date],
  ['acquisition', claims.acquisition],
  ['device', claims.device],
  ['recommendation', claims.recommendation],
  ['repetition', repetition],
  ['language', language],
];

/** A name, another person's body, noise: nobody is helped by reading it. */
const SEVERE: ReadonlySet<Guard> = new Set(['identity', 'sex', 'anatomy', 'repetition', 'language']);

export interface GuardedText {
  readonly sentences: readonly GuardedSentence[];
  /** How many sentences were withheld for which reason; a sentence counts once, for the first. */
  readonly withheld: ReadonlyMap<Guard, number>;
}

export function guarded(sentences: readonly AnsweredSentence[], context: GuardContext): GuardedText {
  const again = repeated(sentences);
  const contradicted = contradictedLabels(sentences);
  const kept: GuardedSentence[] = [];
  const withheld = new Map<Guard, number>();
  for (const sentence of sentences) {
    const flags = flagsOf(sentence, context);
    if (again.has(sentence) && !flags.includes('repetition')) flags.push('repetition');
    if (contradictsItself(sentence) || contradicted.has(sentence.label)) flags.push('contradiction');
    const severe = flags.find((flag) => isSevere(flag, context));
    if (severe === undefined) kept.push({ ...sentence, flags });
    else withheld.set(severe, (withheld.get(severe) ?? 0) + 1);
  }
  return { sentences: kept, withheld };
}

/** What a sentence says by itself; what it says beside the others is {@link guarded}'s. */
export function flagsOf(sentence: AnsweredSentence, context: GuardContext): Guard[] {
  return CHECKS.filter(([, check]) => check(sentence, context)).map(([guard]) => guard);
}

function isSevere(flag: Guard, { recommendations }: GuardContext): boolean {
  return SEVERE.has(flag) || (flag === 'recommendation' && recommendations === 'withheld');
}

const DENIES = matcher(String.raw`^(?:there (?:is|are) )?(?:no|without|absence of|negative for)\b`);

/** (c) `No effusion`, and yet present. */
function contradictsItself({ text, presence }: AnsweredSentence): boolean {
  return presence === 'present' && DENIES(text);
}

/** (c) Labels that one sentence calls present and another absent. */
function contradictedLabels(sentences: readonly AnsweredSentence[]): ReadonlySet<string | undefined> {
  const labelled = (presence: Presence): readonly string[] =>
    sentences.flatMap((one) => (one.presence === presence ? (one.label ?? []) : []));
  const absent = labelled('absent');
  return new Set(labelled('present').filter((label) => absent.includes(label)));
}
