/** A retrieve from a real PACS whose connections break: what came is kept, the rest is fetched, nothing comes twice. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dicomwebArchive } from '../../adapters/dicomweb/archive.ts';
import { readIdentity } from '../../adapters/part10/reader.ts';
import type { ImageArchive } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { type CuttingProxy, cuttingProxy } from '../support/cutting-proxy.ts';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { part10File, seriesUid, studyUid, text } from '../support/part10.ts';

const never = new AbortController().signal;
const [ORTHANC, DICOM, PROXY] = [26010, 26011, 26012];
const study = studyUid('cut');
const series = seriesUid('cut/series');
const files = Array.from({ length: 60 }, (_, index) =>
  part10File({
    study: 'cut',
    instance: `cut/${index}`,
    columns: 256,
    attributes: { '00200013': text('IS', index + 1) },
  }),
);
const bytesOfOne = files[0]!.bytes.byteLength;

let orthanc: Orthanc;
before(async () => {
  if (withoutOrthanc !== false) return;
  orthanc = await startOrthanc({ httpPort: ORTHANC, dicomPort: DICOM });
  for (const { bytes } of files)
    assert.ok((await fetch(`${orthanc.url}/instances`, { method: 'POST', body: Buffer.from(bytes) })).ok);
});
after(() => orthanc?.stop());

function reached(silenceMs = 60_000): { archive: ImageArchive; pauses: number[] } {
  const pauses: number[] = [];
  const archive = dicomwebArchive({
    url: `http://127.0.0.1:${PROXY}/dicom-web`,
    identify: readIdentity,
    silenceMs,
    pause: async (ms) => void pauses.push(ms),
  });
  return { archive, pauses };
}

/** UIDs in the order in which they came. */
async function received(archive: ImageArchive): Promise<string[]> {
  const uids: string[] = [];
  for await (const bytes of archive.retrieveSeries(study, series, never)) {
    const identity = readIdentity(bytes);
    assert.ok(!isSkipped(identity));
    const stored = files.find(({ object }) => object.sopInstanceUid === identity.sopInstanceUid);
    assert.ok(Buffer.from(bytes).equals(Buffer.from(stored!.bytes)), 'not as it was stored');
    uids.push(identity.sopInstanceUid);
    archive.reuse?.(bytes);
  }
  return uids;
}

const isSeries = (line: string): boolean => line.endsWith(`/series/${series}`);
const instanceIn = (line: string): string | undefined => /\/instances\/([\d.]+)$/.exec(line)?.[1];

/** Every instance once, none asked for that had come, and hardly more bytes than the series has. */
function assertNothingTwice(proxy: CuttingProxy, uids: readonly string[], cutShort: number): void {
  assert.equal(uids.length, files.length);
  assert.deepEqual(new Set(uids), new Set(files.map(({ object }) => object.sopInstanceUid)));
  const asked = proxy.requests.flatMap(({ line }) => instanceIn(line) ?? []);
  const cameInSeries = uids.slice(0, files.length - new Set(asked).size);
  assert.deepEqual(
    asked.filter((uid) => cameInSeries.includes(uid)),
    [],
  );
  const answered = proxy.requests
    .filter(({ line }) => isSeries(line) || instanceIn(line) !== undefined)
    .reduce((sum, request) => sum + request.answered, 0);
  // Heads and delimiters take less than 1 kB an answer or a part; of every answer that was cut, one part was lost.
  const most = files.length * (bytesOfOne + 1024) + cutShort * (bytesOfOne + 1024);
  assert.ok(answered <= most, `${answered} bytes of at most ${most}`);
}

test('WR-RET-01 Orthanc, cut within the series: what came is kept, only the rest is fetched', {
  skip: withoutOrthanc,
}, async (t) => {
  const proxy = await cuttingProxy(t, PROXY, ORTHANC);
  proxy.rule = (line) => (isSeries(line) ? { after: 20.5 * bytesOfOne, how: 'cut' } : undefined);
  const { archive, pauses } = reached();
  assertNothingTwice(proxy, await received(archive), 1);
  assert.equal(proxy.requests.filter(({ line }) => isSeries(line)).length, 1);
  assert.equal(proxy.requests.filter(({ line }) => instanceIn(line) !== undefined).length, 40);
  assert.deepEqual(pauses, [1000]);
});

test('WR-RET-01 Orthanc, silent within the series: the same', { skip: withoutOrthanc }, async (t) => {
  const proxy = await cuttingProxy(t, PROXY, ORTHANC);
  proxy.rule = (line) => (isSeries(line) ? { after: 30.2 * bytesOfOne, how: 'hang' } : undefined);
  assertNothingTwice(proxy, await received(reached(2000).archive), 1);
});

test('WR-RET-01 Orthanc, cut again and again, also within single instances: as long as images come, it goes on', {
  skip: withoutOrthanc,
}, async (t) => {
  const proxy = await cuttingProxy(t, PROXY, ORTHANC);
  const cut = new Set<string>();
  let count = 0;
  proxy.rule = (line) => {
    if (isSeries(line)) return { after: 10 * bytesOfOne, how: 'cut' };
    const uid = instanceIn(line);
    // Every fifth transfer of an instance breaks, each instance once.
    count += 1;
    if (uid === undefined || cut.has(uid) || count % 5 !== 0) return undefined;
    cut.add(uid);
    return { after: bytesOfOne / 2, how: 'cut' };
  };
  const { archive } = reached();
  assertNothingTwice(proxy, await received(archive), 1 + cut.size);
  assert.ok(cut.size >= 5, `${cut.size} instances were cut`);
});

test('WR-RET-02 Orthanc, an image that never comes whole: tried three times, then the study is read again later', {
  skip: withoutOrthanc,
}, async (t) => {
  const proxy = await cuttingProxy(t, PROXY, ORTHANC);
  const poisoned = files[7]!.object.sopInstanceUid;
  proxy.rule = (line) => {
    if (isSeries(line)) return { after: 5 * bytesOfOne, how: 'cut' };
    return instanceIn(line) === poisoned ? { after: bytesOfOne / 2, how: 'cut' } : undefined;
  };
  const { archive, pauses } = reached();
  await assert.rejects(received(archive), (error: { code: string; retryable: boolean }) => {
    assert.match(error.code, /^archive-(truncated|unreachable)$/);
    return error.retryable;
  });
  assert.deepEqual(pauses.slice(-3), [1000, 2000, 5000]);
});

test('WR-RET-01 Orthanc, not cut: one request fetches the series', {
  skip: withoutOrthanc,
}, async (t) => {
  const proxy = await cuttingProxy(t, PROXY, ORTHANC);
  assertNothingTwice(proxy, await received(reached().archive), 0);
  assert.equal(proxy.requests.filter(({ line }) => isSeries(line)).length, 1);
  assert.deepEqual(
    proxy.requests.filter(({ line }) => instanceIn(line) !== undefined),
    [],
  );
});
