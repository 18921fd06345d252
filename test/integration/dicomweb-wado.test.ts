import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { test } from 'node:test';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { multipartBoundary, readParts } from '../../adapters/dicomweb/multipart.ts';
import { readDataSet, readInstance } from '../../adapters/part10/reader.ts';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import type { EncodedInstance } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { type Answer, type DicomwebServer, dicomwebServer, send, stow, stowBody } from '../support/dicomweb-server.ts';
import { part10File, seriesUid, sopUid, studyUid, type TestInstance, text } from '../support/part10.ts';
import { dataPath, withoutTestData } from '../support/test-data.ts';
import { deflated, implicit } from '../support/transfer-syntax.ts';

const AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*';
const MULTIPART_DICOM = 'multipart/related; type="application/dicom"';
const STUDY = `/studies/${studyUid('study')}`;

function instancePath({
  study = 'study',
  series = `${study}/series`,
  instance = `${series}/1`,
}: TestInstance = {}): string {
  return `/studies/${studyUid(study)}/series/${seriesUid(series)}/instances/${sopUid(instance)}`;
}

function get(
  server: DicomwebServer,
  path: string,
  accept?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(`${server.url}${path}`, { headers: { ...(accept && { Accept: accept }), ...headers } });
}

interface PartRead {
  readonly type: string;
  readonly bytes: Buffer;
  readonly headers: ReadonlyMap<string, string>;
}

async function partsOf({ headers, body }: Answer): Promise<PartRead[]> {
  const { boundary } = multipartBoundary(headers['content-type'] ?? '')!;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield body;
  };
  const parts: PartRead[] = [];
  for await (const part of readParts(source(), boundary)) {
    parts.push({ type: part.headers.get('content-type') ?? '', bytes: Buffer.from(part.bytes), headers: part.headers });
  }
  return parts;
}

async function fill(server: DicomwebServer, ...files: readonly Uint8Array[]): Promise<void> {
  assert.equal((await stow(server.url, stowBody(...files))).status, 200);
}

test('WR-ARC-40 study, series and instance come as stored, byte for byte', async () => {
  await using server = await dicomwebServer();
  const files = ['a', 'b'].flatMap((series) => ['1', '2'].map((number) => ({ series, instance: series + number })));
  const bytes = files.map((file) => part10File({ ...file, columns: 16 }).bytes);
  await fill(server, ...bytes);
  for (const [path, expected] of [
    [STUDY, bytes],
    [`${STUDY}/series/${seriesUid('b')}`, bytes.slice(2)],
    [instancePath({ series: 'b', instance: 'b1' }), bytes.slice(2, 3)],
  ] as const) {
    const answer = await get(server, path, AS_STORED);
    assert.equal(answer.status, 200);
    const parts = await partsOf(answer);
    assert.equal(parts.length, expected.length);
    for (const [index, part] of parts.entries()) {
      assert.ok(part.bytes.equals(expected[index]!));
      assert.equal(part.type, 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1');
      assert.equal(part.headers.get('content-length'), String(part.bytes.length));
      assert.match(part.headers.get('content-location') ?? '', /^http:.*\/instances\//);
    }
  }
});

test('WR-ARC-41 one instance as a single part, whole, in ranges and conditionally', async () => {
  await using server = await dicomwebServer();
  const { bytes } = part10File({ columns: 16 });
  await fill(server, bytes);
  const path = instancePath();
  const whole = await get(server, path, 'application/dicom; transfer-syntax=*');
  assert.equal(whole.status, 200);
  assert.ok(whole.body.equals(bytes));
  assert.equal(whole.headers['content-type'], 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1');
  const range = await get(server, path, 'application/dicom', { Range: 'bytes=128-131' });
  assert.deepEqual([range.status, range.body.toString()], [206, 'DICM']);
  assert.equal(range.headers['content-range'], `bytes 128-131/${bytes.length}`);
  const outside = await get(server, path, 'application/dicom', { Range: `bytes=${bytes.length}-` });
  assert.deepEqual([outside.status, outside.headers['content-range']], [416, `bytes */${bytes.length}`]);
  const same = await get(server, path, 'application/dicom', { 'If-None-Match': whole.headers.etag ?? '' });
  assert.equal(same.status, 304);
  const head = await send(`${server.url}${path}`, { method: 'HEAD', headers: { Accept: 'application/dicom' } });
  assert.deepEqual([head.status, head.body.length, head.headers['content-length']], [200, 0, String(bytes.length)]);
});

test('WR-ARC-42 the default is Explicit VR Little Endian: native instances are converted, the values untouched', async () => {
  const attributes = {
    '00081140': {
      vr: 'SQ' as const,
      Value: [
        { '00081155': text('UI', '1.2.3') },
        { '0040A170': { vr: 'SQ' as const, Value: [{ '00080100': text('SH', 'x') }] } },
      ],
    },
    '00281101': text('SS', 256, -5, 16),
  };
  const explicit = part10File({ columns: 8, attributes }).bytes;
  for (const convert of [deflated, implicit]) {
    const stored = convert(explicit);
    await using server = await dicomwebServer();
    await fill(server, stored);
    const plain = await get(server, instancePath(), 'application/dicom');
    assert.equal(plain.headers['content-type'], 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1', convert.name);
    assert.deepEqual(readDataSet(plain.body), readDataSet(explicit));
    const image = readInstance(plain.body);
    assert.ok(!isSkipped(image) && Buffer.from(image.frames[0]!).equals(framesOf(explicit)[0]!));
    const [part] = await partsOf(await get(server, STUDY, MULTIPART_DICOM));
    assert.ok(part!.bytes.equals(plain.body));
    const [kept] = await partsOf(await get(server, STUDY, AS_STORED));
    assert.ok(kept!.bytes.equals(stored));
    assert.ok(
      (await get(server, instancePath(), '*/*')).body.includes(stored),
      'who accepts anything gets the file as it is',
    );
  }
});

function imageOf(file: Uint8Array): EncodedInstance {
  const instance = readInstance(file);
  assert.ok(!isSkipped(instance));
  return instance;
}

function framesOf(file: Uint8Array): readonly Buffer[] {
  return imageOf(file).frames.map((frame) => Buffer.from(frame));
}

test('WR-ARC-43 what cannot be given: 404, 400, 405, 406 with a code and nothing else', async () => {
  await using server = await dicomwebServer();
  await fill(server, part10File({ columns: 8 }).bytes, part10File({ series: 'sr', modality: 'SR' }).bytes);
  const sr = instancePath({ series: 'sr' });
  const cases: readonly [status: number, path: string, accept: string | undefined][] = [
    [404, `/studies/${studyUid('absent')}`, AS_STORED],
    [404, `${STUDY}/series/${seriesUid('absent')}`, AS_STORED],
    [404, instancePath({ instance: 'absent' }), AS_STORED],
    [404, `/studies/${studyUid('absent')}/metadata`, 'application/dicom+json'],
    [400, '/studies/1.2.x', AS_STORED],
    [400, '/studies/01.2', AS_STORED],
    [400, '/studies/..%2F..%2Fetc', AS_STORED],
    [400, '/studies/%E0%A4%A', AS_STORED],
    [406, STUDY, 'application/dicom'],
    [406, STUDY, 'text/html'],
    [406, STUDY, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80'],
    [406, instancePath(), 'application/dicom; transfer-syntax=1.2.840.10008.1.2'],
    [406, `${STUDY}/metadata`, 'multipart/related; type="application/dicom+xml"'],
    [404, `${sr}/frames/1`, undefined],
    [404, `${sr}/rendered`, undefined],
    [404, `${sr}/bulkdata/7FE00010`, undefined],
    [404, `${instancePath()}/frames/2`, undefined],
    [400, `${instancePath()}/frames/0`, undefined],
    [400, `${instancePath()}/frames/1,x`, undefined],
    [406, `${instancePath()}/frames/1`, 'image/jls'],
    [406, `${instancePath()}/frames/1,1`, 'application/octet-stream'],
    [404, `${instancePath()}/bulkdata/00100010`, undefined],
    [404, `${instancePath()}/bulkdata/00081140/1/00420011`, undefined],
    [406, `${instancePath()}/bulkdata/7FE00010`, 'text/html'],
    [404, '/nothing', undefined],
  ];
  for (const [status, path, accept] of cases) {
    const answer = await get(server, path, accept);
    assert.equal(answer.status, status, `${path} ${accept}`);
    assert.ok(!answer.body.includes(server.use.folder), 'no paths');
  }
  assert.equal((await send(`${server.url}${STUDY}/metadata`, { method: 'POST' })).status, 405);
  assert.equal((await get(server, STUDY)).status, 200, 'without Accept everything is acceptable');
});

test('WR-ARC-43 a study of which only a part exists in an acceptable form: 206 with that part', {
  skip: withoutTestData,
}, async () => {
  await using server = await dicomwebServer();
  const encapsulated = await readFile(dataPath('ct-multiframe-fragments', 'CT0012.not_fragmented_bot_jpeg_ls.80.dcm'));
  const compressed = readDataSet(encapsulated);
  assert.ok(!isSkipped(compressed) && compressed.transferSyntaxUid !== '1.2.840.10008.1.2.1');
  const [study] = compressed.dataSet['0020000D']!.Value as [string];
  const sameStudy = Object.fromEntries(
    ['00100010', '00100020', '00100021', '00100030', '0020000D'].flatMap((tag) => {
      const element = compressed.dataSet[tag];
      return element === undefined ? [] : [[tag, element]];
    }),
  );
  const native = part10File({ attributes: sameStudy });
  await fill(server, encapsulated, native.bytes);
  const some = await get(server, `/studies/${study}`, MULTIPART_DICOM);
  assert.equal(some.status, 206);
  assert.equal((await partsOf(some)).length, 1);
  assert.equal((await partsOf(await get(server, `/studies/${study}`, AS_STORED))).length, 2);
});

test('WR-ARC-44 metadata: complete, in UTF-8, with addresses of bulk data that work', async () => {
  await using server = await dicomwebServer();
  const curve = Buffer.from(Array.from({ length: 2000 }, (_, i) => i & 0xff));
  const attributes: DicomDataSet = {
    '54000100': { vr: 'SQ', Value: [{ '54001010': { vr: 'OW', InlineBinary: curve.toString('base64') } }] },
  };
  const { bytes } = part10File({ columns: 8, attributes });
  await fill(server, bytes);
  const answer = await get(server, `${STUDY}/metadata`, 'application/dicom+json');
  assert.equal(answer.status, 200);
  const [dataSet] = JSON.parse(answer.body.toString()) as [DicomDataSet];
  assert.deepEqual(dataSet['00080005'], { vr: 'CS', Value: ['ISO_IR 192'] });
  assert.ok(!Object.keys(dataSet).some((tag) => tag.startsWith('0002')));
  assert.equal(dataSet['7FE00010']?.vr, 'OW');
  const pixels = await send(dataSet['7FE00010']!.BulkDataURI!, { headers: { Accept: 'application/octet-stream' } });
  assert.ok(pixels.body.equals(framesOf(bytes)[0]!));
  const waveform = (dataSet['54000100']!.Value![0] as DicomDataSet)['54001010']!;
  const single = await send(waveform.BulkDataURI!, {});
  assert.ok(single.body.equals(curve));
  const [part] = await partsOf(
    await send(waveform.BulkDataURI!, { headers: { Accept: 'multipart/related; type="application/octet-stream"' } }),
  );
  assert.ok(part!.bytes.equals(curve));
  const instance = await get(server, `${instancePath()}/metadata`, 'application/json');
  assert.deepEqual(JSON.parse(instance.body.toString()), [dataSet]);
});

test('WR-ARC-45 frames of native pixels: one alone, several in multipart', async () => {
  await using server = await dicomwebServer();
  const { bytes } = part10File({ columns: 8 });
  await fill(server, bytes);
  const [frame] = framesOf(bytes);
  const one = await get(server, `${instancePath()}/frames/1`, 'application/octet-stream');
  assert.ok(one.body.equals(frame!));
  const two = await partsOf(
    await get(server, `${instancePath()}/frames/1,1`, 'multipart/related; type="application/octet-stream"'),
  );
  assert.deepEqual(
    two.map(({ bytes: part }) => part.equals(frame!)),
    [true, true],
  );
  assert.equal(two[0]!.type, 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1');
});

/** The same data set, and the same pixels once decoded: byte order may differ before. */
async function assertSameImage(actual: Uint8Array, expected: Uint8Array, name: string): Promise<void> {
  const [a, b] = [readDataSet(actual), readDataSet(expected)];
  assert.ok(!isSkipped(a) && !isSkipped(b));
  assert.deepEqual(a.dataSet, b.dataSet, name);
  await using decoder = new ThreadedFrameDecoder({ workers: 1 });
  const never = new AbortController().signal;
  assert.deepEqual(
    await decoder.decode(imageOf(actual), 0, never),
    await decoder.decode(imageOf(expected), 0, never),
    name,
  );
}

/** Every file of a folder that the reader takes for an image, by name. */
async function images(folder: string): Promise<(readonly [name: string, bytes: Buffer])[]> {
  const files: [string, Buffer][] = [];
  for (const name of (await readdir(dataPath(folder))).sort()) {
    const bytes = await readFile(dataPath(folder, name));
    if (!isSkipped(readInstance(bytes))) files.push([name, bytes]);
  }
  return files;
}

test('WR-ARC-42 a CT slice in fifteen transfer syntaxes: native ones are converted, others leave as stored only', {
  skip: withoutTestData,
}, async () => {
  const native: string[] = [];
  for (const [name, bytes] of await images('ct-14-syntaxes')) {
    await using server = await dicomwebServer();
    await fill(server, bytes);
    const [stored] = server.use.archive
      .studies()
      .flatMap((studyInstanceUid) => server.use.archive.instances({ studyInstanceUid }));
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid, transferSyntaxUid } = stored!;
    const path = `/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
    const kept = await get(server, path, 'application/dicom; transfer-syntax=*');
    assert.ok(kept.body.equals(bytes), name);
    const plain = await get(server, path, 'application/dicom');
    const isNative = [
      '1.2.840.10008.1.2',
      '1.2.840.10008.1.2.1',
      '1.2.840.10008.1.2.2',
      '1.2.840.10008.1.2.1.99',
    ].includes(transferSyntaxUid);
    assert.equal(plain.status, isNative ? 200 : 406, name);
    if (isNative) native.push(transferSyntaxUid);
    if (isNative) await assertSameImage(plain.body, bytes, name);
    const frame = await get(server, `${path}/frames/1`, 'application/octet-stream');
    assert.equal(frame.status, 200, name);
    const { bitsAllocated } = imageOf(bytes).header;
    assert.equal(frame.body.length, (512 * 512 * bitsAllocated) / 8, name);
    const asStored = await get(
      server,
      `${path}/frames/1`,
      'multipart/related; type="application/octet-stream"; transfer-syntax=*',
    );
    const [part] = await partsOf(asStored);
    if (!isNative) assert.ok(part!.bytes.equals(framesOf(bytes)[0]!), name);
  }
  assert.ok(native.length >= 3, native.join());
});

test('WR-ARC-45 frames of a multi-frame image, stored and decoded, are those of the file', {
  skip: withoutTestData,
}, async () => {
  for (const [name, bytes] of await images('ct-multiframe-fragments')) {
    await using server = await dicomwebServer();
    await fill(server, bytes);
    const [stored] = server.use.archive
      .studies()
      .flatMap((studyInstanceUid) => server.use.archive.instances({ studyInstanceUid }));
    const path = `/studies/${stored!.studyInstanceUid}/series/${stored!.seriesInstanceUid}/instances/${stored!.sopInstanceUid}`;
    const parts = await partsOf(
      await get(server, `${path}/frames/2,1`, 'multipart/related; type="application/octet-stream"; transfer-syntax=*'),
    );
    const expected = framesOf(bytes).toReversed();
    assert.deepEqual(
      parts.map((part, index) => part.bytes.equals(expected[index]!)),
      [true, true],
      name,
    );
    assert.equal(
      parts[0]!.type.split('=')[1],
      stored!.transferSyntaxUid === '1.2.840.10008.1.2' ? '1.2.840.10008.1.2.1' : stored!.transferSyntaxUid,
    );
    const bulk = await get(server, `${path}/bulkdata/7FE00010`, 'multipart/related; type="application/octet-stream"');
    assert.equal(bulk.status, 200);
    const [{ bytes: pixels }] = (await partsOf(bulk)) as [PartRead];
    const decoded = await partsOf(
      await get(server, `${path}/frames/1,2`, 'multipart/related; type="application/octet-stream"'),
    );
    assert.ok(pixels.equals(Buffer.concat(decoded.map((part) => part.bytes))), name);
  }
});

test('WR-ARC-46 a client that leaves while it is served: no file stays open', async () => {
  await using server = await dicomwebServer();
  const files = Array.from({ length: 6 }, (_, i) => part10File({ instance: `${i}`, columns: 1600 }).bytes);
  for (const file of files) await fill(server, file);
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((resolve) => {
      httpGet(`${server.url}${STUDY}`, { headers: { Accept: AS_STORED } }, (response) => {
        response.once('data', () => response.destroy());
        response.once('close', resolve);
      }).on('error', () => undefined);
    });
  }
  const openInstances = async (): Promise<number> => {
    const links = await readdir('/proc/self/fd').catch(() => []);
    const { readlink } = await import('node:fs/promises');
    const targets = await Promise.all(links.map((link) => readlink(`/proc/self/fd/${link}`).catch(() => '')));
    return targets.filter((target) => target.endsWith('.dcm')).length;
  };
  while ((await openInstances()) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal((await partsOf(await get(server, STUDY, AS_STORED))).length, 6);
});

test('WR-ARC-17 a file that vanished: the answer breaks off before its last boundary, never ends as if it were whole', async () => {
  await using server = await dicomwebServer();
  await fill(server, ...['a', 'b', 'c'].map((instance) => part10File({ instance, columns: 64 }).bytes));
  const [, second] = server.use.archive.instances({ studyInstanceUid: studyUid('study') });
  await rm(second!.path);
  await assert.rejects(get(server, STUDY, AS_STORED), { code: 'ECONNRESET' });
  const gone = await get(server, instancePath({ instance: 'b' }), 'application/dicom');
  assert.ok(gone.status >= 500);
  await writeFile(second!.path, 'short');
  await assert.rejects(get(server, STUDY, AS_STORED), { code: 'ECONNRESET' });
  assert.ok(server.logged.every(([, attributes]) => !JSON.stringify(attributes).includes(studyUid('study'))));
});
