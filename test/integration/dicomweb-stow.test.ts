import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import request from 'supertest';
import { type DicomDataSet, itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import { type Answer, dicomwebServer, STOW_TYPE, send, stow, stowBody } from '../support/dicomweb-server.ts';
import { CT_IMAGE_STORAGE, part10File, sopUid, studyUid, text } from '../support/part10.ts';

const dataSet = (answer: Answer): DicomDataSet => JSON.parse(answer.body.toString()) as DicomDataSet;
const storedUids = (answer: Answer): (string | undefined)[] =>
  itemsOf(dataSet(answer), '00081199').map((item) => stringOf(item, '00081155'));
const failures = (answer: Answer, tag = '00081198'): (number | undefined)[] =>
  itemsOf(dataSet(answer), tag).map((item) => numberOf(item, '00081197'));

test('WR-ARC-20 all stored: 200, every instance listed with its address', async () => {
  await using server = await dicomwebServer();
  const files = ['a', 'b'].map((instance) => part10File({ instance, columns: 8 }));
  const answer = await stow(server.url, stowBody(...files.map(({ bytes }) => bytes)));
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'] ?? '', /^application\/dicom\+json/);
  const study = `${server.url}/studies/${studyUid('study')}`;
  assert.deepEqual(dataSet(answer), {
    '00081190': { vr: 'UR', Value: [study] },
    '00081199': {
      vr: 'SQ',
      Value: files.map(({ object }) => ({
        '00081150': { vr: 'UI', Value: [CT_IMAGE_STORAGE] },
        '00081155': { vr: 'UI', Value: [object.sopInstanceUid] },
        '00081190': {
          vr: 'UR',
          Value: [`${study}/series/${object.seriesInstanceUid}/instances/${object.sopInstanceUid}`],
        },
      })),
    },
  });
  assert.deepEqual(server.stored, [{ studyInstanceUids: [studyUid('study')], changed: new Set([studyUid('study')]) }]);
});

test('WR-ARC-20 the same again: 200, listed again, nothing changed', async () => {
  await using server = await dicomwebServer();
  const body = stowBody(part10File().bytes);
  await stow(server.url, body);
  const again = await stow(server.url, body, '/studies', {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  assert.equal(again.status, 200);
  assert.deepEqual(storedUids(again), [sopUid('study/series/1')]);
  assert.deepEqual(server.stored[1], {
    studyInstanceUids: [studyUid('study')],
    changed: new Set(),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
});

test('WR-ARC-21 some stored: 202 with a warning and the reason of every failure', async () => {
  await using server = await dicomwebServer();
  const first = part10File({ instance: 'a' });
  const conflict = part10File({ instance: 'a', attributes: { '00080050': text('SH', 'other') } });
  const stranger = part10File({ instance: 'b', patientId: 'someone else' });
  const answer = await stow(server.url, stowBody(first.bytes, conflict.bytes, stranger.bytes, Buffer.from('no DICOM')));
  assert.equal(answer.status, 202);
  assert.deepEqual(storedUids(answer), [sopUid('a')]);
  assert.deepEqual(failures(answer), [0x0111, 0xa901]);
  assert.deepEqual(failures(answer, '0008119A'), [0xc000], 'what has no UID is listed apart');
  assert.match(String(answer.headers['warning']), /^299 wetread "3 of 4 instances are not stored"$/);
  assert.equal(server.use.refusals.length, 3);
});

test('WR-ARC-21 none stored: 409, and no event', async () => {
  await using server = await dicomwebServer();
  const answer = await stow(server.url, stowBody(part10File().bytes), `/studies/${studyUid('another')}`);
  assert.equal(answer.status, 409);
  assert.deepEqual(failures(answer), [0xa900]);
  assert.deepEqual(dataSet(answer)['00081199'], { vr: 'SQ' });
  assert.deepEqual(server.stored, []);
  const right = await stow(server.url, stowBody(part10File().bytes), `/studies/${studyUid('study')}`);
  assert.equal(right.status, 200);
});

test('a part of another media type is refused like a file that is no DICOM', async () => {
  await using server = await dicomwebServer();
  const body = stowBody(part10File().bytes).toString('latin1').replace('application/dicom', 'text/plain');
  const answer = await stow(server.url, Buffer.from(body, 'latin1'));
  assert.equal(answer.status, 409);
  assert.deepEqual(failures(answer, '0008119A'), [0xc000]);
});

test('WR-ARC-22 every refusal of a request has its status', async () => {
  await using server = await dicomwebServer();
  const agent = request(server.app);
  const body = stowBody(part10File().bytes);
  const cases: readonly [status: number, contentType: string, accept: string, path: string][] = [
    [415, 'application/dicom', 'application/dicom+json', ''],
    [415, 'multipart/related; type="application/dicom+json"; boundary=b', 'application/dicom+json', ''],
    [415, 'multipart/related; boundary=b', 'application/dicom+json', ''],
    [415, 'multipart/form-data; boundary=b', 'application/dicom+json', ''],
    [400, 'multipart/related; type="application/dicom"', 'application/dicom+json', ''],
    [406, STOW_TYPE, 'application/dicom+xml', ''],
    [406, STOW_TYPE, 'application/dicom+json;q=0', ''],
    [400, STOW_TYPE, 'application/dicom+json', '/not-a-uid'],
    [200, STOW_TYPE, '*/*', ''],
    [200, STOW_TYPE, 'application/dicom+xml, application/json;q=0.2', ''],
    [200, 'multipart/related; type=application/dicom; boundary="b"', 'application/*', ''],
  ];
  for (const [status, contentType, accept, path] of cases) {
    const answer = await agent
      .post(`/dicom-web/studies${path}`)
      .set('Content-Type', contentType)
      .set('Accept', accept)
      .send(body);
    assert.equal(answer.status, status, `${contentType} ${accept} ${path}`);
  }
  assert.equal((await agent.put('/dicom-web/studies')).status, 405);
  assert.equal((await agent.delete(`/dicom-web/studies/${studyUid('study')}`)).status, 405);
});

test('WR-ARC-22 bodies without a part, without an end or with broken syntax: 400, and what came before is listed', async () => {
  await using server = await dicomwebServer();
  const whole = stowBody(part10File({ instance: 'a' }).bytes, part10File({ instance: 'b' }).bytes);
  assert.equal((await stow(server.url, Buffer.from('--b--'))).status, 400);
  assert.equal((await stow(server.url, Buffer.from('nothing'))).status, 400);
  const cut = await stow(server.url, whole.subarray(0, whole.length - 100));
  assert.equal(cut.status, 400);
  assert.deepEqual(storedUids(cut), [sopUid('a')]);
  const unfinished = await stow(server.url, whole.subarray(0, whole.length - 4));
  assert.equal(unfinished.status, 400);
  assert.deepEqual(storedUids(unfinished), [sopUid('a')], 'a part counts only with its closing boundary');
  assert.deepEqual(await readdir(join(server.use.folder, 'incoming')), []);
});

test('WR-ARC-03 limits: 413, and what came before stays', async () => {
  await using server = await dicomwebServer({ limits: { maxParts: 2, maxPartBytes: 4096, maxHeaderBytes: 256 } });
  const small = ['a', 'b', 'c'].map((instance) => part10File({ instance }).bytes);
  const many = await stow(server.url, stowBody(...small));
  assert.equal(many.status, 413);
  assert.deepEqual(storedUids(many), [sopUid('a'), sopUid('b')]);
  const big = await stow(server.url, stowBody(part10File({ instance: 'big', columns: 64 }).bytes));
  assert.equal(big.status, 413);
  const header = `--b\r\nContent-Type: application/dicom\r\nX: ${'x'.repeat(300)}\r\n\r\n`;
  assert.equal((await stow(server.url, Buffer.from(header))).status, 413);
  assert.deepEqual(await readdir(join(server.use.folder, 'incoming')), []);
});

test('WR-ARC-01 a request in chunks cut at every offset stores the same instance', async () => {
  await using server = await dicomwebServer();
  const { bytes } = part10File();
  // Bytes that look like the boundary, inside of the file: in a private element after all others.
  const lookalike = Buffer.concat([
    bytes,
    Buffer.from([0x09, 0x00, 0x10, 0x00]),
    Buffer.from('LO\x08\x00WETREAD '),
    Buffer.from([0x09, 0x00, 0x01, 0x10]),
    Buffer.from('OB\x00\x00\x12\x00\x00\x00\r\n--bb\r\n--b\r\r\n--\r\r'),
  ]);
  const body = Buffer.concat([Buffer.from('a preamble\r\n'), stowBody(lookalike), Buffer.from('an epilogue')]);
  const headers = { 'Content-Type': STOW_TYPE, Accept: 'application/dicom+json' };
  const near = [body.indexOf('--b'), body.indexOf('\r\n--bb'), body.lastIndexOf('\r\n--b')];
  for (let at = 1; at < body.length; at++) {
    // Every offset costs a request: all of them near boundaries, every 37th elsewhere.
    if (at % 37 !== 0 && !near.some((offset) => Math.abs(offset - at) < 24)) continue;
    const answer = await send(`${server.url}/studies`, { method: 'POST', headers }, [
      body.subarray(0, at),
      body.subarray(at),
    ]);
    assert.equal(answer.status, 200, `cut at ${at}`);
  }
  const [stored] = server.use.archive.instances({ studyInstanceUid: studyUid('study') });
  assert.ok(lookalike.equals(await server.use.archive.readInstance(stored!)));
});

test('a Content-Length per part is used, whatever the body holds', async () => {
  await using server = await dicomwebServer();
  const { bytes } = part10File({ attributes: { '00081030': text('LO', 'x') } });
  const inner = Buffer.concat([bytes, Buffer.from([0x09, 0x00, 0x10, 0x00]), Buffer.from('LO\x0a\x00\r\n--b--\r\n ')]);
  const body = Buffer.concat([
    Buffer.from(
      `--b\r\nContent-Length: ${inner.length}\r\nContent-Type: application/dicom; transfer-syntax=1.2.3\r\n\r\n`,
    ),
    inner,
    Buffer.from('\r\n--b--'),
  ]);
  assert.equal((await stow(server.url, body)).status, 200);
  const [stored] = server.use.archive.instances({ studyInstanceUid: studyUid('study') });
  assert.equal(stored!.bytes, inner.length);
});

test('WR-ARC-23 a client that leaves half-way: whole parts stay and are announced, nothing else is left', async () => {
  const announced = Promise.withResolvers<void>();
  await using server = await dicomwebServer({ onStored: () => announced.resolve() });
  const body = stowBody(part10File({ instance: 'a' }).bytes, part10File({ instance: 'b', columns: 64 }).bytes);
  const outgoing = httpRequest(`${server.url}/studies`, {
    method: 'POST',
    headers: { 'Content-Type': STOW_TYPE, 'Content-Length': body.length },
  });
  outgoing.on('error', () => undefined);
  outgoing.write(body.subarray(0, body.length - 1000), () => outgoing.destroy());
  await announced.promise;
  assert.deepEqual(
    server.stored.map(({ studyInstanceUids }) => studyInstanceUids),
    [[studyUid('study')]],
  );
  const instances = server.use.archive.instances({ studyInstanceUid: studyUid('study') });
  assert.deepEqual(
    instances.map(({ sopInstanceUid }) => sopInstanceUid),
    [sopUid('a')],
  );
  assert.deepEqual(await readdir(join(server.use.folder, 'incoming')), []);
});

test('an event that cannot be recorded: 500 without details, logged under the route pattern, and repeating helps', async () => {
  let fail = true;
  await using server = await dicomwebServer({
    onStored: () => {
      if (fail) throw new Error('the ledger at /secret/path is gone');
    },
  });
  const body = stowBody(part10File().bytes);
  const failed = await stow(server.url, body, `/studies/${studyUid('study')}`);
  assert.equal(failed.status, 500);
  assert.ok(!failed.body.toString().includes('secret'));
  assert.deepEqual(server.logged, [
    [
      'http-fault',
      { errorCode: 'internal', httpMethod: 'POST', httpRoute: '/dicom-web/studies/:study', httpStatus: 500 },
    ],
  ]);
  fail = false;
  assert.equal((await stow(server.url, body)).status, 200);
  assert.equal(server.stored.length, 2);
});

test('WR-ARC-24 1,000 instances in one request and 512 MB in another: memory stays flat', async () => {
  await using server = await dicomwebServer();
  const headers = { 'Content-Type': STOW_TYPE, Accept: 'application/dicom+json' };
  function* tiny(): Generator<Uint8Array> {
    for (let i = 0; i < 1_000; i++)
      yield stowBody(part10File({ instance: `${i}` }).bytes).subarray(0, -'--b--\r\n'.length);
    yield Buffer.from('--b--\r\n');
  }
  const answer = await send(`${server.url}/studies`, { method: 'POST', headers }, tiny());
  assert.equal(answer.status, 200);
  assert.equal(storedUids(answer).length, 1_000);
  assert.equal(server.use.archive.instances({ studyInstanceUid: studyUid('study') }).length, 1_000);

  // Not DICOM, so that nothing is kept; sixteen parts of 32 MB, more than the process may grow by.
  const piece = Buffer.alloc(2 ** 20, 'x');
  let peak = 0;
  function* large(): Generator<Uint8Array> {
    for (let part = 0; part < 16; part++) {
      yield Buffer.from('--b\r\nContent-Type: text/plain\r\n\r\n');
      for (let i = 0; i < 32; i++) yield piece;
      yield Buffer.from('\r\n');
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    yield Buffer.from('--b--\r\n');
  }
  const before = process.memoryUsage().rss;
  assert.equal((await send(`${server.url}/studies`, { method: 'POST', headers }, large())).status, 409);
  assert.ok(peak - before < 256 * 2 ** 20, `grew by ${Math.round((peak - before) / 2 ** 20)} MB`);
});
