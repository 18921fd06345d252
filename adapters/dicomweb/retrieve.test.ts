import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { httpOptions } from './http.ts';
import { DEFAULT_MULTIPART_LIMITS } from './multipart.ts';
import { retrieveParts } from './retrieve.ts';

const never = new AbortController().signal;
const options = httpOptions({ url: 'http://127.0.0.1', silenceMs: 5000 });

async function portOf(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const TYPE = { 'content-type': 'multipart/related; type="application/dicom"; boundary=edge' };
const part = (length: number, fill: number, counted: boolean): Buffer =>
  Buffer.concat([
    Buffer.from(
      `\r\n--edge\r\nContent-Type: application/dicom${counted ? `\r\nContent-Length: ${length}` : ''}\r\n\r\n`,
    ),
    Buffer.alloc(length, fill),
  ]);

test('WR-WEB-07 parts of every length, counted or not, chunked or until the end of the connection', async (t) => {
  const lengths = [0, 1, 100, 262_143, 262_144, 262_145, 1_000_000, 7, 2_000_000];
  const server = createHttpServer((request, response) => {
    const counted = request.url === '/counted';
    response.writeHead(200, counted ? { ...TYPE, connection: 'close' } : TYPE);
    if (counted) response.useChunkedEncodingByDefault = false;
    for (const [fill, length] of lengths.entries()) response.write(part(length, fill, counted));
    response.end('\r\n--edge--');
  });
  const port = await portOf(t, server);
  for (const path of ['counted', 'searched']) {
    const received: Uint8Array[] = [];
    for await (const bytes of retrieveParts(
      options,
      `http://127.0.0.1:${port}/${path}`,
      DEFAULT_MULTIPART_LIMITS,
      never,
    )) {
      received.push(bytes);
    }
    assert.deepEqual(
      received.map(({ byteLength }) => byteLength),
      lengths,
    );
    for (const [fill, bytes] of received.entries()) assert.ok(bytes.every((byte) => byte === fill));
  }
});

test('WR-WEB-07 a slow reader slows the server: what is not asked for is not taken into memory', async (t) => {
  const length = 1_000_000;
  let written = 0;
  const server = createHttpServer((_, response) => {
    response.writeHead(200, TYPE);
    const more = (): void => {
      while (written < 200) {
        written += 1;
        if (!response.write(part(length, 1, true))) {
          response.once('drain', more);
          return;
        }
      }
      response.end('\r\n--edge--');
    };
    more();
  });
  const port = await portOf(t, server);
  let read = 0;
  for await (const { byteLength } of retrieveParts(
    options,
    `http://127.0.0.1:${port}/`,
    DEFAULT_MULTIPART_LIMITS,
    never,
  )) {
    assert.equal(byteLength, length);
    read += 1;
    if (read === 5) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.ok(written < 60, `${written} parts sent while 5 were read`);
    }
  }
  assert.equal(read, 200);
});

test('WR-WEB-07 nothing found is an answer, also where its words come after its head, or never', async (t) => {
  const server = createHttpServer((request, response) => {
    response.writeHead(404, { 'content-type': 'application/json', 'content-length': '20' });
    response.flushHeaders();
    if (request.url === '/never') setTimeout(() => response.destroy(), 20);
    else setTimeout(() => response.end('{"Message":"nothing"'), 20);
  });
  const port = await portOf(t, server);
  for (const path of ['later', 'never']) {
    const url = `http://127.0.0.1:${port}/${path}`;
    const parts = retrieveParts(options, url, DEFAULT_MULTIPART_LIMITS, never);
    assert.equal((await parts.next()).done, true, path);
  }
});

test('WR-WEB-07 a part beyond the limit is refused before memory is set aside for it', async (t) => {
  const server = createHttpServer((_, response) => {
    response.writeHead(200, TYPE).end('--edge\r\nContent-Length: 99999999999\r\n\r\n');
  });
  const port = await portOf(t, server);
  const parts = retrieveParts(options, `http://127.0.0.1:${port}/`, DEFAULT_MULTIPART_LIMITS, never);
  await assert.rejects(parts.next(), { code: 'too-large' });
});

const withoutOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'OPENSSL ABSENT: no certificate can be made';

test('WR-WEB-07 over TLS: from a server with a trusted certificate, and from no other', {
  skip: withoutOpenssl,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...made, '-subj', '/CN=localhost', '-addext', names, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    response.writeHead(200, TYPE).end(Buffer.concat([part(1_000_000, 5, true), Buffer.from('\r\n--edge--')]));
  });
  const port = await portOf(t, server);
  const retrieve = async (host: string): Promise<Uint8Array | undefined> => {
    const parts = retrieveParts(options, `https://${host}:${port}/`, DEFAULT_MULTIPART_LIMITS, never);
    const { value } = await parts.next();
    await parts.return();
    return value ?? undefined;
  };
  await assert.rejects(retrieve('localhost'), { code: 'certificate-refused' });
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, readFileSync(cert, 'utf8')]);
  t.after(() => setDefaultCACertificates(before));
  for (const host of ['localhost', '127.0.0.1']) {
    const bytes = await retrieve(host);
    assert.ok(bytes?.byteLength === 1_000_000 && bytes.every((byte) => byte === 5), host);
  }
});
