import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { LungCard } from '../../test/support/model-card.ts';
import { CHECKSUM_FILE, checksumsOf, checksumText } from './checksums.ts';
import { loadModelPackage, openModelShelf } from './model-shelf.ts';

const bundled = join(import.meta.dirname, '..', '..', 'models', 'ct-lung-density');
const scratch = mkdtempSync(join(tmpdir(), 'wetread-shelf-'));
after(() => rmSync(scratch, { recursive: true }));

let copies = 0;
function copy(): string {
  const folder = join(scratch, `package-${copies++}`);
  cpSync(bundled, folder, { recursive: true });
  return folder;
}

/** A copy whose card was edited, with checksums that agree: only the card itself can be refused. */
async function withCard(edit: (card: Record<string, unknown>) => void): Promise<string> {
  const folder = copy();
  const path = join(folder, 'card.json');
  const card = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  edit(card);
  writeFileSync(path, JSON.stringify(card));
  writeFileSync(join(folder, CHECKSUM_FILE), checksumText(await checksumsOf(folder)));
  return folder;
}

async function refusal(folder: string): Promise<string> {
  const { refused } = await openModelShelf([folder]);
  assert.equal(refused.length, 1);
  assert.equal(refused[0]!.error.code, 'package-invalid');
  return refused[0]!.error.message.replace(/^Model package \S+: /, '');
}

test('WR-MOD-01 the bundled package loads, from its folder and from the one above', async () => {
  const one = await openModelShelf([bundled]);
  const all = await openModelShelf([join(bundled, '..')]);
  assert.deepEqual([one.refused, all.refused], [[], []]);
  assert.deepEqual(one.packages(), all.packages());
  assert.match(one.packages()[0]!.digest, /^sha256:[0-9a-f]{64}$/);
});

test('WR-LKM-10 of several versions the newest reads, wherever it lies; the others are kept and say so', async () => {
  const versions = ['1.9.0', '1.10.0', '1.2.0'];
  const folders = await Promise.all(versions.map((version) => withCard((card) => Object.assign(card, { version }))));
  const other = await withCard((card) => Object.assign(card, { name: 'another' }));
  for (const order of [folders, folders.toReversed()]) {
    const shelf = await openModelShelf([...order, other]);
    assert.deepEqual(shelf.refused, []);
    const offered = shelf.packages().map(({ card }) => `${card.name} ${card.version}`);
    assert.deepEqual(offered, ['ct-lung-density 1.10.0', 'another 1.0.0']);
    const superseded = shelf.shelved.map(({ package: { card }, supersededBy }) => [card.version, supersededBy]);
    assert.deepEqual(Object.fromEntries(superseded), {
      '1.9.0': '1.10.0',
      '1.10.0': undefined,
      '1.2.0': '1.10.0',
      '1.0.0': undefined,
    });
  }
});

test('WR-MOD-01 an operator can check a package with sha256sum', { skip: process.platform !== 'linux' }, () => {
  const { status, stdout } = spawnSync('sha256sum', ['-c', CHECKSUM_FILE], { cwd: bundled, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

for (const name of ['lungs.onnx', 'card.json']) {
  test(`WR-MOD-01 one changed byte is refused, and the file named: ${name}`, async () => {
    const folder = copy();
    const bytes = readFileSync(join(folder, name));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(folder, name), bytes);
    assert.equal(await refusal(folder), `${name} was changed`);
  });
}

const DAMAGE: readonly (readonly [string, (folder: string) => void, RegExp])[] = [
  ['a missing file', (folder) => rmSync(join(folder, 'lungs.onnx')), /^lungs\.onnx is missing$/],
  ['another file', (folder) => writeFileSync(join(folder, 'extra.bin'), 'x'), /^extra\.bin is not listed$/],
  ['no checksums', (folder) => rmSync(join(folder, CHECKSUM_FILE)), /^SHA256SUMS is missing$/],
  ['a line that is no checksum', (folder) => writeFileSync(join(folder, CHECKSUM_FILE), 'x\n'), /SHA256SUMS: line 1/],
  [
    'a link to outside',
    (folder) => symlinkSync('/etc/hostname', join(folder, 'weights.bin')),
    /weights\.bin is neither/,
  ],
  [
    'another file in a folder below',
    (folder) => {
      mkdirSync(join(folder, 'cases'));
      writeFileSync(join(folder, 'cases', 'one.bin'), 'x');
    },
    /^cases\/one\.bin is not listed$/,
  ],
];
for (const [what, damage, message] of DAMAGE) {
  test(`WR-MOD-01 refused: ${what}`, async () => {
    const folder = copy();
    damage(folder);
    assert.match(await refusal(folder), message);
  });
}

test('WR-MOD-01 a changed version is another digest, though the graph is the same', async () => {
  const original = await loadModelPackage(bundled);
  const changed = await loadModelPackage(await withCard((card) => (card['version'] = '1.0.1')));
  assert.notEqual(changed.digest, original.digest);
  assert.deepEqual(changed.card.runtime, original.card.runtime);
});

test('WR-MOD-01 a package that is refused does not keep the next from loading; the same one twice is refused', async () => {
  const broken = copy();
  writeFileSync(join(broken, 'card.json'), '{');
  const shelf = await openModelShelf([broken, bundled, copy()]);
  const { refused } = shelf;
  assert.equal(shelf.packages().length, 1);
  assert.match(refused[0]!.error.message, /card\.json was changed/);
  assert.match(refused[1]!.error.message, /ct-lung-density 1\.0\.0 is already loaded/);
});

const card = JSON.parse(readFileSync(join(bundled, 'card.json'), 'utf8')) as LungCard & Record<string, unknown>;

test('WR-MOD-02 a card without any one of its parts is refused', async () => {
  for (const part of Object.keys(card).filter((name) => name !== 'report'))
    assert.match(
      await refusal(await withCard((edited) => delete edited[part])),
      new RegExp(`required property '${part}'`),
    );
});

test('WR-MOD-02 every fact must be stated, or be unknown with a reason', async () => {
  for (const fact of Object.keys(card.facts)) {
    const without = await withCard((edited) => delete (edited['facts'] as Record<string, unknown>)[fact]);
    assert.match(await refusal(without), new RegExp(`/facts must have required property '${fact}'`));
  }
  const noReason = await withCard(
    (edited) => ((edited['facts'] as Record<string, unknown>)['energy'] = { unknown: true }),
  );
  assert.match(await refusal(noReason), /\/facts\/energy must have required property 'reason'/);
});

const CONTRADICTIONS: readonly (readonly [string, (edited: LungCard) => void, RegExp])[] = [
  ['not JSON schema', (c) => Object.assign(c.input, { spacingMm: 'fine' }), /\/input\/spacingMm must be number/],
  ['an unknown key', (c) => Object.assign(c, { spell: 1 }), /additional properties \(spell\)/],
  [
    'a graph outside its folder',
    (c) => Object.assign(c.runtime, { file: '../lungs.onnx' }),
    /\/runtime\/file must match pattern/,
  ],
  ['a graph that is not there', (c) => Object.assign(c.runtime, { file: 'other.onnx' }), /^other\.onnx is missing$/],
  [
    'the checksum of another graph',
    (c) => Object.assign(c.runtime, { sha256: '0'.repeat(64) }),
    /\/runtime\/sha256 is not that of/,
  ],
  ['a label twice', (c) => Object.assign(c.outputs[0].otherLabels[0]!, { label: 1 }), /a label is declared twice/],
  [
    'a gap in segment numbers',
    (c) => Object.assign(c.outputs[0].segments[1]!, { number: 3 }),
    /without gaps.*not declared/,
  ],
  [
    'a key twice',
    (c) => Object.assign(c.outputs[0].findings[1]!, { key: 'lung-right' }),
    /\/outputs: a finding key is used twice/,
  ],
  [
    'a gate on no label',
    (c) => Object.assign(c.outputs[0].gate.sides!, { between: 9 }),
    /\/outputs\/0\/gate: a label is not declared/,
  ],
  ['an empty range', (c) => Object.assign(c.outputs[0].refine.range!, { low: 0 }), /low is not below high/],
];
for (const [what, edit, message] of CONTRADICTIONS) {
  test(`WR-MOD-02 a card that contradicts itself is refused: ${what}`, async () => {
    assert.match(await refusal(await withCard((edited) => edit(edited as unknown as LungCard))), message);
  });
}
