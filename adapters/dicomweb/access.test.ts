/** Both ways to an archive, small requests and the stream of instances: who asks, whom it believes, what it is told. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { WetreadError } from '../../src/errors.ts';
import { authority, type Certificate, withoutOpenssl } from '../../test/support/certificates.ts';
import { part10File, seriesUid, studyUid } from '../../test/support/part10.ts';
import { certificates } from '../credentials/tls-files.ts';
import { readIdentity } from '../part10/reader.ts';
import { dicomwebArchive } from './archive.ts';
import type { HttpAccess } from './http.ts';

const never = new AbortController().signal;
const study = studyUid('study');
const series = seriesUid('study/series');
const file = part10File({ columns: 16 });
const { sopInstanceUid } = file.object;
const MULTIPART = { 'content-type': 'multipart/related; type="application/dicom"; boundary=edge' };

type Behaviour = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An archive of one instance, behind whatever `before` does; true means that it has answered. */
async function archiveServer(
  t: TestContext,
  before: Behaviour,
  tls?: TlsOptions,
): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    request.resume();
    if (before(request, response) === true) return;
    if (request.url!.includes('/instances?'))
      response.end(JSON.stringify([{ '00080018': { vr: 'UI', Value: [sopInstanceUid] } }]));
    else if (request.url!.includes('/studies?')) response.writeHead(204).end();
    else
      response
        .writeHead(200, MULTIPART)
        .end(Buffer.concat([Buffer.from('--edge\r\n\r\n'), file.bytes, Buffer.from('\r\n--edge--')]));
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}/dicom-web`, seen };
}

/** The same question by both ways. */
const WAYS: readonly [name: string, ask: (access: HttpAccess) => Promise<unknown>][] = [
  ['search', (access) => dicomwebArchive({ ...access, identify: readIdentity }).findStudy(study, never)],
  [
    'retrieve',
    async (access) => {
      const archive = dicomwebArchive({ ...access, identify: readIdentity });
      const bytes = await archive.retrieveInstance(study, series, sopInstanceUid, never);
      assert.ok(Buffer.from(bytes!).equals(Buffer.from(file.bytes)));
    },
  ],
];

for (const [way, ask] of WAYS) {
  test(`WR-AUTH-08 ${way}: who asks is said with every request, and anew where it was refused`, async (t) => {
    const tokens = ['old', 'new'];
    const refused: unknown[] = [];
    const { url, seen } = await archiveServer(t, (request, response) => {
      if (request.headers.authorization === 'Bearer new') return false;
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return true;
    });
    await ask({
      url,
      authorize: async (_signal, fields) => {
        if (fields !== undefined) refused.push(tokens.shift());
        return { authorization: `Bearer ${tokens[0]}` };
      },
    });
    assert.deepEqual(refused, ['old']);
    assert.deepEqual(
      seen.map((line) => line.split(' ').at(-1)),
      ['old', 'new'],
    );
  });

  test(`WR-AUTH-08 ${way}: refused for good where there are no others to try`, async (t) => {
    const { url, seen } = await archiveServer(t, (_, response) => {
      response.writeHead(401).end();
      return true;
    });
    let asked = 0;
    for (const authorize of [
      async () => ({ authorization: 'Basic x' }),
      async () => {
        asked += 1;
        return { authorization: `Bearer ${asked}` };
      },
    ]) {
      seen.length = 0;
      await assert.rejects(ask({ url, authorize }), {
        code: 'archive-refused',
        retryable: false,
        message: 'The archive answered 401: check its credentials',
      });
      assert.equal(seen.length, asked === 0 ? 1 : 2);
    }
  });

  test(`WR-AUTH-08 ${way}: credentials that would break out of their line are never sent`, async (t) => {
    const { url, seen } = await archiveServer(t, () => false);
    for (const fields of [{ authorization: 'x\r\nhost: elsewhere' }, { 'x: y\r\nz': 'x' }]) {
      await assert.rejects(ask({ url, authorize: async () => fields }), { code: 'config-invalid' });
    }
    assert.deepEqual(seen, []);
  });

  test(`WR-RET-04 ${way}: a redirect within the server is followed, to another host never, and credentials with it`, async (t) => {
    const elsewhere = await archiveServer(t, () => false);
    const authorize = async (): Promise<Record<string, string>> => ({ authorization: 'Bearer secret' });
    let to = (path: string): string => `/moved${path}`;
    const { url, seen } = await archiveServer(t, ({ url: path }, response) => {
      if (path!.startsWith('/moved/')) return false;
      response.writeHead(307, { location: to(path!) }).end();
      return true;
    });
    await ask({ url, authorize });
    assert.equal(seen.length, 2);
    for (const place of [
      (path: string) => new URL(elsewhere.url).origin + path,
      (path: string) => `//localhost:${new URL(elsewhere.url).port}${path}`,
      (path: string) => path,
      () => 'https://[',
    ]) {
      to = place;
      seen.length = 0;
      await assert.rejects(ask({ url, authorize }), { code: 'archive-refused', retryable: false });
      assert.ok(seen.length <= 4);
    }
    assert.deepEqual(elsewhere.seen, []);
  });

  test(`WR-RET-04 ${way}: what an archive may answer instead, each with its code`, async (t) => {
    const html = (r: ServerResponse): unknown =>
      r.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in</p>');
    const zipped = (r: ServerResponse): unknown =>
      r.writeHead(200, { ...MULTIPART, 'content-encoding': 'gzip' }).end(gzipSync('[]'));
    const answers: readonly [what: string, code: string, retryable: boolean, give: (r: ServerResponse) => unknown][] = [
      ['401', 'archive-refused', false, (r) => r.writeHead(401).end()],
      ['403', 'archive-refused', false, (r) => r.writeHead(403).end()],
      ['429 without a time', 'archive-unreachable', true, (r) => r.writeHead(429).end()],
      ['503 without a time', 'archive-unreachable', true, (r) => r.writeHead(503).end()],
      ['500', 'archive-unreachable', true, (r) => r.writeHead(500).end()],
      ['a page in place of data', 'archive-refused', false, html],
      ['compressed though not asked for', 'archive-refused', false, zipped],
      ['silence', 'timeout', true, () => undefined],
      ['silence within the answer', 'timeout', true, (r) => r.writeHead(200, MULTIPART).write('[')],
      ['the end of the connection', 'archive-unreachable', true, (r) => r.destroy()],
      ['no HTTP', 'archive-', true, (r) => r.socket!.end('SSH-2.0\r\n\r\n')],
    ];
    for (const [what, code, retryable, give] of answers) {
      const { url } = await archiveServer(t, (_, response) => {
        give(response);
        return true;
      });
      await assert.rejects(ask({ url, silenceMs: 150 }), (error: WetreadError) => {
        assert.ok(error.code.startsWith(code), `${what}: ${error.code}`);
        if (what !== 'no HTTP') assert.equal(error.retryable, retryable, what);
        return true;
      });
    }
  });

  test(`WR-AUTH-07 ${way}: whom it believes: the authority that is named, no other, and the name of the URL or tls.serverName`, {
    skip: withoutOpenssl,
  }, async (t) => {
    const { caFile, sign, selfSigned } = authority(t);
    const outcome = async (server: Certificate, files: object | undefined): Promise<string> => {
      const { url, seen } = await archiveServer(t, () => false, { key: server.key, cert: server.cert });
      const tls = files && { tls: certificates(files, 'archive.tls') };
      try {
        await ask({ url, ...tls, authorize: async () => ({ authorization: 'Bearer secret' }) });
        return 'answered';
      } catch (error) {
        // Who asks is said to nobody who is not believed.
        assert.deepEqual(seen, []);
        const { code, message, retryable } = error as WetreadError;
        return `${code} ${retryable} ${/tls\.\w+|renew/.exec(message)?.[0]}`;
      }
    };
    const good = sign('DNS:localhost');
    assert.equal(await outcome(good, { caFile }), 'answered');
    assert.equal(await outcome(good, undefined), 'certificate-refused false tls.caFile');
    assert.equal(await outcome(selfSigned('DNS:localhost'), { caFile }), 'certificate-refused false tls.caFile');
    assert.equal(await outcome(sign('DNS:localhost', -1), { caFile }), 'certificate-refused true renew');
    const other = sign('DNS:pacs.example');
    assert.equal(await outcome(other, { caFile }), 'certificate-refused false tls.serverName');
    assert.equal(await outcome(other, { caFile, serverName: 'pacs.example' }), 'answered');
    const own = selfSigned('DNS:localhost');
    assert.equal(await outcome(own, { caFile: own.certFile }), 'answered');
  });

  test(`WR-AUTH-07 ${way}: an archive that asks for a certificate gets ours`, { skip: withoutOpenssl }, async (t) => {
    const { ca, caFile, sign } = authority(t);
    const [theirs, ours] = [sign('DNS:localhost'), sign('DNS:wetread')];
    const stranger = authority(t).sign('DNS:wetread');
    // With TLS 1.3 a client is done before the server has seen that there is no certificate: it may hear the end alone.
    const asks = { ca, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' } as const;
    const both = { key: theirs.key, cert: theirs.cert, ...asks };
    const { url, seen } = await archiveServer(t, () => false, both);
    const withOwn = (one: Certificate): Promise<unknown> =>
      ask({ url, tls: certificates({ caFile, certFile: one.certFile, keyFile: one.keyFile }, 'archive.tls') });
    await withOwn(ours);
    assert.equal(seen.length, 1);
    await assert.rejects(ask({ url, tls: certificates({ caFile }, 'archive.tls') }), {
      code: 'certificate-refused',
      message: /tls\.certFile and tls\.keyFile/,
    });
    // Node's own server closes the connection and says nothing; others send an alert.
    await assert.rejects(withOwn(stranger), { code: 'archive-unreachable' });
    assert.equal(seen.length, 1);
  });
}

test('WR-RET-04 a search whose answer has no end is cut off', async (t) => {
  const chunk = ' '.repeat(4 * 1024 * 1024);
  const { url } = await archiveServer(t, (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
    return true;
  });
  await assert.rejects(dicomwebArchive({ url, identify: readIdentity }).findStudy(study, never), {
    code: 'too-large',
    retryable: false,
  });
});

test('WR-RET-04 an archive that takes the connection and never speaks, also over TLS', async (t) => {
  const { url } = await archiveServer(t, () => true);
  const silent = url.replace('http:', 'https:');
  for (const [way, ask] of WAYS) {
    await assert.rejects(ask({ url: silent, silenceMs: 150 }), (error: WetreadError) => {
      assert.ok(['timeout', 'archive-unreachable'].includes(error.code) && error.retryable, `${way} ${error.code}`);
      return true;
    });
  }
});
