import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapped } from './wrapped.ts';

const WORDS = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');

test('WR-LOK-01 long lines of a card are broken between words and set in, and no word is lost', () => {
  for (const [indent, hanging] of [
    ['', ''],
    ['  ', '    '],
    ['    - ', '      '],
  ] as const) {
    const lines = wrapped(indent + WORDS);
    assert.ok(lines.length > 3 && lines.every(({ length }) => length <= 100));
    assert.ok(lines[0]!.startsWith(`${indent}word0 word1`));
    assert.ok(lines.slice(1).every((line) => line.startsWith(`${hanging}word`)));
    const said = lines.map((line) => line.trim()).join(' ');
    assert.equal(said.replace('- ', ''), WORDS);
  }
});

test('WR-LOK-01 what fits stays as it is, and what cannot be broken stays whole', () => {
  assert.deepEqual(wrapped(''), ['']);
  assert.deepEqual(wrapped('  a:  b'), ['  a:  b']);
  const digest = `sha256:${'0'.repeat(120)}`;
  assert.deepEqual(wrapped(`  ${digest}`), [`  ${digest}`]);
});
