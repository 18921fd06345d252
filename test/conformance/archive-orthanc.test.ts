/** The embedded archive and the software of others: Orthanc as a peer, dicomweb-client, curl, and dcmtk as a judge. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { api } from 'dicomweb-client';
import { readIdentity } from '../../adapters/part10/reader.ts';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import { numberOf, stringOf } from '../../src/dicom-json.ts';
import { isSkipped } from '../../src/reasons.ts';
import { withoutTool } from '../support/dicom-tools.ts';
import { type DicomwebServer, dicomwebServer, STOW_TYPE, stow, stowBody } from '../support/dicomweb-server.ts';
import { FetchXmlHttpRequest } from '../support/fetch-xml-http-request.ts';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { part10File, seriesUid, sopUid, studyUid } from '../support/part10.ts';
import { dataPath, withoutTestData } from '../support/test-data.ts';
import { deflated, implicit } from '../support/transfer-syntax.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function json(response: Response): Promise<unknown> {
  assert.ok(response.ok, `${response.status} ${await response.clone().text()}`);
  return response.json();
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(body) });
}

/** A study of two series in three native transfer syntaxes. */
function study(): readonly Uint8Array[] {
  const files = ['a', 'b'].flatMap((series) => [1, 2, 3].map((number) => ({ series, instance: `${series}${number}` })));
  return files.map((file, index) => {
    const { bytes } = part10File({ ...file, columns: 64 });
    return index === 1 ? deflated(bytes) : index === 2 ? implicit(bytes) : bytes;
  });
}

/** Puts files into Orthanc by its own interface. @returns its id of their study. */
async function load(orthanc: Orthanc, files: readonly Uint8Array[]): Promise<string> {
  let parent = '';
  for (const file of files) {
    const response = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: Buffer.from(file) });
    parent = ((await json(response)) as { ParentStudy: string }).ParentStudy;
  }
  return parent;
}

function heldBy(server: DicomwebServer): ReturnType<DicomwebServer['use']['archive']['instances']> {
  const { archive } = server.use;
  return archive.studies().flatMap((studyInstanceUid) => archive.instances({ studyInstanceUid }));
}

test('WR-ARC-60 Orthanc pushes a study to the archive: every byte arrives, one event says so', {
  skip: withoutOrthanc,
}, async () => {
  await using server = await dicomwebServer({ port: 24101 });
  await using orthanc = await startOrthanc({
    httpPort: 24110,
    dicomPort: 24111,
    servers: { wetread: `${server.url}/` },
  });
  const files = study();
  const id = await load(orthanc, files);
  for (let round = 0; round < 2; round++) {
    await json(await post(`${orthanc.url}/dicom-web/servers/wetread/stow`, { Resources: [id], Synchronous: true }));
  }
  assert.deepEqual(
    heldBy(server)
      .map((instance) => instance.sha256)
      .sort(),
    files.map(sha256).sort(),
  );
  assert.deepEqual(server.use.refusals, []);
  assert.deepEqual(
    server.stored.flatMap(({ changed }) => [...changed]),
    [studyUid('study')],
  );
});

test('WR-ARC-60 Orthanc pushes a real chest CT of 143 slices', {
  skip: withoutOrthanc || withoutTestData,
}, async () => {
  await using server = await dicomwebServer({ port: 24101 });
  await using orthanc = await startOrthanc({
    httpPort: 24110,
    dicomPort: 24111,
    servers: { wetread: `${server.url}/` },
  });
  const folder = dataPath('ct-chest-nlst', 'ct');
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  const id = await load(orthanc, files);
  await json(await post(`${orthanc.url}/dicom-web/servers/wetread/stow`, { Resources: [id], Synchronous: true }));
  assert.deepEqual(
    heldBy(server)
      .map((instance) => instance.sha256)
      .sort(),
    files.map(sha256).sort(),
  );
});

test('WR-ARC-61 Orthanc searches the archive and retrieves from it', { skip: withoutOrthanc }, async () => {
  await using server = await dicomwebServer({ port: 24101 });
  await using orthanc = await startOrthanc({
    httpPort: 24110,
    dicomPort: 24111,
    servers: { wetread: `${server.url}/` },
  });
  assert.equal((await stow(server.url, stowBody(...study()))).status, 200);
  const found = (await json(
    await post(`${orthanc.url}/dicom-web/servers/wetread/qido`, {
      Uri: '/studies',
      Arguments: { PatientName: 'doe*' },
    }),
  )) as unknown[];
  assert.equal(found.length, 1);
  await json(
    await post(`${orthanc.url}/dicom-web/servers/wetread/retrieve`, {
      Resources: [{ Study: studyUid('study') }],
      Synchronous: true,
    }),
  );
  const held = (await json(await fetch(`${orthanc.url}/instances`))) as string[];
  assert.equal(held.length, 6);
  const uids = await Promise.all(
    held.map(async (id) => {
      const bytes = new Uint8Array(await (await fetch(`${orthanc.url}/instances/${id}/file`)).arrayBuffer());
      const identity = readIdentity(bytes);
      assert.ok(!isSkipped(identity));
      return identity.sopInstanceUid;
    }),
  );
  assert.deepEqual(
    uids.sort(),
    heldBy(server)
      .map(({ sopInstanceUid }) => sopInstanceUid)
      .sort(),
  );
});

test('WR-ARC-61 Orthanc hears of every instance that is refused', { skip: withoutOrthanc }, async () => {
  await using server = await dicomwebServer({ port: 24101 });
  await using orthanc = await startOrthanc({
    httpPort: 24110,
    dicomPort: 24111,
    servers: { wetread: `${server.url}/` },
  });
  const mine = part10File({ instance: 'x' });
  const theirs = part10File({ instance: 'x', attributes: { '00080050': { vr: 'SH', Value: ['other'] } } });
  assert.equal((await stow(server.url, stowBody(mine.bytes))).status, 200);
  const id = await load(orthanc, [theirs.bytes]);
  const answer = await post(`${orthanc.url}/dicom-web/servers/wetread/stow`, { Resources: [id], Synchronous: true });
  assert.ok(!answer.ok, 'a push that stored nothing is no success');
  assert.deepEqual(
    server.use.refusals.map(({ reason }) => reason.code),
    ['uid-conflict'],
  );
});

/** The types of the library demand what it does not need, and give arrays where it gives promises. */
type Client = Record<
  | 'retrieveBulkData'
  | 'retrieveInstance'
  | 'retrieveInstanceFrames'
  | 'retrieveInstanceRendered'
  | 'retrieveSeriesMetadata'
  | 'retrieveStudy'
  | 'searchForInstances'
  | 'searchForSeries'
  | 'searchForStudies'
  | 'storeInstances',
  (options: object) => Promise<unknown>
>;

function clientOf(server: DicomwebServer): Client {
  Object.assign(globalThis, { XMLHttpRequest: FetchXmlHttpRequest });
  return new api.DICOMwebClient({ url: server.url, singlepart: '', verbose: false }) as unknown as Client;
}

test('WR-ARC-62 dicomweb-client stores, searches and retrieves', async () => {
  await using server = await dicomwebServer();
  const client = clientOf(server);
  const files = study();
  await client.storeInstances({ datasets: files.map((file) => Uint8Array.from(file).buffer) });
  const [studyInstanceUID, seriesInstanceUID, sopInstanceUID] = [studyUid('study'), seriesUid('a'), sopUid('a1')];

  const studies = (await client.searchForStudies({
    queryParams: { PatientName: 'DOE*', ModalitiesInStudy: 'CT' },
  })) as DicomDataSet[];
  assert.deepEqual(
    studies.map((found) => numberOf(found, '00201208')),
    [6],
  );
  const series = (await client.searchForSeries({ studyInstanceUID })) as DicomDataSet[];
  assert.deepEqual(new Set(series.map((found) => stringOf(found, '0020000E'))), new Set(['a', 'b'].map(seriesUid)));
  const instances = (await client.searchForInstances({ studyInstanceUID, seriesInstanceUID })) as DicomDataSet[];
  assert.equal(instances.length, 3);

  const metadata = (await client.retrieveSeriesMetadata({ studyInstanceUID, seriesInstanceUID })) as DicomDataSet[];
  assert.equal(metadata.length, 3);
  const one = (await client.retrieveInstance({ studyInstanceUID, seriesInstanceUID, sopInstanceUID })) as ArrayBuffer;
  assert.equal(sha256(new Uint8Array(one)), sha256(files[0]!));
  const whole = (await client.retrieveStudy({ studyInstanceUID })) as ArrayBuffer[];
  assert.equal(whole.length, 6);
  const [frame] = (await client.retrieveInstanceFrames({
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    frameNumbers: [1],
  })) as ArrayBuffer[];
  assert.equal(frame!.byteLength, 64 * 64 * 2);
  const [picture] = (await client.retrieveInstanceRendered({
    studyInstanceUID,
    seriesInstanceUID,
    sopInstanceUID,
    mediaTypes: [{ mediaType: 'image/png' }],
  })) as ArrayBuffer[];
  assert.equal(Buffer.from(picture!).toString('latin1', 1, 4), 'PNG');
  const [bulk] = (await client.retrieveBulkData({
    BulkDataURI: metadata[0]!['7FE00010']!.BulkDataURI!,
  })) as ArrayBuffer[];
  assert.equal(sha256(new Uint8Array(bulk!)), sha256(new Uint8Array(frame!)));
});

/** Not synchronous: the server answers from this process. */
async function curl(...options: readonly string[]): Promise<{ status: string; body: Buffer }> {
  const run = promisify(execFile);
  const settings = ['-sS', '-w', '%{stderr}%{http_code}'];
  const { stdout, stderr } = await run('curl', [...settings, ...options], { encoding: 'buffer', maxBuffer: 2 ** 28 });
  return { status: stderr.toString(), body: stdout };
}

const withoutCurl = spawnSync('curl', ['--version']).error === undefined ? false : 'CURL ABSENT: apt-get install curl';

test('WR-ARC-63 curl stores, searches and retrieves by hand', { skip: withoutCurl }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-curl-'));
  t.after(() => rm(folder, { recursive: true }));
  await using server = await dicomwebServer();
  const { bytes } = part10File({ columns: 64 });
  await writeFile(join(folder, 'body'), stowBody(bytes));
  const stored = await curl(
    '-H',
    `Content-Type: ${STOW_TYPE}`,
    '--data-binary',
    `@${join(folder, 'body')}`,
    `${server.url}/studies`,
  );
  assert.equal(stored.status, '200');
  const found = await curl(`${server.url}/studies?PatientID=patient%20of%20study`);
  assert.equal((JSON.parse(found.body.toString()) as unknown[]).length, 1);
  const instance = `${server.url}/studies/${studyUid('study')}/series/${seriesUid('study/series')}/instances/${sopUid('study/series/1')}`;
  const file = await curl('-H', 'Accept: application/dicom', instance);
  assert.ok(file.body.equals(bytes));
  const part = await curl('-H', 'Accept: application/dicom', '-r', '128-131', instance);
  assert.deepEqual([part.status, part.body.toString()], ['206', 'DICM']);
  const picture = await curl(`${instance}/rendered?window=40,400,linear`);
  assert.equal(picture.body.subarray(0, 2).toString('hex'), 'ffd8');
});

/** The public dictionary alone: what dcmtk knows of private elements the product does not. */
const PUBLIC_DICTIONARY = {
  ...process.env,
  DCMDICTPATH: globSync('/usr/share/libdcmtk*/dicom.dic').at(-1) ?? '',
};

/** dcmtk's own conversion of a file beside ours, as text, without the file meta information. */
async function dumped(folder: string, bytes: Uint8Array): Promise<readonly [stored: string, ours: string]> {
  await using server = await dicomwebServer();
  assert.equal((await stow(server.url, stowBody(bytes))).status, 200);
  const [{ studyInstanceUid, seriesInstanceUid, sopInstanceUid, path }] = heldBy(server) as [
    ReturnType<typeof heldBy>[number],
  ];
  const url = `${server.url}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
  const answer = await fetch(url, { headers: { Accept: 'application/dicom' } });
  assert.equal(answer.status, 200);
  const [ours, theirs] = [join(folder, 'ours.dcm'), join(folder, 'theirs.dcm')];
  await writeFile(ours, new Uint8Array(await answer.arrayBuffer()));
  assert.equal(spawnSync('dcmconv', ['+te', '+e', '-g', path, theirs], { env: PUBLIC_DICTIONARY }).status, 0);
  const dump = (file: string): string => {
    const { stdout, status } = spawnSync('dcmdump', ['-q', '+L', '-Un', file], {
      maxBuffer: 2 ** 28,
      env: PUBLIC_DICTIONARY,
    });
    assert.equal(status, 0);
    const lines = stdout.toString('latin1').split('\n');
    return lines
      .filter((line) => !/^(#|\(0002|\([0-9a-f]{4},0000|$)|Delimitation/.test(line))
      .map((line) => line.replace(/#.*$/, '').trim())
      .join('\n');
  };
  return [dump(theirs), dump(ours)];
}

test('WR-ARC-64 what is converted to Explicit VR Little Endian reads like the conversion of dcmtk', {
  skip: withoutTool('dcmdump'),
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-convert-'));
  t.after(() => rm(folder, { recursive: true }));
  const { bytes } = part10File({ columns: 16 });
  for (const convert of [deflated, implicit]) {
    const [theirs, ours] = await dumped(folder, convert(bytes));
    assert.equal(ours, theirs, convert.name);
  }
});

test('WR-ARC-64 the same for real files', { skip: withoutTool('dcmdump') || withoutTestData }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-convert-'));
  t.after(() => rm(folder, { recursive: true }));
  const native = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'];
  const seen = new Set<string>();
  for (const source of [
    'ct-14-syntaxes',
    'mr-9-syntaxes',
    'syntaxes-small',
    'us-echo-multiframe',
    'rtstruct-phantom',
    'us-palette-cine',
  ]) {
    for (const name of await readdir(dataPath(source))) {
      const bytes = await readFile(dataPath(source, name)).catch(() => Buffer.alloc(0));
      const identity = readIdentity(bytes);
      if (isSkipped(identity) || !native.includes(identity.transferSyntaxUid)) continue;
      seen.add(identity.transferSyntaxUid);
      const [theirs, ours] = await dumped(folder, bytes);
      assert.equal(ours, theirs, `${source}/${name}`);
    }
  }
  assert.ok(seen.size === 3, [...seen].join());
});
