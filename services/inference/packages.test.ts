import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checksumsOf, digestOf } from '../../adapters/model-folder/checksums.ts';
import { keyIdOf, SIGNATURE_FILE, signatureLine } from '../../adapters/model-folder/signature.ts';
import { onnx } from '../../test/support/model-package.ts';
import { negateModel, writePackage } from '../../test/support/onnx-models.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { packagesIn } from './packages.ts';

const scratch = new TemporaryFolder();
after(() => scratch[Symbol.asyncDispose]());

/** y = w, whose values lie in another file. */
function withWeightsIn(location: string): Uint8Array {
  const externalData = [{ key: 'location', value: location }];
  const graph = {
    node: [{ opType: 'Identity', input: ['w'], output: ['y'] }],
    initializer: [{ name: 'w', dims: [4], dataType: 1, dataLocation: 1, externalData }],
    output: [{ name: 'y', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 4 }] } } } }],
  };
  return onnx.ModelProto.encode(onnx.ModelProto.fromObject({ irVersion: 8, graph })).finish();
}

test('WR-MPK-01 a server of graphs refuses one that names files outside its folder, also by a link', async () => {
  scratch.write({ 'secret.bin': new Uint8Array(16) });
  const home = join(scratch.path, 'models');
  writePackage(home, 'above', withWeightsIn('../../secret.bin'));
  const linked = writePackage(home, 'linked', withWeightsIn('weights.bin'));
  symlinkSync('../../secret.bin', join(linked, '..', 'weights.bin'));
  const own = writePackage(home, 'own', withWeightsIn('weights.bin'));
  writeFileSync(join(own, '..', 'weights.bin'), new Uint8Array(16));
  const refusals = (await packagesIn([home])).map(({ name, refused }) => [name, refused?.message]);
  assert.deepEqual(refusals, [
    ['above', 'model.onnx: tensor w has its data outside the package: ../../secret.bin'],
    ['linked', 'model.onnx: tensor w has its data in weights.bin, which is not in the package'],
    ['own', undefined],
  ]);
});

test('WR-PKG-12 a service that trusts keys offers only what one of them signed, byte by byte', async () => {
  const home = join(scratch.path, 'signed-models');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const folders = ['changed', 'signed', 'unsigned'].map((name) => join(writePackage(home, name, negateModel()), '..'));
  for (const folder of folders.slice(0, 2))
    writeFileSync(join(folder, SIGNATURE_FILE), signatureLine(digestOf(await checksumsOf(folder)), privateKey));
  writeFileSync(join(folders[0]!, 'more.txt'), 'added later');
  const trusted = [{ id: keyIdOf(publicKey), key: publicKey }];
  const refusals = (await packagesIn([home], new Map(), trusted)).map(({ name, refused }) => [name, refused?.code]);
  assert.deepEqual(refusals, [
    ['changed', 'package-untrusted'],
    ['signed', undefined],
    ['unsigned', 'package-untrusted'],
  ]);
});
