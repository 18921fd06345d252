/** Sentences that are none: repeated, in another language, left-overs of a template, or about the model itself. */
import type { AnsweredSentence } from '../text-answer.ts';
import { type Check, matcher } from './guard.ts';

const LEFTOVERS = matcher(
  String.raw`<\|?[a-z_/]+\|?>`,
  String.raw`\[/?(?:inst|sys|img|image|system|user|assistant)\]`,
  String.raw`\{\{|\}\}|https?://|\\n|#{2,}|\*\*|_{3,}`,
  String.raw`^(?:findings|impression|user|assistant|system)\s*:?$`,
  '[{}<>]',
);
const ABOUT_ITSELF = matcher(
  String.raw`\b(?:as an ai|language model|i(?:'m| am) (?:sorry|unable|not able)|i (?:cannot|can't|can not)|i do not have)\b`,
  String.raw`\b(?:ignore|disregard) (?:all |any )?(?:previous|prior|above|earlier) (?:instructions?|prompts?)\b`,
  String.raw`\b(?:these|the) instructions\b|\bsystem prompt\b|\bjson\b`,
);
/** One of these is in nearly every English sentence; four of another language are no accident. */
const ENGLISH = matcher(
  String.raw`\b(?:the|is|are|no|of|in|and|with|without|there|within|normal|clear|lungs?|heart|seen|evidence|at|a|an)\b`,
);
const FOREIGN = matcher(
  String.raw`\b(?:der|die|das|keine?|ist|und|mit|nicht|le|la|les|des|est|pas|sont|el|los|las|del|sin|con|hay|nessun[ao]?|della|il)\b`,
);

/** (g) Not a sentence of a report in English. */
export const language: Check = ({ text }) => {
  const letters = text.replaceAll(/[^\p{L}]/gu, '');
  const isWritten = letters.length >= 4 && letters.length / text.replaceAll(/[\s\d]/gu, '').length > 0.6;
  const isLatin = /^[\p{Script=Latin}\p{Script=Greek}]*$/u.test(letters);
  const words = text.split(/\s+/u).filter((word) => /\p{L}/u.test(word));
  const isSpoken = words.length >= 2 && words.every((word) => word.length <= 40);
  const isEnglish = ENGLISH(text) || !FOREIGN(text);
  return !(isWritten && isLatin && isSpoken && isEnglish && hasVowels(words)) || LEFTOVERS(text) || ABOUT_ITSELF(text);
};

/** Letters in a row without a vowel, other than in short forms, are noise. */
function hasVowels(words: readonly string[]): boolean {
  const long = words.filter((word) => word.length > 4 && word !== word.toUpperCase());
  return long.filter((word) => !/[aeiouyà-ÿ]/iu.test(word)).length * 3 <= long.length;
}

/** (g) The same words over and over within a sentence. */
export const repetition: Check = ({ text }) => {
  const words = wordsOf(text);
  return [1, 2, 3, 4].some((size) => repeats(words, size));
};

/** Three times the same so many words, one right behind the other. */
function repeats(words: readonly string[], size: number): boolean {
  for (let from = 0; from + 3 * size <= words.length; from++) {
    const [first, second, third] = [0, 1, 2].map((i) => words.slice(from + i * size, from + (i + 1) * size).join(' '));
    if (first === second && second === third) return true;
  }
  return false;
}

/** (g) Of sentences that say the same in one section, all but the first. */
export function repeated(sentences: readonly AnsweredSentence[]): ReadonlySet<AnsweredSentence> {
  const said = new Set<string>();
  const again = new Set<AnsweredSentence>();
  for (const sentence of sentences) {
    const key = `${sentence.section} ${wordsOf(sentence.text).join(' ')}`;
    if (said.has(key)) again.add(sentence);
    said.add(key);
  }
  return again;
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}
