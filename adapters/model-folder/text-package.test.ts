/** Packages without a graph: a prompt, and the server that is asked. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ModelCard, PicturesInput } from '../../src/inference/model-package.ts';
import { lungCard } from '../../test/support/model-card.ts';
import { seal } from '../../test/support/model-package.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import {
  PROMPT,
  radiographCard,
  textCard,
  writeRadiographPackage,
  writeTextPackage,
} from '../../test/support/text-package.ts';
import { loadModelPackage } from './model-shelf.ts';

const folder = new TemporaryFolder();
after(async () => folder[Symbol.asyncDispose]());
let count = 0;

function write(edit?: (card: ModelCard) => void, prompt?: string): Promise<string> {
  count += 1;
  return writeTextPackage(join(folder.path, String(count)), edit, prompt);
}

test('WR-VLM-18 a package of a prompt is loaded with it, and its digest covers it', async () => {
  const home = await write();
  const loaded = await loadModelPackage(home);
  assert.equal(loaded.prompt, PROMPT);
  const other = await loadModelPackage(await write(undefined, `${PROMPT}Write little.\n`));
  assert.notEqual(other.digest, loaded.digest);
  appendFileSync(join(home, 'prompt.txt'), ' ');
  await assert.rejects(loadModelPackage(home), { code: 'package-invalid', message: /prompt\.txt was changed/ });
  rmSync(join(home, 'prompt.txt'));
  await seal(home);
  await assert.rejects(loadModelPackage(home), { code: 'package-invalid', message: /prompt\.txt is missing/ });
});

const text = textCard();
const lung = lungCard();
for (const [what, edit, message] of [
  ['a volume for a language model', (card) => Object.assign(card, { input: lung.input }), /reads slices/],
  ['pictures for a graph', (card) => Object.assign(card, { runtime: lung.runtime }), /need a runtime of kind chat/],
  ['two texts', (card) => Object.assign(card, { outputs: [...text.outputs, ...text.outputs] }), /gives one text/],
  ['a label map of words', (card) => Object.assign(card, { outputs: lung.outputs }), /gives one text/],
  [
    'a window upside down',
    (card) => Object.assign(card.input, { windows: [{ meaning: 'x', low: 5, high: 5 }] }),
    /low is not below high/,
  ],
  ['a server with a path for a name', (card) => Object.assign(card.runtime, { server: '../x' }), /runtime/],
  ['a prompt outside the folder', (card) => Object.assign(card.runtime, { prompt: '../prompt.txt' }), /runtime/],
  [
    'four windows',
    (card) => Object.assign(card.input, { windows: Array(4).fill({ meaning: 'x', low: 0, high: 1 }) }),
    /input/,
  ],
] as const satisfies readonly (readonly [string, (card: ModelCard) => unknown, RegExp])[]) {
  test(`WR-VLM-18 refused: ${what}`, async () => {
    await assert.rejects(loadModelPackage(await write(edit)), { code: 'package-invalid', message });
  });
}

const radiographs = radiographCard();
const [frontal] = (radiographs.input as PicturesInput).views!;
for (const [what, edit, message] of [
  ['radiographs for a graph', (card) => Object.assign(card, { runtime: lung.runtime }), /need a runtime of kind chat/],
  [
    'percentiles upside down',
    (card) => Object.assign(card.input, { window: { kind: 'percentiles', low: 99, high: 1 } }),
    /\/input\/window: low is not below high/,
  ],
  [
    'a position of two views',
    (card) => Object.assign(card.input, { views: [frontal, { ...frontal, meaning: 'other', positions: ['pa'] }] }),
    /\/input\/views: a View Position is declared twice/,
  ],
  [
    'text in the pixels that is accepted',
    (card) => Object.assign(card.input.gate, { burnedInText: 'accepted' }),
    /never shown to a language model/,
  ],
  ['windows of slices', (card) => Object.assign(card.input, { windows: [] }), /input/],
] as const satisfies readonly (readonly [string, (card: ModelCard) => unknown, RegExp])[]) {
  test(`WR-VLM-29 refused: ${what}`, async () => {
    count += 1;
    const home = await writeRadiographPackage(join(folder.path, String(count)), edit);
    await assert.rejects(loadModelPackage(home), { code: 'package-invalid', message });
  });
}

test('WR-VLM-29 the radiograph model of the guide is a package that loads', async () => {
  const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'add-a-model.md'), 'utf8');
  const [, example] = /### Radiographs[\s\S]*?^```json\n([\s\S]*?)^```$/m.exec(guide) ?? assert.fail('no example');
  count += 1;
  const parts = JSON.parse(`{${example}}`) as Partial<ModelCard>;
  assert.deepEqual(Object.keys(parts), ['intendedUse', 'runtime', 'input', 'outputs']);
  const home = await writeRadiographPackage(join(folder.path, String(count)), (card) => Object.assign(card, parts));
  assert.equal((await loadModelPackage(home)).card.input.kind, 'pictures');
});

test('WR-VLM-05 a prompt with a slot that is not on the list is refused: no other field can be asked for', async () => {
  const home = await write(undefined, 'Describe the images of {{patientName}}.');
  await assert.rejects(loadModelPackage(home), { code: 'package-invalid', message: /\{\{patientName\}\} is no slot/ });
});
