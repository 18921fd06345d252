import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { textCard } from '../../test/support/text-package.ts';
import { isSkipped } from '../reasons.ts';
import type { TextOutput } from './model-package.ts';
import { answerSchema, sentencesOf } from './text-answer.ts';
import type { TextAnswer } from './text-generation.ts';

const output = textCard().outputs[0] as TextOutput;
const PICTURES = 5;
const sentence = { text: 'The lungs are clear.', picture: null, label: null, presence: null };
const sound = { evaluable: true, findings: [sentence], impression: [] };

function read(content: unknown, more: Partial<TextAnswer> = {}): ReturnType<typeof sentencesOf> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return sentencesOf({ content: text, end: 'complete', model: 'm', ...more }, output, PICTURES);
}

function refusalOf(...asked: Parameters<typeof read>): string {
  const found = read(...asked);
  return isSkipped(found) ? `${found.skipped.code}: ${found.skipped.detail}` : 'sentences';
}

test('WR-TXT-03 sentences keep their section, and the picture and label that the model names', () => {
  const told = { text: ' Emphysema \n is seen. ', picture: 5, label: 'low-attenuation', presence: 'present' };
  assert.deepEqual(read({ ...sound, impression: [told] }), [
    { section: 'findings', text: 'The lungs are clear.' },
    { section: 'impression', text: 'Emphysema is seen.', picture: 5, label: 'low-attenuation', presence: 'present' },
  ]);
});

test('WR-VLM-06 a model that will not answer has abstained', () => {
  assert.match(refusalOf(sound, { end: 'refused' }), /^model-abstained: it refused/);
  assert.match(refusalOf('  '), /^model-abstained: its answer is empty/);
  assert.match(refusalOf({ ...sound, evaluable: false }), /^model-abstained: the pictures do not allow/);
  assert.match(refusalOf({ ...sound, findings: [] }), /^model-abstained: it holds no sentence/);
});

/** Every way to break the schema that was thought of. */
const BROKEN: readonly (readonly [string, unknown])[] = [
  ['prose', 'The lungs are clear.'],
  ['a fence around it', `\`\`\`json\n${JSON.stringify(sound)}\n\`\`\``],
  ['a list', [sound]],
  ['null', null],
  ['half of it', JSON.stringify(sound).slice(0, -5)],
  ['a section missing', { evaluable: true, findings: [sentence] }],
  ['a section more', { ...sound, advice: [] }],
  ['a section that is a text', { ...sound, findings: 'clear' }],
  ['evaluable as a word', { ...sound, evaluable: 'yes' }],
  ['too many sentences', { ...sound, findings: Array.from({ length: 11 }, () => sentence) }],
  ['a sentence that is a text', { ...sound, findings: ['clear'] }],
  ['an empty sentence', { ...sound, findings: [{ ...sentence, text: ' ' }] }],
  ['an endless sentence', { ...sound, findings: [{ ...sentence, text: 'a '.repeat(400) }] }],
  ['a key missing', { ...sound, findings: [{ text: 'Clear.', picture: null, label: null }] }],
  ['a key more', { ...sound, findings: [{ ...sentence, size: 8 }] }],
  ['picture 0', { ...sound, findings: [{ ...sentence, picture: 0 }] }],
  ['a picture that was not sent', { ...sound, findings: [{ ...sentence, picture: 6 }] }],
  ['half a picture', { ...sound, findings: [{ ...sentence, picture: 1.5 }] }],
  ['a label of its own', { ...sound, findings: [{ ...sentence, label: 'cancer' }] }],
  ['a presence of its own', { ...sound, findings: [{ ...sentence, presence: 'likely' }] }],
];

test('WR-VLM-07 an answer that breaks the schema cannot be used, and nothing of it is', () => {
  for (const [what, content] of BROKEN) assert.match(refusalOf(content), /^answer-unusable/, what);
  assert.match(refusalOf(sound, { end: 'truncated' }), /^answer-unusable: it was cut off/);
});

test('WR-VLM-07 the schema that is sent says what is read', () => {
  const conforms = new Ajv2020().compile(answerSchema(output, PICTURES));
  assert.ok(conforms(sound), JSON.stringify(conforms.errors));
  for (const [what, content] of BROKEN) {
    if (typeof content === 'string' || what === 'an empty sentence' || what === 'an endless sentence') continue;
    assert.equal(conforms(content), false, what);
  }
});
