/** What a language model may answer, as the JSON Schema that is sent along, and what it did answer, held to the same. */
import { reason, type Skipped } from '../reasons.ts';
import type { TextOutput } from './model-package.ts';
import type { TextAnswer } from './text-generation.ts';

export type SectionKey = TextOutput['sections'][number];
export type Presence = 'present' | 'absent' | 'undetermined';

/** A sentence as the model gave it. */
export interface AnsweredSentence {
  readonly section: SectionKey;
  readonly text: string;
  /** Which picture shows it, from 1; absent where the model names none. */
  readonly picture?: number;
  /** Key of a label of the card. */
  readonly label?: string;
  readonly presence?: Presence;
}

const PRESENCES: readonly unknown[] = ['present', 'absent', 'undetermined'] satisfies Presence[];
/** A sentence that is longer is none. */
const MOST_CHARACTERS = 600;
const SENTENCE_KEYS: readonly string[] = ['text', 'picture', 'label', 'presence'];

/** In the subset that servers with structured answers share: every property is required, `null` stands for none. */
export function answerSchema(output: TextOutput, pictures: number): Readonly<Record<string, unknown>> {
  const sentence = {
    type: 'object',
    additionalProperties: false,
    required: SENTENCE_KEYS,
    properties: {
      text: { type: 'string', description: 'One sentence in English, without numbers of size' },
      picture: { type: ['integer', 'null'], minimum: 1, maximum: pictures, description: 'The picture that shows it' },
      label: { enum: [...output.labels.map(({ key }) => key), null] },
      presence: { enum: [...PRESENCES, null] },
    },
  };
  const section = { type: 'array', maxItems: output.maximumSentences, items: sentence };
  return {
    type: 'object',
    additionalProperties: false,
    required: ['evaluable', ...output.sections],
    properties: {
      evaluable: { type: 'boolean', description: 'false where the pictures do not allow an answer' },
      ...Object.fromEntries(output.sections.map((key) => [key, section])),
    },
  };
}

/** An answer that is none, or breaks the schema, is an outcome and no fault: nothing of it reaches a draft (safety R14). */
export function sentencesOf(
  answer: TextAnswer,
  output: TextOutput,
  pictures: number,
): readonly AnsweredSentence[] | Skipped {
  if (answer.end === 'refused') return abstained('it refused to answer');
  if (answer.content.trim() === '') return abstained('its answer is empty');
  if (answer.end === 'truncated') return unusable('it was cut off at the limit of tokens');
  const value = parsed(answer.content);
  if (!isRecord(value)) return unusable('it is no JSON object');
  const keys = ['evaluable', ...output.sections];
  if (!hasExactly(value, keys) || typeof value['evaluable'] !== 'boolean') return unusable('its keys are others');
  if (!value['evaluable']) return abstained('the pictures do not allow an answer');
  const sentences: AnsweredSentence[] = [];
  for (const section of output.sections) {
    const items = value[section];
    if (!Array.isArray(items) || items.length > output.maximumSentences)
      return unusable(`'${section}' is no such list`);
    for (const item of items as readonly unknown[]) {
      const sentence = sentenceOf(item, section, output, pictures);
      if (sentence === undefined) return unusable(`a sentence of '${section}' breaks the schema`);
      sentences.push(sentence);
    }
  }
  return sentences.length === 0 ? abstained('it holds no sentence') : sentences;
}

function sentenceOf(
  item: unknown,
  section: SectionKey,
  { labels }: TextOutput,
  pictures: number,
): AnsweredSentence | undefined {
  if (!isRecord(item) || !hasExactly(item, SENTENCE_KEYS)) return undefined;
  const { text, picture, label, presence } = item;
  const isText = typeof text === 'string' && text.trim() !== '' && text.length <= MOST_CHARACTERS;
  const isPicture = typeof picture === 'number' && Number.isInteger(picture) && picture >= 1 && picture <= pictures;
  const isLabel = typeof label === 'string' && labels.some(({ key }) => key === label);
  const isPresence = PRESENCES.includes(presence);
  const holds =
    isText && (isPicture || picture === null) && (isLabel || label === null) && (isPresence || presence === null);
  if (!holds) return undefined;
  return {
    section,
    text: text.replaceAll(/\s+/gu, ' ').trim(),
    ...(isPicture && { picture }),
    ...(isLabel && { label }),
    ...(isPresence && { presence: presence as Presence }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasExactly(value: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  const own = Object.keys(value);
  return own.length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}

function abstained(why: string): Skipped {
  return { skipped: reason('model-abstained', why) };
}

function unusable(why: string): Skipped {
  return { skipped: reason('answer-unusable', why) };
}
