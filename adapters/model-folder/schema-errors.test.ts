import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { parseJson } from './schema-errors.ts';

const root = join(import.meta.dirname, '..', '..');
const EXAMPLE = join(root, 'models', 'examples', 'dx-heart-size', 'card.json');

type Card = Record<'input' | 'runtime', Record<string, unknown>> & { readonly outputs: Record<string, unknown>[] };

/** What is said of a card that is good but for one change. */
function complaintsAfter(change: (card: Card) => void): readonly string[] {
  const card = JSON.parse(readFileSync(EXAMPLE, 'utf8')) as Card;
  change(card);
  return parseJson(JSON.stringify(card), validateModelCard).errors.map(({ text }) => text);
}

test('WR-LKM-01 a mistake in a card is told by itself, not with what every other kind would want instead', () => {
  assert.deepEqual(
    complaintsAfter(() => undefined),
    [],
  );
  const misspelt = complaintsAfter(({ input }) => {
    input['reszie'] = input['resize'];
    delete input['resize'];
  });
  assert.deepEqual(misspelt, [
    "/input must have required property 'resize'",
    '/input must NOT have additional properties (reszie)',
  ]);
  const outside = complaintsAfter(({ runtime }) => {
    runtime['file'] = '../heart.onnx';
  });
  assert.equal(outside.length, 1);
  assert.match(outside.join(), /^\/runtime\/file must match pattern/);
});

test('WR-LKM-01 a kind that there is not is told with those that there are', () => {
  const misspelt = complaintsAfter(({ outputs }) => {
    outputs[0]!['kind'] = 'clasification';
  });
  assert.equal(misspelt.length, 1);
  assert.match(misspelt.join(), /^\/outputs\/0\/kind must .*: classification, label-map, detection/);
  const absent = complaintsAfter(({ outputs }) => {
    delete outputs[0]!['kind'];
  });
  assert.deepEqual(absent, ["/outputs/0 must have required property 'kind'"]);
});

test('WR-LKM-11 the example of a measurement in docs/add-a-model.md is one that a card may hold', () => {
  const guide = readFileSync(join(root, 'docs', 'add-a-model.md'), 'utf8');
  const examples = [...guide.matchAll(/^```json\n([\s\S]*?)^```$/gm)].flatMap(([, text = '']) =>
    text.includes('"kind": "measurement"') ? [text] : [],
  );
  assert.equal(examples.length, 1);
  const measurement = JSON.parse(examples[0]!) as Record<string, unknown>;
  assert.deepEqual(
    complaintsAfter(({ outputs }) => outputs.splice(0, outputs.length, measurement)),
    [],
  );
});
