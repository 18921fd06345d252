/** The way to a FHIR server: who asks, whom it believes, and what a server may answer before there is any FHIR. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import type { WetreadError } from '../../src/errors.ts';
import { authority, type Certificate, withoutOpenssl } from '../../test/support/certificates.ts';
import { certificates } from '../credentials/tls-files.ts';
import { FhirClient, type FhirClientOptions } from './client.ts';

const never = new AbortController().signal;
const PATIENT = { resourceType: 'Patient', id: '1' };

type Behaviour = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A server of one patient, behind whatever `before` does; true means that it has answered. */
async function recordServer(
  t: TestContext,
  before: Behaviour,
  tls?: TlsOptions,
): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    request.resume();
    if (before(request, response) === true) return;
    const found = { resourceType: 'Bundle', type: 'searchset', entry: [{ resource: PATIENT }] };
    response.writeHead(200, { 'content-type': 'application/fhir+json' });
    response.end(JSON.stringify(request.method === 'POST' ? found : PATIENT));
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}/fhir`, seen };
}

/** One by GET, one by POST. */
const read = (options: FhirClientOptions): Promise<unknown> => new FhirClient(options).read('Patient/1', never);
const search = (options: FhirClientOptions): Promise<unknown> =>
  new FhirClient(options).search('Patient', { identifier: 'x' }, never);
const BOTH = [read, search];

test('WR-AUTH-08 a health record that refuses a token is asked once more with another', async (t) => {
  let valid = 'new';
  const { url, seen } = await recordServer(t, (request, response) => {
    if (request.headers.authorization === `Bearer ${valid}`) return false;
    response.writeHead(401).end();
    return true;
  });
  const authorize: FhirClientOptions['authorize'] = async (_signal, refused) => ({
    authorization: refused === undefined ? 'Bearer old' : 'Bearer new',
  });
  for (const ask of BOTH) await ask({ url, authorize });
  assert.deepEqual(
    seen.map((line) => line.split(' ').at(-1)),
    ['old', 'new', 'old', 'new'],
  );
  valid = 'none of them';
  seen.length = 0;
  await assert.rejects(read({ url, authorize }), {
    code: 'health-record-refused',
    retryable: false,
    message: 'The FHIR server answered 401 (read): check its credentials',
  });
  assert.equal(seen.length, 2);
});

test('WR-AUTH-09 a redirect of a read within the server is followed, of anything else and elsewhere never', async (t) => {
  const elsewhere = await recordServer(t, () => false);
  let to = '/moved';
  const { url, seen } = await recordServer(t, ({ url: path }, response) => {
    if (path === '/moved') return false;
    response.writeHead(307, { location: to }).end('<p>moved</p>');
    return true;
  });
  const authorize = async (): Promise<Record<string, string>> => ({ authorization: 'Bearer secret' });
  assert.deepEqual(await read({ url, authorize }), PATIENT);
  assert.deepEqual(
    seen.map((line) => line.split(' ')[1]),
    ['/fhir/Patient/1', '/moved'],
  );
  await assert.rejects(search({ url, authorize }), { code: 'health-record-refused', retryable: false });
  for (const place of [`${elsewhere.url}/Patient/1`, '/fhir/Patient/1', '']) {
    to = place;
    await assert.rejects(read({ url, authorize }), { code: 'health-record-refused', retryable: false });
  }
  assert.deepEqual(elsewhere.seen, []);
});

test('WR-RET-05 a health record that says when to come back is asked again then, also with a transaction', async (t) => {
  let busy = 0;
  const { url } = await recordServer(t, (_, response) => {
    if (busy === 0) return false;
    busy -= 1;
    response.writeHead(busy % 2 === 0 ? 503 : 429, { 'retry-after': '9' }).end();
    return true;
  });
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const transaction = (options: FhirClientOptions): Promise<unknown> =>
    new FhirClient(options).transaction({ resourceType: 'Bundle', type: 'transaction', entry: [] }, never);
  for (const ask of [...BOTH, transaction]) {
    busy = 3;
    await ask({ url, pause });
  }
  assert.deepEqual(pauses, Array(9).fill(9000));
  busy = 4;
  await assert.rejects(read({ url, pause }), {
    code: 'health-record-unreachable',
    retryable: true,
    retryAfterSeconds: 9,
  });
});

test('WR-AUTH-09 an answer without end is cut off', async (t) => {
  const chunk = ' '.repeat(4 * 1024 * 1024);
  const { url } = await recordServer(t, (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
    return true;
  });
  await assert.rejects(read({ url }), { code: 'too-large', retryable: false });
});

test('WR-AUTH-09 whom it believes, and what it shows: certificates of a FHIR server', {
  skip: withoutOpenssl,
}, async (t) => {
  const { ca, caFile, sign, selfSigned } = authority(t);
  const outcome = async (server: Certificate, files: object | undefined, more: object = {}): Promise<string> => {
    const { url, seen } = await recordServer(t, () => false, { key: server.key, cert: server.cert, ...more });
    const tls = files && { tls: certificates(files, 'healthRecord.tls') };
    try {
      await read({ url, ...tls, authorize: async () => ({ authorization: 'Bearer secret' }) });
      return 'answered';
    } catch (error) {
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
  const other = sign('DNS:record.example');
  assert.equal(await outcome(other, { caFile }), 'certificate-refused false tls.serverName');
  assert.equal(await outcome(other, { caFile, serverName: 'record.example' }), 'answered');
  // With TLS 1.3 a client is done before the server has seen that there is no certificate: it may hear the end alone.
  const asks = { ca, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' };
  const { certFile, keyFile } = sign('DNS:wetread');
  assert.equal(await outcome(good, { caFile, certFile, keyFile }, asks), 'answered');
  assert.equal(await outcome(good, { caFile }, asks), 'certificate-refused false tls.certFile');
});
