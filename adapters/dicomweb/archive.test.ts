import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { ImageArchive } from '../../src/ports.ts';
import { MANUFACTURER } from '../../src/writeback/modules.ts';
import { type DicomwebServer, dicomwebServer } from '../../test/support/dicomweb-server.ts';
import { part10File, seriesUid, sopUid, studyUid, text } from '../../test/support/part10.ts';
import { readIdentity } from '../part10/reader.ts';
import { dicomwebArchive } from './archive.ts';
import { normalised } from './client.ts';

const never = new AbortController().signal;
const study = studyUid('study');
const series = seriesUid('study/series');

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

function clientOf(url: string, more: Partial<Parameters<typeof dicomwebArchive>[0]> = {}): ImageArchive {
  return dicomwebArchive({ url, identify: readIdentity, ...more });
}

// ---- against the embedded archive's own DICOMweb server -------------------------------------------------------------

const images = [1, 2, 3].map((n) =>
  part10File({
    instance: `study/series/${n}`,
    columns: 64,
    attributes: {
      '00200013': text('IS', n),
      '00100021': text('LO', 'HOSPITAL'),
      '00081030': text('LO', 'CT Thorax'),
      '0008103E': text('LO', 'Lung 1.0'),
      '00400275': { vr: 'SQ', Value: [{ '00080050': text('SH', 'ACC-7') }] },
    },
  }),
);
const ownReport = part10File({
  series: 'study/own',
  modality: 'SR',
  attributes: { '00080070': text('LO', MANUFACTURER) },
});
const foreignReport = part10File({
  series: 'study/foreign',
  modality: 'SR',
  attributes: { '00080070': text('LO', 'Somebody') },
});

async function filled(t: TestContext): Promise<{ archive: ImageArchive; server: DicomwebServer }> {
  const server = await dicomwebServer();
  t.after(() => server[Symbol.asyncDispose]());
  const archive = clientOf(`${server.url}/`);
  const outcome = await archive.store([...images, ownReport, foreignReport], never);
  assert.deepEqual(outcome.failed, []);
  assert.equal(outcome.stored.length, 5);
  return { archive, server };
}

test('WR-WEB-01 a study as the archive has it, without own results, with what only an instance tells', async (t) => {
  const { archive } = await filled(t);
  const found = await archive.findStudy(study, never);
  assert.equal(found?.header.patientId, 'patient of study');
  assert.equal(found.header.patientName, 'Doe^Jane');
  assert.equal(found.header.issuerOfPatientId, 'HOSPITAL');
  assert.equal(found.header.studyDescription, 'CT Thorax');
  assert.deepEqual(found.header.requests, [{ accessionNumber: 'ACC-7' }]);
  const bySeries = new Map(found.series.map((one) => [one.seriesInstanceUid, one]));
  assert.deepEqual([...bySeries.keys()].sort(), [series, seriesUid('study/foreign')].sort());
  assert.deepEqual(
    new Set(bySeries.get(series)?.instances.map(({ sopInstanceUid }) => sopInstanceUid)),
    new Set(images.map(({ object }) => object.sopInstanceUid)),
  );
  assert.equal(bySeries.get(series)?.seriesDescription, 'Lung 1.0');
  assert.equal(await archive.findStudy(studyUid('absent'), never), undefined);
});

test('WR-WEB-02 a series comes as stored, part by part, and an instance alone', async (t) => {
  const { archive } = await filled(t);
  const received = await collect(archive.retrieveSeries(study, series, never));
  const sent = images.map(({ bytes }) => Buffer.from(bytes).toString('base64')).sort();
  assert.deepEqual(received.map((bytes) => Buffer.from(bytes).toString('base64')).sort(), sent);
  const one = await archive.retrieveInstance(study, series, sopUid('study/series/2'), never);
  assert.deepEqual(Buffer.from(one!), Buffer.from(images[1]!.bytes));
  assert.equal(await archive.retrieveInstance(study, series, sopUid('none'), never), undefined);
});

test('WR-WEB-03 storing: what was refused is told apart from what was stored', async (t) => {
  const { archive } = await filled(t);
  const changed = part10File({ instance: 'study/series/1', columns: 64, attributes: { '00200013': text('IS', 9) } });
  const added = part10File({ instance: 'study/series/4', columns: 64 });
  const outcome = await archive.store([changed, added], never);
  assert.deepEqual(outcome.stored, [added.object.sopInstanceUid]);
  assert.deepEqual(
    outcome.failed.map(({ sopInstanceUid }) => sopInstanceUid),
    [changed.object.sopInstanceUid],
  );
});

// ---- against servers that misbehave ---------------------------------------------------------------------------------

type Behaviour = (request: IncomingMessage, response: ServerResponse, path: string) => unknown;

async function against(
  t: TestContext,
  behave: Behaviour,
  silenceMs = 5000,
): Promise<{ archive: ImageArchive; url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    seen.push(`${request.method} ${path}`);
    request.resume();
    behave(request, response, path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`;
  return { archive: clientOf(url, { silenceMs, pause: async () => {} }), url, seen };
}

const bytesOf = (n: number): Buffer => Buffer.from(images[n - 1]!.bytes);
const MULTIPART = { 'content-type': 'multipart/related; type="application/dicom"; boundary="edge"' };

function part(bytes: Uint8Array, counted = false): Buffer {
  const length = counted ? `Content-Length: ${bytes.byteLength}\r\n` : '';
  return Buffer.concat([Buffer.from(`\r\n--edge\r\nContent-Type: application/dicom\r\n${length}\r\n`), bytes]);
}
const END = Buffer.from('\r\n--edge--');

function listOf(...ns: number[]): string {
  return JSON.stringify(ns.map((n) => ({ '00080018': { vr: 'UI', Value: [sopUid(`study/series/${n}`)] } })));
}

/** Answers searches for instances with the three images and leaves the retrieve to the test. */
function retrieving(give: (response: ServerResponse) => unknown): Behaviour {
  return (_, response, path) => {
    if (path.includes('/instances?'))
      response.writeHead(200, { 'content-type': 'application/dicom+json' }).end(listOf(1, 2, 3));
    else give(response);
  };
}

test('WR-WEB-02 asks for the stored form, uncompressed, and takes parts without any length', async (t) => {
  let headers: IncomingMessage['headers'] = {};
  const { archive } = await against(t, (request, response, path) => {
    if (path.includes('/instances?')) return response.end(listOf(1, 2));
    headers = request.headers;
    response.writeHead(200, MULTIPART);
    const body = Buffer.concat([part(bytesOf(2)), part(bytesOf(1)), END]);
    // Chunk edges in the middle of headers, delimiters and data.
    for (let at = 0; at < body.length; at += 1000) response.write(body.subarray(at, at + 1000));
    return response.end();
  });
  const received = await collect(archive.retrieveSeries(study, series, never));
  assert.deepEqual(
    received.map((bytes) => Buffer.from(bytes)),
    [bytesOf(2), bytesOf(1)],
  );
  assert.equal(headers.accept, 'multipart/related; type="application/dicom"; transfer-syntax=*');
  assert.equal(headers['accept-encoding'], 'identity');
});

const TRUNCATIONS: readonly [what: string, code: string, give: (response: ServerResponse) => unknown][] = [
  [
    'an instance is missing',
    'archive-truncated',
    (r) => r.writeHead(200, MULTIPART).end(Buffer.concat([part(bytesOf(1)), part(bytesOf(2)), END])),
  ],
  [
    '206, and no more',
    'archive-truncated',
    (r) => r.writeHead(206, MULTIPART).end(Buffer.concat([part(bytesOf(1)), END])),
  ],
  [
    'the closing delimiter is missing',
    'archive-truncated',
    (r) => r.writeHead(200, MULTIPART).end(Buffer.concat([1, 2, 3].map((n) => part(bytesOf(n))))),
  ],
  [
    'a part is cut off',
    'archive-truncated',
    (r) =>
      r
        .writeHead(200, MULTIPART)
        .end(Buffer.concat([part(bytesOf(1), true), part(bytesOf(2), true).subarray(0, 5000)])),
  ],
  ['no content at all', 'archive-truncated', (r) => r.writeHead(204).end()],
  ['404', 'archive-truncated', (r) => r.writeHead(404).end()],
  [
    'the connection breaks',
    'archive-unreachable',
    (r) => {
      r.writeHead(200, { ...MULTIPART, 'content-length': 1e6 });
      r.write(part(bytesOf(1)), () => r.destroy());
    },
  ],
  ['503', 'archive-unreachable', (r) => r.writeHead(503).end()],
  ['401', 'archive-refused', (r) => r.writeHead(401).end()],
  ['406', 'archive-refused', (r) => r.writeHead(406).end()],
  [
    'one part, no multipart',
    'archive-refused',
    (r) => r.writeHead(200, { 'content-type': 'application/dicom' }).end(bytesOf(1)),
  ],
  ['no boundary', 'archive-refused', (r) => r.writeHead(200, { 'content-type': 'multipart/related' }).end('x')],
  [
    'compressed though asked not to',
    'archive-refused',
    (r) => r.writeHead(200, { ...MULTIPART, 'content-encoding': 'gzip' }).end('x'),
  ],
  ['redirect to another host', 'archive-refused', (r) => r.writeHead(302, { location: 'http://127.0.0.2:1/x' }).end()],
  ['redirect without end', 'archive-refused', (r) => r.writeHead(302, { location: '/dicom-web/again' }).end()],
  ['silence', 'timeout', () => undefined],
];
for (const [what, code, give] of TRUNCATIONS) {
  test(`WR-WEB-04 retrieve, ${what}: ${code}`, async (t) => {
    const { archive } = await against(t, retrieving(give), what === 'silence' ? 200 : 5000);
    await assert.rejects(collect(archive.retrieveSeries(study, series, never)), (error: WetreadError) => {
      assert.equal(error.code, code);
      assert.equal(error.retryable, code !== 'archive-refused');
      return true;
    });
  });
}

test('WR-WEB-04 a part that is no DICOM is handed on for its reason, and is not taken for a missing one', async (t) => {
  const { archive } = await against(
    t,
    retrieving((r) =>
      r.writeHead(200, MULTIPART).end(Buffer.concat([part(bytesOf(1)), part(Buffer.from('?')), part(bytesOf(3)), END])),
    ),
  );
  assert.equal((await collect(archive.retrieveSeries(study, series, never))).length, 3);
});

test('WR-WEB-04 a reader that takes its time is no silence of the server', async (t) => {
  const { archive } = await against(
    t,
    retrieving((r) => r.writeHead(200, MULTIPART).end(Buffer.concat([...[1, 2, 3].map((n) => part(bytesOf(n))), END]))),
    150,
  );
  let count = 0;
  for await (const bytes of archive.retrieveSeries(study, series, never)) {
    count += bytes.byteLength > 0 ? 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal(count, 3);
});

test('WR-WEB-04 a redirect within the server is followed', async (t) => {
  const { archive, seen } = await against(t, (_, response, path) => {
    if (path.includes('/instances?')) return response.end(listOf(1));
    if (path.startsWith('/elsewhere'))
      return response.writeHead(200, MULTIPART).end(Buffer.concat([part(bytesOf(1)), END]));
    return response.writeHead(307, { location: '/elsewhere' }).end();
  });
  assert.equal((await collect(archive.retrieveSeries(study, series, never))).length, 1);
  assert.ok(seen.includes('GET /elsewhere'));
});

test('WR-WEB-04 an attempt that is given up ends a retrieve with its reason, and closes the connection', async (t) => {
  const abort = new AbortController();
  let closed = false;
  const { archive } = await against(
    t,
    retrieving((r) => {
      r.on('close', () => {
        closed = true;
      });
      r.writeHead(200, MULTIPART).write(part(bytesOf(1), true));
    }),
  );
  const parts = archive.retrieveSeries(study, series, abort.signal)[Symbol.asyncIterator]();
  const waiting = assert.rejects(
    (async () => {
      for (;;) if ((await parts.next()).done === true) return;
    })(),
    { code: 'lease-lost' },
  );
  setTimeout(() => abort.abort(new WetreadError('lease-lost', 'taken over')), 100);
  await waiting;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(closed);
});

test('WR-WEB-05 searches: pages, 204, missing vr, tags in lower case, another study', async (t) => {
  const pages: Record<string, string> = { '0': listOf(1, 2), '2': listOf(3), '3': '[]' };
  const { archive, seen } = await against(t, (_, response, path) => {
    const at = new URL(path, 'http://x').searchParams;
    if (path.includes('/instances?')) return response.end(pages[at.get('offset') ?? ''] ?? '[]');
    if (path.includes('/metadata'))
      return response.writeHead(200).end(JSON.stringify([{ '00100020': { Value: ['P7'] } }]));
    if (path.includes('/series?')) {
      if (at.get('offset') !== '0') return response.writeHead(204).end();
      return response.end(JSON.stringify([{ '0020000e': { Value: [series] }, '00080060': { Value: ['CT'] } }]));
    }
    const studies = [
      { '0020000D': { vr: 'UI', Value: ['1.2.3'] }, '00100020': { vr: 'LO', Value: ['another patient'] } },
      { '0020000d': { Value: [study] }, '00100010': { Value: [{ Alphabetic: 'Doe^J' }] } },
    ];
    return response.end(JSON.stringify(studies));
  });
  const found = await archive.findStudy(study, never);
  assert.equal(found?.header.patientName, 'Doe^J');
  assert.equal(found.header.patientId, 'P7');
  assert.deepEqual(
    found.series.map(({ modality, instances }) => [modality, instances.length]),
    [['CT', 3]],
  );
  assert.ok(seen[0]?.startsWith(`GET /dicom-web/studies?StudyInstanceUID=${study}&includefield=`));
});

test('WR-RET-06 images are listed anew when their number has changed or a retrieve found the list wrong, and not before', async (t) => {
  let held = 2;
  const { archive, seen } = await against(t, (_, response, path) => {
    const isFirst = new URL(path, 'http://x').searchParams.get('offset') === '0';
    if (path.includes('/instances?')) return response.end(isFirst ? listOf(...[1, 2, 3].slice(0, held)) : '[]');
    if (path.includes('/metadata')) return response.end('[{}]');
    if (path.includes('/series?')) {
      const row = { '0020000E': { Value: [series] }, '00080060': { Value: ['CT'] }, '00201209': { Value: [held] } };
      return response.end(isFirst ? JSON.stringify([row]) : '[]');
    }
    if (path.includes('/series/')) return response.writeHead(404).end();
    return response.end(JSON.stringify([{ '0020000D': { vr: 'UI', Value: [study] } }]));
  });
  const listings = (): number =>
    seen.filter((line) => line.includes('/instances?') && line.includes('offset=0')).length;
  const instances = async () => (await archive.findStudy(study, never))?.series[0]?.instances.length;
  assert.deepEqual([await instances(), await instances(), listings()], [2, 2, 1]);
  held = 3;
  assert.deepEqual([await instances(), await instances(), listings()], [3, 3, 2]);
  await assert.rejects(collect(archive.retrieveSeries(study, series, never)));
  assert.deepEqual([await instances(), listings()], [3, 3]);
});

test('WR-WEB-05 searches that fail: the status decides whether it is tried again', async (t) => {
  for (const [status, body, code] of [
    [204, '', undefined],
    [404, 'no', undefined],
    [500, 'no', 'archive-unreachable'],
    [429, 'no', 'archive-unreachable'],
    [400, 'no', 'archive-refused'],
    [403, 'no', 'archive-refused'],
    [200, '<html>', 'archive-refused'],
    [200, '{}', 'archive-refused'],
  ] as const) {
    const { archive } = await against(t, (_, response) => response.writeHead(status).end(body));
    const searching = archive.findStudy(study, never);
    if (code === undefined) assert.equal(await searching, undefined, String(status));
    else await assert.rejects(searching, { code }, String(status));
  }
  const { archive } = await against(t, (request) => request.socket.destroy());
  await assert.rejects(archive.findStudy(study, never), { code: 'archive-unreachable', retryable: true });
  await assert.rejects(clientOf('http://127.0.0.1:1').findStudy(study, never), { code: 'archive-unreachable' });
  const given = AbortSignal.abort(new WetreadError('lease-lost', 'taken over'));
  await assert.rejects(archive.findStudy(study, given), { code: 'lease-lost' });
});

test('WR-WEB-05 a configuration that is no server is refused', () => {
  for (const url of ['ftp://127.0.0.1/', '/dicom-web']) assert.throws(() => clientOf(url), { code: 'config-invalid' });
  clientOf('https://pacs.example/dicom-web');
});

const [first, second] = [images[0]!, images[1]!];
const uidA = first.object.sopInstanceUid;
const uidB = second.object.sopInstanceUid;
function answer(stored: readonly string[], failed: readonly string[]): string {
  const item = (uid: string): object => ({ '00081155': { vr: 'UI', Value: [uid] } });
  return JSON.stringify({
    '00081199': { vr: 'SQ', Value: stored.map(item) },
    '00081198': {
      vr: 'SQ',
      Value: failed.map((uid) => ({ ...item(uid), '00081197': { vr: 'US', Value: [0xa700] } })),
    },
  });
}
const STORES: readonly [
  what: string,
  status: number,
  body: string,
  stored: string[],
  failed: Record<string, number>,
][] = [
  ['all', 200, answer([uidA, uidB], []), [uidA, uidB], {}],
  ['200 with a failure inside', 200, answer([uidA], [uidB]), [uidA], { [uidB]: 0xa700 }],
  ['200 with one in both lists', 200, answer([uidA, uidB], [uidB]), [uidA], { [uidB]: 0xa700 }],
  ['200 that forgets one', 200, answer([uidA], []), [uidA], { [uidB]: 0x0110 }],
  ['200 with nothing', 200, '', [], { [uidA]: 0x0110, [uidB]: 0x0110 }],
  ['202', 202, answer([uidB], [uidA]), [uidB], { [uidA]: 0xa700 }],
  ['400 of an old Orthanc, which stored one', 400, answer([uidA], []), [uidA], { [uidB]: 0x0110 }],
  ['409', 409, answer([], [uidA, uidB]), [], { [uidA]: 0xa700, [uidB]: 0xa700 }],
];
for (const [what, status, body, stored, failed] of STORES) {
  test(`WR-WEB-03 the lists decide, not the status: ${what}`, async (t) => {
    const { archive } = await against(t, (request, response) =>
      request.on('end', () => response.writeHead(status).end(body)),
    );
    const outcome = await archive.store([first, second], never);
    assert.deepEqual(outcome.stored, stored);
    assert.deepEqual(Object.fromEntries(outcome.failed.map((one) => [one.sopInstanceUid, one.failureReason])), failed);
  });
}

test('WR-WEB-03 an answer that lists nothing is a fault: refused or to be tried again', async (t) => {
  for (const [status, code] of [
    [204, 'archive-refused'],
    [400, 'archive-refused'],
    [415, 'archive-refused'],
    [401, 'archive-refused'],
    [302, 'archive-refused'],
    [503, 'archive-unreachable'],
    [507, 'archive-unreachable'],
  ] as const) {
    const { archive } = await against(t, (request, response) =>
      request.on('end', () => response.writeHead(status, status === 302 ? { location: '/dicom-web/x' } : {}).end()),
    );
    await assert.rejects(archive.store([first], never), { code }, String(status));
  }
});

test('WR-RET-05 storing: credentials are renewed and a busy archive is waited for; the files are sent whole each time', async (t) => {
  const lengths: (string | undefined)[] = [];
  const { url } = await against(t, (request, response) => {
    lengths.push(request.headers['content-length']);
    request.on('end', () => {
      if (request.headers.authorization === 'Bearer old') response.writeHead(401).end();
      else if (lengths.length === 2) response.writeHead(503, { 'retry-after': '3' }).end();
      else response.end(answer([uidA], []));
    });
  });
  const pauses: number[] = [];
  const archive = clientOf(url, {
    authorize: async (_signal, refused) => ({ authorization: `Bearer ${refused === undefined ? 'old' : 'new'}` }),
    pause: async (ms) => void pauses.push(ms),
  });
  assert.deepEqual((await archive.store([first], never)).stored, [uidA]);
  assert.equal(lengths.length, 3);
  assert.equal(new Set(lengths).size, 1);
  assert.deepEqual(pauses, [3000]);
});

test('WR-WEB-05 elements without vr keep their structure', () => {
  const raw = {
    '0040a730': { Value: [{ '00400275': { Value: [{}] } }] },
    '00100010': { Value: [{ Alphabetic: 'A' }] },
    '00080060': {},
  };
  assert.deepEqual(normalised(raw), {
    '0040A730': { vr: 'SQ', Value: [{ '00400275': { vr: 'SQ', Value: [{}] } }] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'A' }] },
    '00080060': { vr: 'UN', Value: [] },
  });
});
