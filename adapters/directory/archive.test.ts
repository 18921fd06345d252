import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';
import { part10Inspector, testArchive } from '../../test/support/directory-archive.ts';
import { part10File, seriesUid, sopUid, studyUid, text } from '../../test/support/part10.ts';
import { dataPath, withoutTestData } from '../../test/support/test-data.ts';
import { type DirectoryArchive, directoryArchive } from './archive.ts';
import type { StoreResult } from './instance.ts';

const never = new AbortController().signal;

async function offer(archive: DirectoryArchive, ...files: readonly Uint8Array[]): Promise<readonly StoreResult[]> {
  const batch = archive.batch();
  for (const file of files) await batch.add([file]);
  return batch.finish();
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const kinds = (results: readonly StoreResult[]): string[] =>
  results.map((result) => {
    if (result.kind === 'stored') return result.repeated ? 'repeated' : 'stored';
    return result.kind === 'refused' ? result.reason.code : result.error.code;
  });

test('WR-ARC-10 what is stored comes back byte for byte, also after the folder was opened again', async () => {
  await using use = await testArchive();
  const files = [1, 2, 3].map((number) => part10File({ instance: `i${number}`, columns: 8 }));
  assert.deepEqual(kinds(await offer(use.archive, ...files.map(({ bytes }) => bytes))), ['stored', 'stored', 'stored']);
  for (const open of [async () => use.archive, () => use.reopen()]) {
    const archive = await open();
    const series: Uint8Array[] = [];
    for await (const bytes of archive.retrieveSeries(studyUid('study'), seriesUid('study/series'), never))
      series.push(bytes);
    assert.deepEqual(
      series.map((bytes) => createHash('sha256').update(bytes).digest('hex')),
      files.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex')),
    );
  }
});

test('WR-ARC-10 files lie under their UIDs inside the folder, and nothing is left where they arrive', async () => {
  await using use = await testArchive();
  await offer(use.archive, part10File().bytes, Buffer.from('not DICOM'), part10File().bytes);
  const [stored] = use.archive.instances({ studyInstanceUid: studyUid('study') });
  assert.ok(stored!.path.startsWith(resolve(use.folder, 'instances') + sep));
  assert.ok(
    stored!.path.endsWith(join(studyUid('study'), seriesUid('study/series'), `${sopUid('study/series/1')}.dcm`)),
  );
  assert.deepEqual(await readdir(join(use.folder, 'incoming')), []);
  assert.deepEqual(await filesBelow(join(use.folder, 'instances')), [stored!.path]);
});

test('WR-ARC-11 UIDs that would lead out of the folder are refused', async () => {
  await using use = await testArchive();
  const bytes = Buffer.from(part10File({ instance: 'x' }).bytes);
  const uid = Buffer.from(studyUid('study'));
  for (const evil of ['../../../../tmp/x', '/etc/passwd', '1.2/../3', '..', 'C:\\x', '1.2.\0']) {
    const changed = Buffer.from(bytes);
    changed.fill(0x20, changed.indexOf(uid), changed.indexOf(uid) + uid.length);
    changed.write(evil, changed.indexOf(Buffer.alloc(uid.length, 0x20)), 'latin1');
    assert.deepEqual(kinds(await offer(use.archive, changed)), ['uid-missing'], evil);
  }
  assert.deepEqual(await filesBelow(join(use.folder, 'instances')), []);
});

test('WR-ARC-12 the same bytes twice are accepted once', async () => {
  await using use = await testArchive();
  const { bytes } = part10File();
  assert.deepEqual(kinds(await offer(use.archive, bytes, bytes)), ['stored', 'repeated']);
  assert.deepEqual(kinds(await offer(use.archive, bytes)), ['repeated']);
  assert.deepEqual(kinds(await offer(await use.reopen(), bytes)), ['repeated']);
  assert.equal(use.archive.instances({ studyInstanceUid: studyUid('study') }).length, 1);
  assert.deepEqual(use.refusals, []);
});

test('WR-ARC-13 same UID, other bytes: refused, reported, the first one kept', async () => {
  await using use = await testArchive();
  const first = part10File();
  const other = part10File({ attributes: { '00080050': text('SH', 'other') } });
  assert.deepEqual(kinds(await offer(use.archive, first.bytes, other.bytes)), ['stored', 'uid-conflict']);
  assert.deepEqual(kinds(await offer(use.archive, other.bytes)), ['uid-conflict']);
  const [stored] = use.archive.instances({ studyInstanceUid: studyUid('study') });
  assert.ok(Buffer.from(first.bytes).equals(await use.archive.readInstance(stored!)));
  assert.deepEqual(
    use.refusals.map(({ reason, studyInstanceUid, sopInstanceUid }) => [reason.code, studyInstanceUid, sopInstanceUid]),
    Array.from({ length: 2 }, () => ['uid-conflict', studyUid('study'), sopUid('study/series/1')]),
  );
  assert.equal((await use.reopen()).refusals().length, 2);
});

test('WR-ARC-13 two requests at once with other bytes under one UID: exactly one is stored', async () => {
  await using use = await testArchive();
  const offers = Array.from({ length: 8 }, (_, i) => part10File({ attributes: { '00080050': text('SH', `${i}`) } }));
  const results = await Promise.all(offers.map(({ bytes }) => offer(use.archive, bytes)));
  assert.deepEqual(kinds(results.flat()).sort(), ['stored', ...Array.from({ length: 7 }, () => 'uid-conflict')]);
});

test('WR-ARC-14 two patients under one Study UID: the second is refused and reported', async () => {
  await using use = await testArchive();
  const ours = part10File({ instance: 'a' });
  const others: readonly [string, DicomFile][] = [
    ['id', part10File({ instance: 'b', patientId: 'someone else' })],
    ['no id', part10File({ instance: 'c', attributes: { '00100020': { vr: 'LO' } } })],
    ['birth date', part10File({ instance: 'd', attributes: { '00100030': text('DA', '19991231') } })],
  ];
  assert.deepEqual(kinds(await offer(use.archive, ours.bytes)), ['stored']);
  for (const [what, { bytes }] of others) {
    assert.deepEqual(kinds(await offer(use.archive, bytes)), ['patient-conflict'], what);
  }
  const married = part10File({
    instance: 'e',
    attributes: { '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Roe^Jane' }] }, '00100030': { vr: 'DA' } },
  });
  assert.deepEqual(kinds(await offer(use.archive, married.bytes)), ['stored']);
  assert.deepEqual(
    use.refusals.map(({ reason }) => reason.code),
    Array.from({ length: 3 }, () => 'patient-conflict'),
  );
});

test('WR-ARC-14 without Patient IDs the names decide, also between instances that are not yet durable', async () => {
  await using use = await testArchive();
  const named = (instance: string, name: string): Uint8Array =>
    part10File({
      instance,
      attributes: { '00100020': { vr: 'LO' }, '00100010': { vr: 'PN', Value: [{ Alphabetic: name }] } },
    }).bytes;
  assert.deepEqual(kinds(await offer(use.archive, named('a', 'A'), named('b', 'A'), named('c', 'B'))), [
    'stored',
    'stored',
    'patient-conflict',
  ]);
});

test('what is not a whole DICOM instance is refused with the reason', async () => {
  await using use = await testArchive();
  const { bytes } = part10File({ columns: 8 });
  const results = await offer(
    use.archive,
    new Uint8Array(0),
    Buffer.from('hello'),
    bytes.subarray(0, bytes.length - 20),
  );
  assert.deepEqual(kinds(results), ['empty-file', 'not-dicom', 'truncated-file']);
});

test('a source that breaks off leaves nothing and does not harm its neighbours', async () => {
  await using use = await testArchive();
  const batch = use.archive.batch();
  await batch.add([part10File({ instance: 'a' }).bytes]);
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield part10File({ instance: 'b' }).bytes.subarray(0, 100);
    throw new WetreadError('archive-truncated', 'gone');
  };
  await assert.rejects(batch.add(broken()), { code: 'archive-truncated' });
  assert.deepEqual(await batch.finish().then(kinds), ['stored']);
  assert.deepEqual(await readdir(join(use.folder, 'incoming')), []);
});

test('large instances are read again from their file, and judged alike', async () => {
  await using use = await testArchive();
  const { bytes } = part10File({ columns: 2100 });
  const chunks = function* (): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  assert.ok(bytes.length > 8 * 2 ** 20);
  const batch = use.archive.batch();
  await batch.add(chunks());
  await batch.add(chunks());
  assert.deepEqual(kinds(await batch.finish()), ['stored', 'repeated']);
});

test('WR-ARC-15 a missing or damaged index is rebuilt from the files', async () => {
  await using use = await testArchive();
  await offer(
    use.archive,
    ...['a', 'b', 'c'].map((instance) => part10File({ instance, study: instance === 'c' ? 'two' : 'one' }).bytes),
  );
  const before = [...use.archive.studies()].map((uid) => use.archive.instances({ studyInstanceUid: uid }));
  const index = join(use.folder, 'index.sqlite');
  for (const damage of [
    () => rm(index),
    () => writeFile(index, 'this is no database, and rather long at that'.repeat(99)),
  ]) {
    await use.archive[Symbol.asyncDispose]();
    for (const suffix of ['-wal', '-shm']) await rm(index + suffix, { force: true });
    await damage();
    const archive = await directoryArchive({ folder: use.folder, ...part10Inspector });
    const after = archive.studies().map((uid) => archive.instances({ studyInstanceUid: uid }));
    await archive[Symbol.asyncDispose]();
    assert.deepEqual(after.flat().sort(byUid), before.flat().sort(byUid));
  }
});

const byUid = (a: { sopInstanceUid: string }, b: { sopInstanceUid: string }): number =>
  a.sopInstanceUid < b.sopInstanceUid ? -1 : 1;

test('WR-ARC-15 files that came, changed or went while nobody looked are found at start', async () => {
  await using use = await testArchive();
  const [gone, changed, kept, came] = ['gone', 'changed', 'kept', 'came'].map((study) => part10File({ study }));
  await offer(use.archive, gone!.bytes, changed!.bytes, kept!.bytes);
  const pathOf = (file: DicomFile): string => use.archive.instances(file.object)[0]!.path;
  const replacement = part10File({ study: 'changed', attributes: { '00080050': text('SH', 'new') } });
  await rm(pathOf(gone!));
  await writeFile(pathOf(changed!), replacement.bytes);
  await writeFile(join(use.folder, 'instances', 'by hand.dcm'), came!.bytes);
  await writeFile(join(use.folder, 'instances', 'notes.txt'), 'hello');
  const archive = await use.reopen();
  assert.deepEqual([...archive.studies()].sort(), ['changed', 'kept', 'came'].map(studyUid).sort());
  const [found] = archive.instances({ studyInstanceUid: studyUid('changed') });
  assert.ok(Buffer.from(replacement.bytes).equals(await archive.readInstance(found!)));
  assert.deepEqual(
    use.refusals.map(({ reason }) => reason.code),
    ['not-dicom'],
  );
});

test('WR-ARC-15 files that the index knows are not opened at start', async () => {
  await using use = await testArchive();
  await offer(use.archive, part10File().bytes);
  await use.archive[Symbol.asyncDispose]();
  await using _archive = await directoryArchive({
    folder: use.folder,
    identify: () => assert.fail('opened'),
    describe: () => assert.fail('opened'),
  });
});

test('WR-ARC-26 a folder that another part has open is not opened a second time', async () => {
  await using use = await testArchive();
  await assert.rejects(directoryArchive({ folder: use.folder, ...part10Inspector }), { code: 'conflict' });
  assert.equal(kinds(await offer(use.archive, part10File().bytes))[0], 'stored');
});

test('what was left half-received by a crash is gone after the next start', async () => {
  await using use = await testArchive();
  await writeFile(join(use.folder, 'incoming', 'half'), part10File().bytes.subarray(0, 500));
  const archive = await use.reopen();
  assert.deepEqual(await readdir(join(use.folder, 'incoming')), []);
  assert.deepEqual(archive.studies(), []);
});

test('WR-ARC-16 findStudy gives what the archive holds, without own results', async () => {
  await using use = await testArchive();
  const order = { '00400275': { vr: 'SQ' as const, Value: [{ '00401001': text('SH', 'RP1') }] } };
  const images = ['1', '2'].map((n) =>
    part10File({ instance: n, attributes: { '0008103E': text('LO', 'Chest'), ...order } }),
  );
  const foreign = part10File({ series: 'foreign', modality: 'SR', attributes: { '00080070': text('LO', 'Else') } });
  const known = part10File({
    series: 'known',
    modality: 'SR',
    attributes: { '00080070': text('LO', 'Wetread project') },
  });
  const stored = part10File({ series: 'stored', modality: 'SR' });
  await offer(use.archive, ...images.map(({ bytes }) => bytes), foreign.bytes, known.bytes);
  const outcome = await use.archive.store([stored]);
  assert.deepEqual(outcome, { stored: [stored.object.sopInstanceUid], failed: [] });
  const study = await use.archive.findStudy(studyUid('study'));
  assert.deepEqual(study?.series, [
    {
      seriesInstanceUid: seriesUid('study/series'),
      modality: 'CT',
      seriesNumber: 1,
      seriesDescription: 'Chest',
      instances: images.map(({ object: { sopInstanceUid, sopClassUid } }) => ({ sopInstanceUid, sopClassUid })),
    },
    {
      seriesInstanceUid: seriesUid('foreign'),
      modality: 'SR',
      seriesNumber: 1,
      instances: [{ sopInstanceUid: foreign.object.sopInstanceUid, sopClassUid: foreign.object.sopClassUid }],
    },
  ]);
  assert.equal(study?.header.patientId, 'patient of study');
  assert.equal(study?.header.patientName, 'Doe^Jane');
  assert.deepEqual(study?.header.requests, [{ requestedProcedureId: 'RP1' }]);
  assert.equal(await use.archive.findStudy(studyUid('absent')), undefined);
});

test('store names what it refused, with the failure reason', async () => {
  await using use = await testArchive();
  const file = part10File();
  await use.archive.store([file]);
  const other = part10File({ attributes: { '00080050': text('SH', 'other') } });
  assert.deepEqual(await use.archive.store([file, other]), {
    stored: [file.object.sopInstanceUid],
    failed: [{ sopInstanceUid: file.object.sopInstanceUid, failureReason: 0x0111 }],
  });
});

test('WR-ARC-17 a series with a missing or shortened file is truncated, never short', async () => {
  await using use = await testArchive();
  await offer(use.archive, ...['a', 'b'].map((instance) => part10File({ instance }).bytes));
  const [first] = use.archive.instances({ studyInstanceUid: studyUid('study') });
  const retrieve = async (): Promise<void> => {
    for await (const bytes of use.archive.retrieveSeries(studyUid('study'), seriesUid('study/series'), never))
      assert.ok(bytes);
  };
  await writeFile(first!.path, 'short');
  await assert.rejects(retrieve(), { code: 'archive-truncated' });
  await rm(first!.path);
  await assert.rejects(retrieve(), { code: 'archive-truncated' });
});

test('storeInstance tells new, repeated and refused apart', async () => {
  await using use = await testArchive();
  const { bytes } = part10File();
  const studyInstanceUid = studyUid('study');
  assert.deepEqual(await use.archive.storeInstance(bytes), { studyInstanceUid, repeated: false });
  assert.deepEqual(await use.archive.storeInstance(bytes), { studyInstanceUid, repeated: true });
  assert.deepEqual(await use.archive.storeInstance(Buffer.from('x')), { skipped: { code: 'not-dicom' } });
});

/** A file system of 2 MB needs root; elsewhere the test says that it did not run. */
async function smallDisk(): Promise<(AsyncDisposable & { path: string }) | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'wetread-small-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]).status === 0;
  if (!mounted) await rm(path, { recursive: true });
  if (!mounted) return undefined;
  return {
    path,
    async [Symbol.asyncDispose]() {
      assert.equal(spawnSync('umount', [path]).status, 0);
      await rm(path, { recursive: true });
    },
  };
}

test('WR-ARC-18 disk full: A700, nothing half-written stays, what was stored stays', async (t) => {
  await using disk = await smallDisk();
  if (disk === undefined) return t.skip('mounting a small file system needs root');
  await using use = await testArchive(disk.path);
  const files = Array.from({ length: 20 }, (_, i) => part10File({ instance: `${i}`, columns: 256 }));
  const results = await offer(use.archive, ...files.map(({ bytes }) => bytes));
  const stored = results.filter(({ kind }) => kind === 'stored');
  assert.deepEqual(new Set(kinds(results)), new Set(['stored', 'disk-full']));
  assert.ok(results.every(({ identity }) => identity !== undefined));
  assert.deepEqual(await readdir(join(disk.path, 'incoming')), []);
  assert.equal((await filesBelow(join(disk.path, 'instances'))).length, stored.length);
  const more = part10File({ instance: 'more', columns: 400 });
  await assert.rejects(
    use.archive.store([more]),
    (error) => error instanceof WetreadError && error.code === 'disk-full' && error.retryable,
  );
  assert.ok(stored.length > 0);
  for (const instance of use.archive.instances({ studyInstanceUid: studyUid('study') })) {
    const bytes = await use.archive.readInstance(instance);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), instance.sha256);
  }
});

test('WR-ARC-19 real studies: every file is stored or refused with a reason, and nothing throws', {
  skip: withoutTestData,
}, async () => {
  await using use = await testArchive();
  const counts: Record<string, number> = {};
  for (const folder of [
    'charsets',
    'malformed-pydicom',
    'malformed-dcmjs',
    'dicomdir-media',
    'ct-multiframe-fragments',
  ]) {
    for (const path of await filesBelow(dataPath(folder))) {
      const result = await use.archive.storeInstance(await readFile(path));
      const key = 'skipped' in result ? result.skipped.code : 'stored';
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  assert.ok(counts['stored']! > 50, JSON.stringify(counts));
});
