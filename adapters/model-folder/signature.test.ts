/** Who made a package: a site that names keys loads nothing that none of them signed, to the byte. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LUNG_PACKAGE } from '../../test/support/lung-reading.ts';
import { copyPackage, editCard, seal } from '../../test/support/model-package.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { OPEN_ADMISSION } from './admission.ts';
import { loadModelPackage, openModelShelf } from './model-shelf.ts';
import { packPackage, unpackPackage } from './packed-package.ts';
import {
  keyIdOf,
  readSigningKey,
  readTrustedKey,
  SIGNATURE_FILE,
  signatureLine,
  type TrustedKey,
} from './signature.ts';

const scratch = new TemporaryFolder();
after(() => scratch[Symbol.asyncDispose]());
const at = (name: string): string => join(scratch.path, name);

const maker = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const trust = ({ publicKey }: { readonly publicKey: KeyObject }): TrustedKey => ({
  id: keyIdOf(publicKey),
  key: publicKey,
});
const pem = (key: KeyObject): string =>
  String(
    key.type === 'private' ? key.export({ type: 'pkcs8', format: 'pem' }) : key.export({ type: 'spki', format: 'pem' }),
  );

test('WR-PKG-01 a signed archive is unpacked by who trusts its maker, and says who that is; the digest is the same without', async () => {
  const plain = await packPackage(LUNG_PACKAGE, at('plain.tar.gz'));
  const signed = await packPackage(LUNG_PACKAGE, at('signed.tar.gz'), maker.privateKey);
  await packPackage(LUNG_PACKAGE, at('again.tar.gz'), maker.privateKey);
  assert.equal(signed.digest, plain.digest);
  assert.deepEqual(readFileSync(at('signed.tar.gz')), readFileSync(at('again.tar.gz')));
  const { folder, signedBy } = await unpackPackage(at('signed.tar.gz'), at('home'), [trust(stranger), trust(maker)]);
  assert.equal(signedBy, keyIdOf(maker.publicKey));
  const shelf = await openModelShelf([folder], { ...OPEN_ADMISSION, trustedKeys: [trust(maker)] });
  assert.deepEqual([shelf.packages()[0]?.signedBy, shelf.refused], [keyIdOf(maker.publicKey), []]);
  assert.equal((await loadModelPackage(folder)).digest, plain.digest, 'a site without keys loads it as well');
});

test('WR-PKG-01 a signature stays when the package is packed again', async () => {
  const folder = copyPackage(at('resigned'));
  const { digest } = await loadModelPackage(folder);
  writeFileSync(
    join(folder, SIGNATURE_FILE),
    signatureLine(digest, stranger.privateKey) + signatureLine(digest, maker.privateKey),
  );
  await packPackage(folder, at('carried.tar.gz'));
  const { signedBy } = await unpackPackage(at('carried.tar.gz'), at('carried'), [trust(maker)]);
  assert.equal(signedBy, keyIdOf(maker.publicKey));
});

const DIGEST = `sha256:${'0'.repeat(64)}`;
const UNTRUSTED: Readonly<Record<string, readonly [(folder: string, digest: string) => void | Promise<void>, RegExp]>> =
  {
    'no signature': [() => {}, /it is not signed$/],
    'a signature of somebody else': [
      (folder, digest) => writeFileSync(join(folder, SIGNATURE_FILE), signatureLine(digest, stranger.privateKey)),
      /no key that is trusted signed it/,
    ],
    'a signature of other bytes': [
      (folder) => writeFileSync(join(folder, SIGNATURE_FILE), signatureLine(DIGEST, maker.privateKey)),
      /the signature of [0-9a-f]{16} is of other bytes/,
    ],
    'the signature of another, under a trusted name': [
      (folder, digest) => {
        const [, base64] = signatureLine(digest, stranger.privateKey).split(' ');
        writeFileSync(join(folder, SIGNATURE_FILE), `${keyIdOf(maker.publicKey)} ${base64}`);
      },
      /is of other bytes/,
    ],
    'a card that was changed and sealed anew': [
      async (folder, digest) => {
        writeFileSync(join(folder, SIGNATURE_FILE), signatureLine(digest, maker.privateKey));
        editCard(folder, (card) => Object.assign(card, { title: 'Another title' }));
        await seal(folder);
      },
      /is of other bytes/,
    ],
    'a file that is no signature': [
      (folder) => writeFileSync(join(folder, SIGNATURE_FILE), '-----BEGIN PGP SIGNATURE-----\n'),
      /SIGNATURE holds a line that is no signature/,
    ],
    'an endless file': [
      (folder) => writeFileSync(join(folder, SIGNATURE_FILE), 'x'.repeat(20_000)),
      /SIGNATURE is too long/,
    ],
  };
for (const [what, [damage, message]] of Object.entries(UNTRUSTED)) {
  test(`WR-PKG-02 refused where keys are trusted: ${what}`, async () => {
    const folder = copyPackage(at(`untrusted ${what}`));
    await damage(folder, (await loadModelPackage(folder)).digest);
    const shelf = await openModelShelf([folder], { ...OPEN_ADMISSION, trustedKeys: [trust(maker)] });
    assert.deepEqual([shelf.packages(), shelf.refused[0]?.error.code], [[], 'package-untrusted']);
    assert.match(shelf.refused[0]!.error.message, message);
  });
}

test('WR-PKG-02 one changed byte of a signed package is refused before anybody looks at the signature', async () => {
  const folder = copyPackage(at('changed byte'));
  const { digest } = await loadModelPackage(folder);
  writeFileSync(join(folder, SIGNATURE_FILE), signatureLine(digest, maker.privateKey));
  const bytes = readFileSync(join(folder, 'lungs.onnx'));
  bytes[1000]! ^= 1;
  writeFileSync(join(folder, 'lungs.onnx'), bytes);
  await assert.rejects(loadModelPackage(folder, [trust(maker)]), {
    code: 'package-invalid',
    message: /lungs\.onnx was changed/,
  });
});

test('WR-PKG-02 an archive that is not trusted leaves nothing behind', async () => {
  await packPackage(LUNG_PACKAGE, at('unsigned.tar.gz'));
  await assert.rejects(unpackPackage(at('unsigned.tar.gz'), at('empty'), [trust(maker)]), {
    code: 'package-untrusted',
  });
  assert.deepEqual(readdirSync(at('empty')), []);
});

test('WR-PKG-03 keys are files in PEM; a private key where a public one belongs, and any other kind, is a mistake', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const files = {
    'maker.pem': maker.privateKey,
    'maker.pub.pem': maker.publicKey,
    'rsa.pem': rsa.privateKey,
    'rsa.pub.pem': rsa.publicKey,
  };
  for (const [name, key] of Object.entries(files)) writeFileSync(at(name), pem(key));
  writeFileSync(at('none.pem'), 'no key');
  assert.equal((await readTrustedKey(at('maker.pub.pem'))).id, keyIdOf(await readSigningKey(at('maker.pem'))));
  for (const name of ['maker.pem', 'rsa.pub.pem', 'none.pem', 'absent.pem'])
    await assert.rejects(readTrustedKey(at(name)), { code: 'config-invalid' }, name);
  for (const name of ['maker.pub.pem', 'rsa.pem', 'none.pem', 'absent.pem'])
    await assert.rejects(readSigningKey(at(name)), { code: 'config-invalid' }, name);
});

const LICENCES: readonly (readonly ['allowed' | 'research' | 'forbidden', boolean, string | undefined])[] = [
  ['allowed', false, undefined],
  ['research', true, undefined],
  ['research', false, 'package-not-permitted'],
  ['forbidden', true, 'package-not-permitted'],
  ['forbidden', false, 'package-not-permitted'],
];
for (const [clinicalUse, researchUse, code] of LICENCES) {
  test(`WR-PKG-04 licence ${clinicalUse}, research ${researchUse ? 'on' : 'off'}: ${code ?? 'runs'}`, async () => {
    const folder = copyPackage(at(`licence ${clinicalUse} ${researchUse}`));
    editCard(folder, (card) => Object.assign(card.licence, { clinicalUse }));
    await seal(folder);
    const shelf = await openModelShelf([folder], { ...OPEN_ADMISSION, researchUse });
    assert.deepEqual(
      [shelf.packages().length, shelf.refused[0]?.error.code],
      code === undefined ? [1, undefined] : [0, code],
    );
  });
}
