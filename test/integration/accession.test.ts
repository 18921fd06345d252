/** Both archives find the studies of an order: the embedded one itself, and the same one over DICOMweb (PS3.18 10.6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dicomwebArchive } from '../../adapters/dicomweb/archive.ts';
import { readIdentity } from '../../adapters/part10/reader.ts';
import type { ImageArchive } from '../../src/ports.ts';
import { dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { testArchive } from '../support/directory-archive.ts';
import { part10File, studyUid, text } from '../support/part10.ts';

const ORDERED: Readonly<Record<string, string>> = { one: 'ACC-1', two: 'ACC-1', other: 'ACC-12', none: '' };

const files = Object.entries(ORDERED).map(
  ([study, accession]) =>
    part10File({ study, attributes: { '00080050': accession === '' ? { vr: 'SH' } : text('SH', accession) } }).bytes,
);

async function findsThem(archive: ImageArchive): Promise<void> {
  const { signal } = new AbortController();
  const found = async (accession: string): Promise<readonly string[]> =>
    [...((await archive.findByAccession?.(accession, signal)) ?? [])].sort();
  assert.deepEqual(await found('ACC-1'), [studyUid('one'), studyUid('two')].sort());
  assert.deepEqual(await found('ACC-2'), []);
  // Characters that stand for others in a match do not here.
  assert.deepEqual(await found('ACC-1*'), []);
}

test('WR-SUB-06 the embedded archive finds the studies of an accession number', async () => {
  await using stored = await testArchive();
  for (const bytes of files) await stored.archive.storeInstance(bytes);
  await findsThem(stored.archive);
});

test('WR-SUB-06 an archive behind DICOMweb finds the studies of an accession number', async () => {
  await using server = await dicomwebServer({});
  assert.equal((await stow(server.url, stowBody(...files))).status, 200);
  await findsThem(dicomwebArchive({ url: server.url, identify: readIdentity }));
});
