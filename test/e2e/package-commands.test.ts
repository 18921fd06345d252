/** Signed packages, MONAI bundles and reference ranges as an operator meets them. Every command is a process of its own. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { ModelCard } from '../../src/inference/model-package.ts';
import { type Ended, wetread } from '../support/command-line.ts';
import { copyPackage, editCard, seal } from '../support/model-package.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';

let folder: TemporaryFolder;
before(() => {
  folder = new TemporaryFolder();
  return () => folder[Symbol.asyncDispose]();
});
const models = (...args: readonly string[]): Promise<Ended> => wetread(['models', ...args], { cwd: folder.path });

test('WR-PKG-09 packed and signed here, unpacked there by who trusts the key, and not by who trusts another', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519').publicKey;
  folder.write({
    'key.pem': String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'key.pub.pem': String(publicKey.export({ type: 'spki', format: 'pem' })),
    'other.pub.pem': String(other.export({ type: 'spki', format: 'pem' })),
    'trusting.json': JSON.stringify({ bundledModels: false, models: ['installed'], trustedKeys: ['key.pub.pem'] }),
    'strange.json': JSON.stringify({ bundledModels: false, models: ['installed'], trustedKeys: ['other.pub.pem'] }),
    'bundled.json': JSON.stringify({ trustedKeys: ['key.pub.pem'] }),
  });
  copyPackage(join(folder.path, 'made'));
  const packed = await models('pack', 'made', '--out', 'made.tar.gz', '--sign', 'key.pem');
  const id = /\nsigned by ([0-9a-f]{16})$/.exec(packed.stdout.trimEnd())?.[1];
  assert.ok(id !== undefined, packed.stdout + packed.stderr);
  const refused = await models('add', 'made.tar.gz', '--to', 'installed', '--config', 'strange.json');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /no key that is trusted signed it/);
  assert.equal(existsSync(join(folder.path, 'installed', 'ct-lung-density-1.0.0')), false);
  const added = await models('add', 'made.tar.gz', '--to', 'installed', '--config', 'trusting.json');
  assert.match(added.stdout, new RegExp(`signed by ${id}`));
  const shown = await models('show', 'ct-lung-density', '--config', 'trusting.json');
  assert.match(shown.stdout, new RegExp(`^signed by ${id}$`, 'm'));
  const listed = await models('list', '--config', 'strange.json');
  assert.deepEqual([listed.code, /no key that is trusted signed it/.test(listed.stdout)], [1, true]);
  assert.match((await models('list', '--config', 'bundled.json')).stderr, /set bundledModels: false/);
});

test('WR-PKG-10 a package that is for research is refused by a site that does no research', async () => {
  const copy = copyPackage(join(folder.path, 'research', 'lungs'));
  editCard(copy, (card) => Object.assign(card.licence, { clinicalUse: 'research' }));
  await seal(copy);
  folder.write({
    'clinical.json': JSON.stringify({ bundledModels: false, models: ['research'], researchUse: false }),
  });
  const { code, stdout } = await models('list', '--config', 'clinical.json');
  assert.equal(code, 1);
  assert.match(stdout, /its licence allows research only, and researchUse is off/);
});

test('WR-PKG-11 reference ranges from a folder, ready to be pasted: what was read to make them lies inside', async () => {
  folder.writeStudy('cases/chest', smallChest());
  writeFileSync(join(folder.path, 'cases', 'notes.txt'), 'no study');
  const copy = copyPackage(join(folder.path, 'own'));
  const { code, stdout, stderr } = await models('reference', 'own', 'cases');
  assert.equal(code, 0, stderr);
  const { reference } = JSON.parse(stdout) as { reference: NonNullable<ModelCard['input']['reference']> };
  assert.equal(reference.cases, 1);
  assert.ok(reference.ranges.airPercent!.minimum < reference.ranges.airPercent!.maximum);
  editCard(copy, (card) => Object.assign(card.input, { reference: { ...reference, source: 'a phantom' } }));
  await seal(copy);
  assert.equal((await models('check', 'own')).code, 0);
  const again = await models('reference', 'own', 'cases');
  assert.equal(again.stdout, stdout);
  mkdirSync(join(folder.path, 'nothing'));
  const none = await models('reference', 'own', 'nothing');
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /holds no images that the package reads/);
  assert.match((await models('reference', 'own')).stderr, /needs a FOLDER of studies/);
});
