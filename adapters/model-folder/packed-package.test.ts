/** One file for a package: the same bytes for the same package, and nothing of a hostile archive on the disk. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { LUNG_PACKAGE } from '../../test/support/lung-reading.ts';
import { copyPackage, editCard } from '../../test/support/model-package.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { CHECKSUM_FILE } from './checksums.ts';
import { loadModelPackage } from './model-shelf.ts';
import { packPackage, unpackPackage } from './packed-package.ts';

const scratch = new TemporaryFolder();
after(() => scratch[Symbol.asyncDispose]());
let archives = 0;
const newArchive = (): string => join(scratch.path, `package-${archives++}.tar.gz`);

test('WR-MPK-06 the same package gives the same bytes, whatever its times and wherever it lies, sealed or not yet', async () => {
  const first = newArchive();
  const model = await packPackage(LUNG_PACKAGE, first);
  const elsewhere = copyPackage(join(scratch.path, 'elsewhere'));
  utimesSync(join(elsewhere, 'card.json'), 1, 1);
  rmSync(join(elsewhere, CHECKSUM_FILE));
  const second = newArchive();
  assert.deepEqual(await packPackage(elsewhere, second), model);
  assert.deepEqual(readFileSync(second), readFileSync(first));
});

test('WR-MPK-06 a package comes out of its archive as it went in, and is not put over another', async () => {
  const archive = newArchive();
  const packed = await packPackage(LUNG_PACKAGE, archive);
  const home = join(scratch.path, 'home');
  const { folder, digest } = await unpackPackage(archive, home);
  assert.equal(folder, join(home, 'ct-lung-density-1.0.0'));
  assert.equal(digest, packed.digest);
  assert.deepEqual(await loadModelPackage(folder), packed);
  await assert.rejects(unpackPackage(archive, home), { code: 'conflict' });
  assert.deepEqual(readdirSync(home), ['ct-lung-density-1.0.0']);
});

test('WR-MPK-06 what is refused is not packed', async () => {
  const changed = copyPackage(join(scratch.path, 'changed'));
  editCard(changed, (card) => Object.assign(card, { title: 'OPEN: what?' }));
  const archive = newArchive();
  await assert.rejects(packPackage(changed, archive), {
    code: 'package-invalid',
    message: /card\.json was changed; card\.json: \/title is open: what\?/,
  });
  assert.equal(existsSync(archive), false);
});

interface HostileEntry {
  readonly name: string;
  readonly type?: 'file' | 'symlink' | 'link' | 'character-device' | 'directory';
  readonly linkname?: string;
  readonly content?: string;
}

async function hostile(...entries: readonly HostileEntry[]): Promise<string> {
  const tar = pack();
  for (const { content = '', ...header } of entries) tar.entry(header, content);
  tar.finalize();
  const archive = newArchive();
  writeFileSync(archive, gzipSync(await buffer(tar as unknown as NodeJS.ReadableStream)));
  return archive;
}

const top = 'ct-lung-density-1.0.0';
const HOSTILE: Readonly<Record<string, readonly [entries: readonly HostileEntry[], message: RegExp]>> = {
  'a path that goes up': [[{ name: '../outside' }], /a path that leads outside/],
  'a path that goes up later': [[{ name: `${top}/a/../../../outside` }], /a path that leads outside/],
  'an absolute path': [[{ name: join(scratch.path, 'absolute') }], /a path that leads outside/],
  'a path with backslashes': [[{ name: `${top}\\..\\..\\outside` }], /a path that leads outside/],
  'a link to outside': [[{ name: `${top}/w`, type: 'symlink', linkname: '../../outside' }], /holds a symlink/],
  'a hard link': [[{ name: `${top}/w`, type: 'link', linkname: '/etc/hostname' }], /holds a link/],
  'a device': [[{ name: `${top}/w`, type: 'character-device' }], /holds a character-device/],
  'a file twice': [[{ name: `${top}/w` }, { name: `${top}/W` }], /a file twice/],
  'a file beside its folder': [[{ name: 'outside' }], /a file outside its folder/],
  'two folders': [[{ name: 'a/w' }, { name: 'b/w' }], /does not hold one folder/],
  nothing: [[], /does not hold one folder/],
  'more than its size allows': [[{ name: `${top}/w`, content: '0'.repeat(70 * 2 ** 20) }], /unpacks to more than/],
  'a package without checksums': [[{ name: `${top}/card.json`, content: '{}' }], /SHA256SUMS is missing/],
};
for (const [what, [entries, message]] of Object.entries(HOSTILE)) {
  test(`WR-MPK-07 an archive is refused and nothing of it stays: ${what}`, async () => {
    const home = join(scratch.path, `hostile-${archives}`);
    await assert.rejects(unpackPackage(await hostile(...entries), home), { code: 'package-invalid', message });
    assert.deepEqual(readdirSync(home), []);
    assert.equal(existsSync(join(scratch.path, 'outside')), false);
    assert.equal(existsSync(join(scratch.path, 'absolute')), false);
  });
}

test('WR-MPK-07 an archive that is cut, damaged, none at all, or of another name is refused and nothing of it stays', async () => {
  const whole = newArchive();
  await packPackage(LUNG_PACKAGE, whole);
  const bytes = readFileSync(whole);
  const tar = gunzipSync(bytes);
  const DAMAGED: readonly (readonly [Uint8Array, RegExp])[] = [
    [bytes.subarray(0, bytes.length / 2), /is not a gzip of a tar, or ends too early/],
    [gzipSync(tar.subarray(0, tar.length / 2)), /is not a gzip of a tar, or ends too early/],
    [Buffer.from('no archive'), /is not a gzip of a tar/],
    [
      gzipSync(Buffer.from(tar.toString('latin1').replaceAll('"Adults', '"Elders'), 'latin1')),
      /card\.json was changed/,
    ],
  ];
  for (const [content, message] of DAMAGED) {
    const archive = newArchive();
    writeFileSync(archive, content);
    const home = join(scratch.path, `damaged-${archives}`);
    await assert.rejects(unpackPackage(archive, home), { code: 'package-invalid', message });
    assert.deepEqual(readdirSync(home), []);
  }
});
