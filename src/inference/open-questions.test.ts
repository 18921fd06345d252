import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beyondOpenQuestions, openQuestion, openQuestions } from './open-questions.ts';

test('WR-MPK-09 every open question is found, with its place', () => {
  const card = { title: openQuestion('What?'), list: [1, { code: openQuestion('Which?') }], note: 'OPEN until noon' };
  assert.deepEqual(openQuestions(card), [
    { key: '/title', question: 'What?' },
    { key: '/list/1/code', question: 'Which?' },
  ]);
});

test('WR-MPK-09 what a schema says of an open question is left out, and nothing else', () => {
  const open = [
    { key: '/size', question: '?' },
    { key: '/input/low', question: '?' },
  ];
  const left = [
    { key: '', keyword: 'required' },
    { key: '/input', keyword: 'additionalProperties' },
    { key: '/sizes', keyword: 'type' },
    { key: '/output', keyword: 'oneOf' },
  ];
  const about = [
    { key: '/size', keyword: 'type' },
    { key: '/size/0', keyword: 'type' },
    { key: '/input/low', keyword: 'type' },
  ];
  assert.deepEqual(beyondOpenQuestions([...left, ...about], open), left);
  for (const keyword of ['oneOf', 'discriminator']) {
    const alternatives = [
      { key: '/input', keyword },
      { key: '/input/kind', keyword: 'const' },
    ];
    assert.deepEqual(beyondOpenQuestions([...alternatives, left[0]!], open), [left[0]!]);
  }
});
