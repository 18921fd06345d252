/** Whether the sentences that a card declares can ever be said, and say what they mean to. */
import type { ImpressionRule } from '../../contracts/generated/types.ts';
import { type DeclaredFinding, declaredFindings } from './declared-findings.ts';
import type { ModelCard } from './model-package.ts';

/** Words that the draft fills in, by where they may stand. */
const IMPRESSION_WORDS = ['value', 'probability', 'place', 'kernel', 'thickness'];
const CAVEAT_WORDS = ['kernel', 'thickness'];

/** Sentences about what contradicts in `report` and `caveats`; none where they hold together. */
export function reportContradictions(card: Pick<ModelCard, 'outputs' | 'report' | 'caveats'>): string[] {
  const rules = card.report?.impression ?? [];
  return [
    ...rules.flatMap((rule, at) =>
      impressionContradictions(rule, card).map((said) => `/report/impression/${at}${said}`),
    ),
    ...card.caveats.flatMap((caveat, at) =>
      typeof caveat === 'string' ? [] : unknownWords(caveat.text, CAVEAT_WORDS).map((said) => `/caveats/${at}${said}`),
    ),
  ];
}

function impressionContradictions(rule: ImpressionRule, card: Pick<ModelCard, 'outputs'>): string[] {
  const { finding, measure, minimum, below, text } = rule;
  const declared = declaredFindings(card).find(({ key }) => key === finding);
  if (declared === undefined) return [`/finding: '${finding}' is not declared`];
  const isBounded = minimum !== undefined || below !== undefined;
  return [
    ...(measure === undefined || declared.measures.includes(measure)
      ? []
      : [`/measure: '${measure}' is not declared for '${finding}'`]),
    ...(isBounded && measure === undefined ? [': a limit without a measure'] : []),
    ...(minimum !== undefined && below !== undefined && minimum >= below ? ['/minimum: is not below `below`'] : []),
    ...(text.includes('{value}') && measure === undefined ? ['/text: {value} without a measure'] : []),
    ...placeContradictions(rule, declared),
    ...unknownWords(text, IMPRESSION_WORDS),
  ];
}

/** Only what is there has a place; and several of one kind that are there read alike without it. */
function placeContradictions({ text, presence }: ImpressionRule, { located }: DeclaredFinding): string[] {
  const names = text.includes('{place}');
  const has = located === true && presence === 'present';
  if (names === has) return [];
  return [
    has ? '/text: without {place} several detections read alike' : '/text: {place} of what is no present detection',
  ];
}

function unknownWords(text: string, known: readonly string[]): string[] {
  const words = [...text.matchAll(/\{([^{}]*)\}/g)].map(([, word = '']) => word);
  return words.filter((word) => !known.includes(word)).map((word) => `/text: nothing fills in {${word}}`);
}
