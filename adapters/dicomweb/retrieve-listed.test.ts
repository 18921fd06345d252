import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import { isSkipped } from '../../src/reasons.ts';
import { part10File, seriesUid, sopUid, studyUid } from '../../test/support/part10.ts';
import { readIdentity } from '../part10/reader.ts';
import { type DicomwebArchiveOptions, dicomwebArchive } from './archive.ts';

const never = new AbortController().signal;
const study = studyUid('study');
const series = seriesUid('study/series');
const COUNT = 20;
const files = Array.from({ length: COUNT }, (_, n) => part10File({ instance: `study/series/${n}`, columns: 32 }));
const uidOf = (n: number): string => sopUid(`study/series/${n}`);
const TYPE = { 'content-type': 'multipart/related; type="application/dicom"; boundary=edge' };
const END = '\r\n--edge--';
const part = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`\r\n--edge\r\nContent-Length: ${bytes.byteLength}\r\n\r\n`), bytes]);
const partOf = (n: number): Buffer => part(files[n]!.bytes);
const partsOf = (from: number, to: number): Buffer =>
  Buffer.concat(Array.from({ length: to - from }, (_, i) => partOf(from + i)));

interface Peer {
  /** The retrieve of the series. */
  readonly whole: (response: ServerResponse, time: number) => unknown;
  /** The retrieve of one instance, by its number; as it is stored where absent. */
  readonly single?: (response: ServerResponse, n: number, request: IncomingMessage) => unknown;
}

interface Asked {
  readonly retrieve: (signal?: AbortSignal) => AsyncIterable<Uint8Array>;
  /** Numbers of the instances that were asked for one by one, in order. */
  readonly singles: number[];
  readonly pauses: number[];
}

async function against(
  t: TestContext,
  { whole, single }: Peer,
  more: Partial<DicomwebArchiveOptions> = {},
): Promise<Asked> {
  const [singles, pauses] = [[] as number[], [] as number[]];
  let times = 0;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const [, uid] = /\/instances\/([\d.]+)$/.exec(path) ?? [];
    if (path.includes('/instances?')) {
      const listed = files.map((_, n) => ({ '00080018': { vr: 'UI', Value: [uidOf(n)] } }));
      response.end(JSON.stringify(path.includes('offset=0') ? listed : []));
    } else if (uid === undefined) {
      times += 1;
      whole(response, times);
    } else {
      const n = files.findIndex(({ object }) => object.sopInstanceUid === uid);
      singles.push(n);
      if (single) single(response, n, request);
      else response.writeHead(200, TYPE).end(Buffer.concat([partOf(n), Buffer.from(END)]));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const archive = dicomwebArchive({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`,
    identify: readIdentity,
    silenceMs: 5000,
    pause: async (ms) => void pauses.push(ms),
    ...more,
  });
  return { retrieve: (signal = never) => archive.retrieveSeries(study, series, signal), singles, pauses };
}

/** Numbers of the instances in the order in which they came; -1 for what is no DICOM. */
async function numbers(parts: AsyncIterable<Uint8Array>): Promise<number[]> {
  const came: number[] = [];
  for await (const bytes of parts) {
    const identity = readIdentity(bytes);
    came.push(
      isSkipped(identity) ? -1 : files.findIndex(({ object }) => object.sopInstanceUid === identity.sopInstanceUid),
    );
  }
  return came;
}

const ALL = files.map((_, n) => n);
const ascending = (list: readonly number[]): number[] => list.toSorted((a, b) => a - b);

/** The first parts, then the end of the connection in the head of the next one. */
const cutAfter =
  (count: number): Peer['whole'] =>
  (response) => {
    response.writeHead(200, { ...TYPE, 'content-length': 1e9 });
    response.write(Buffer.concat([partsOf(0, count), Buffer.from('\r\n--edge\r\nContent-')]), () => response.destroy());
  };

test('WR-RET-01 a series that breaks off: the rest comes one by one, four at a time', async (t) => {
  let [running, most] = [0, 0];
  const { retrieve, singles, pauses } = await against(t, {
    whole: cutAfter(7),
    single: (response, n) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.writeHead(200, TYPE).end(Buffer.concat([partOf(n), Buffer.from(END)]));
      }, 20);
    },
  });
  const came = await numbers(retrieve());
  assert.deepEqual(came.slice(0, 7), ALL.slice(0, 7));
  assert.deepEqual(ascending(came), ALL);
  assert.deepEqual(singles, ALL.slice(7));
  assert.equal(most, 4);
  assert.deepEqual(pauses, [1000]);
});

test('WR-RET-01 a reader that takes its time is not run over by what is fetched one by one', async (t) => {
  const { retrieve, singles } = await against(t, { whole: cutAfter(1) });
  let read = 0;
  for await (const _ of retrieve()) {
    read += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(singles.length <= read + 4, `${singles.length} asked for while ${read} were read`);
  }
  assert.equal(read, COUNT);
});

test('WR-RET-03 an instance that comes twice is given once', async (t) => {
  const twice = await against(t, {
    whole: (response) =>
      response.writeHead(200, TYPE).end(Buffer.concat([partsOf(0, COUNT), partOf(3), partOf(0), Buffer.from(END)])),
  });
  assert.deepEqual(await numbers(twice.retrieve()), ALL);
  const again = await against(t, {
    whole: cutAfter(15),
    single: (response, n) =>
      response.writeHead(200, TYPE).end(Buffer.concat([partOf(n % 2 === 0 ? n : 3), Buffer.from(END)])),
  });
  await assert.rejects(numbers(again.retrieve()), { code: 'archive-truncated' });
});

test('WR-RET-03 an image that came into the archive after the search is left for the next reading', async (t) => {
  const late = part(part10File({ instance: 'study/series/late', columns: 32 }).bytes);
  const { retrieve, singles } = await against(t, {
    whole: (response) =>
      response.writeHead(200, TYPE).end(Buffer.concat([partsOf(0, 5), late, partsOf(5, COUNT), Buffer.from(END)])),
  });
  assert.deepEqual(await numbers(retrieve()), ALL);
  assert.deepEqual(singles, []);
});

test('WR-RET-03 every instance came and only the end is missing: the series is whole', async (t) => {
  const { retrieve, singles } = await against(t, {
    whole: (response) => {
      response.writeHead(200, { ...TYPE, 'content-length': 1e9 });
      response.write(Buffer.concat([partsOf(0, COUNT), Buffer.from('\r\n--edge')]), () => response.destroy());
    },
  });
  assert.deepEqual(await numbers(retrieve()), ALL);
  assert.deepEqual(singles, []);
});

test('WR-RET-03 a series that comes without some of its instances: they are asked for one by one', async (t) => {
  const { retrieve, singles } = await against(t, {
    whole: (response) => response.writeHead(200, TYPE).end(Buffer.concat([partsOf(2, COUNT), Buffer.from(END)])),
  });
  assert.deepEqual(ascending(await numbers(retrieve())), ALL);
  assert.deepEqual(ascending(singles), [0, 1]);
});

test('WR-RET-03 what is listed and not there is asked for once; the study is read again later', async (t) => {
  const { retrieve, singles } = await against(t, {
    whole: cutAfter(18),
    single: (response) => response.writeHead(404).end(),
  });
  await assert.rejects(numbers(retrieve()), { code: 'archive-truncated', retryable: true });
  assert.deepEqual(singles, [18, 19]);
});

test('WR-RET-03 bytes that are no DICOM are given once, whether they come with the series or alone', async (t) => {
  const broken = Buffer.concat([part(Buffer.from('?')), partsOf(1, 10)]);
  const garbage = (response: ServerResponse, n: number): unknown =>
    response.writeHead(200, TYPE).end(Buffer.concat([n === 0 ? part(Buffer.from('?')) : partOf(n), Buffer.from(END)]));
  const before = await against(t, {
    whole: (response) => {
      response.writeHead(200, { ...TYPE, 'content-length': 1e9 });
      response.write(Buffer.concat([broken, Buffer.from('\r\n--edge\r\n')]), () => response.destroy());
    },
    single: garbage,
  });
  assert.deepEqual(ascending(await numbers(before.retrieve())), [-1, ...ALL.slice(1)]);
  const later = await against(t, {
    whole: (response) => response.writeHead(200, TYPE).end(Buffer.concat([partsOf(1, COUNT), Buffer.from(END)])),
    single: garbage,
  });
  assert.deepEqual(ascending(await numbers(later.retrieve())), [-1, ...ALL.slice(1)]);
});

test('WR-RET-02 without any more images it is tried three times, with growing waits', async (t) => {
  const { retrieve, singles, pauses } = await against(t, {
    whole: cutAfter(10),
    single: (_response, _n, request) => request.socket.destroy(),
  });
  await assert.rejects(numbers(retrieve()), { code: 'archive-unreachable', retryable: true });
  assert.deepEqual(pauses, [1000, 2000, 5000]);
  assert.ok(singles.length <= 12, `${singles.length} requests to a server that breaks off each`);
});

test('WR-RET-02 an image that came begins the count anew', async (t) => {
  let round = 0;
  const { retrieve, pauses } = await against(t, {
    whole: cutAfter(10),
    single: (response, n, request) => {
      round += 1;
      if (round % 3 !== 0) request.socket.destroy();
      else response.writeHead(200, TYPE).end(Buffer.concat([partOf(n), Buffer.from(END)]));
    },
  });
  assert.deepEqual(ascending(await numbers(retrieve())), ALL);
  assert.ok(pauses.length > 3, String(pauses));
});

test('WR-RET-02 a refusal ends it at once', async (t) => {
  const { retrieve, pauses } = await against(t, {
    whole: cutAfter(10),
    single: (response) => response.writeHead(403).end(),
  });
  await assert.rejects(numbers(retrieve()), { code: 'archive-refused', retryable: false });
  assert.deepEqual(pauses, [1000]);
});

test('WR-RET-02 nothing came: there is nothing to keep, and nothing is asked for one by one', async (t) => {
  const { retrieve, singles } = await against(t, { whole: cutAfter(0) });
  await assert.rejects(numbers(retrieve()), { code: 'archive-unreachable' });
  assert.deepEqual(singles, []);
});

test('WR-RET-02 given up within the rest: its reason, and every connection is closed', async (t) => {
  const closed: Promise<unknown>[] = [];
  const hanging: Peer = {
    whole: cutAfter(5),
    single: (response) => closed.push(new Promise((resolve) => response.on('close', resolve))),
  };
  const abort = new AbortController();
  const aborted = await against(t, hanging);
  const waiting = assert.rejects(numbers(aborted.retrieve(abort.signal)), { code: 'lease-lost' });
  while (closed.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort(new WetreadError('lease-lost', 'taken over'));
  await waiting;
  await Promise.all(closed);
  const left = await against(t, {
    whole: cutAfter(5),
    single: (response, n) => {
      if (n === 5) response.writeHead(200, TYPE).end(Buffer.concat([partOf(n), Buffer.from(END)]));
      else closed.push(new Promise((resolve) => response.on('close', resolve)));
    },
  });
  let read = 0;
  for await (const _ of left.retrieve()) {
    read += 1;
    if (read === 6) break;
  }
  await Promise.all(closed);
});

test('WR-RET-04 a series without end is cut off: far more parts than were listed', async (t) => {
  const one = partOf(0);
  const { retrieve } = await against(t, {
    whole: (response) => {
      response.writeHead(200, TYPE);
      const more = (): void => {
        while (!response.destroyed && response.write(one));
      };
      response.on('drain', more);
      more();
    },
  });
  await assert.rejects(numbers(retrieve()), { code: 'too-large', retryable: false });
});

test('WR-RET-05 a server that says when to come back is asked again then, three times, and not after long waits', async (t) => {
  const busy =
    (times: number, field: string): Peer['whole'] =>
    (response, time) => {
      if (time <= times) response.writeHead(time % 2 === 0 ? 429 : 503, { 'retry-after': field }).end('later');
      else response.writeHead(200, TYPE).end(Buffer.concat([partsOf(0, COUNT), Buffer.from(END)]));
    };
  const waited = await against(t, { whole: busy(3, '7') });
  assert.deepEqual(await numbers(waited.retrieve()), ALL);
  assert.deepEqual(waited.pauses, [7000, 7000, 7000]);
  for (const [times, field] of [
    [4, '1'],
    [1, '120'],
  ] as const) {
    const { retrieve } = await against(t, { whole: busy(times, field) });
    await assert.rejects(numbers(retrieve()), {
      code: 'archive-unreachable',
      retryable: true,
      retryAfterSeconds: Number(field),
    });
  }
  const date = await against(t, { whole: busy(1, new Date(Date.now() + 20_000).toUTCString()) });
  assert.deepEqual(await numbers(date.retrieve()), ALL);
  assert.ok(date.pauses[0]! > 15_000 && date.pauses[0]! <= 21_000, String(date.pauses));
});
