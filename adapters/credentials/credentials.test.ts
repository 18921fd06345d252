import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { importSPKI } from 'jose';
import { WetreadError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';
import { authority, withoutOpenssl } from '../../test/support/certificates.ts';
import { startTokenServer, type TokenServer } from '../../test/support/token-server.ts';
import { AccessTokens } from './access-tokens.ts';
import { type CredentialOptions, openCredentials } from './credentials.ts';
import { certificates } from './tls-files.ts';

const never = new AbortController().signal;
const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
const SECRET = 'p:ä ss+wörd%';

function fileIn(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-secret-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, content);
  return path;
}

const open = (options: CredentialOptions): ReturnType<typeof openCredentials> =>
  openCredentials(options, 'archive.credentials', clock);

async function withSecret(
  t: TestContext,
  more: object = {},
): Promise<{ server: TokenServer; options: CredentialOptions }> {
  const server = await startTokenServer(t, { clientId: 'wetread', secret: SECRET, lifeSeconds: 300, ...more });
  const secretFile = fileIn(t, SECRET);
  return { server, options: { kind: 'oauth2', tokenUrl: server.url, clientId: 'wetread', secretFile } };
}

test('WR-AUTH-01 a bearer token and a password come from their files, anew for every request', async (t) => {
  const tokenFile = fileIn(t, 'token-1\n');
  const bearer = await open({ kind: 'bearer', tokenFile });
  assert.deepEqual(await bearer(never), { authorization: 'Bearer token-1' });
  writeFileSync(tokenFile, 'token-2');
  assert.deepEqual(await bearer(never), { authorization: 'Bearer token-2' });
  const basic = await open({ kind: 'basic', user: 'wetread', passwordFile: fileIn(t, SECRET) });
  const { authorization = '' } = await basic(never);
  assert.equal(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString(), `wetread:${SECRET}`);
});

test('WR-AUTH-01 a file that cannot be used is told at the start, with its key and without its content', async (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const oauth2 = { kind: 'oauth2', tokenUrl: 'https://id.example/token', clientId: 'wetread' } as const;
  const mistakes: readonly [CredentialOptions, RegExp][] = [
    [{ kind: 'bearer', tokenFile: '/nowhere' }, /archive\.credentials\.tokenFile: the file cannot be read/],
    [{ kind: 'bearer', tokenFile: fileIn(t, '\n') }, /tokenFile: the file is empty/],
    [{ kind: 'bearer', tokenFile: fileIn(t, 'a\r\nhost: elsewhere') }, /tokenFile: the file holds no bearer token/],
    [{ kind: 'basic', user: 'a:b', passwordFile: fileIn(t, 'x') }, /credentials\.user/],
    [{ kind: 'bearer' }, /archive\.credentials of kind bearer needs tokenFile/],
    [{ kind: 'basic', user: 'a' }, /archive\.credentials of kind basic needs passwordFile/],
    [{ kind: 'oauth2' }, /archive\.credentials of kind oauth2 needs tokenUrl/],
    [{ ...oauth2 }, /needs either secretFile or privateKeyFile/],
    [{ ...oauth2, secretFile: '/nowhere' }, /credentials\.secretFile/],
    [{ ...oauth2, tokenUrl: 'nowhere', secretFile: fileIn(t, 'x') }, /credentials\.tokenUrl/],
    [{ ...oauth2, privateKeyFile: fileIn(t, SECRET) }, /credentials\.privateKeyFile/],
    [{ ...oauth2, privateKeyFile: fileIn(t, String(ec)) }, /credentials\.privateKeyFile/],
    [{ ...oauth2, secretFile: fileIn(t, 'x'), tls: { caFile: '/nowhere' } }, /credentials\.tls\.caFile/],
  ];
  for (const [options, message] of mistakes) {
    await assert.rejects(open(options), (error: WetreadError) => {
      assert.equal(error.code, 'config-invalid');
      assert.match(error.message, message);
      assert.ok(!error.message.includes('elsewhere') && !error.message.includes(SECRET));
      return true;
    });
  }
});

test('WR-AUTH-02 client credentials with a secret: one token serves everybody until it ends', async (t) => {
  const { server, options } = await withSecret(t);
  const authorize = await open({
    ...options,
    scope: 'system/*.rs',
    resource: 'https://pacs.example',
  });
  const all = await Promise.all(Array.from({ length: 20 }, () => authorize(never)));
  assert.deepEqual(new Set(all.map(({ authorization }) => authorization)), new Set([`Bearer ${server.given[0]}`]));
  assert.equal(server.given.length, 1);
  assert.deepEqual(Object.fromEntries(server.forms[0]!), {
    grant_type: 'client_credentials',
    scope: 'system/*.rs',
    resource: 'https://pacs.example',
  });
});

test('WR-AUTH-02 a token that was refused is replaced once, however many requests it was refused to', async (t) => {
  const { server, options } = await withSecret(t);
  const authorize = await open(options);
  const first = await authorize(never);
  const again = await Promise.all(Array.from({ length: 10 }, () => authorize(never, first)));
  assert.equal(server.given.length, 2);
  for (const fields of again) assert.deepEqual(fields, { authorization: `Bearer ${server.given[1]}` });
  assert.deepEqual(await authorize(never, first), again[0]);
  assert.equal(server.given.length, 2);
});

for (const kind of ['rsa', 'ec'] as const) {
  test(`WR-AUTH-03 client credentials with a signed assertion, as SMART backend services: ${kind}`, async (t) => {
    const pair =
      kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const spki = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const publicKey = await importSPKI(spki, kind === 'rsa' ? 'RS384' : 'ES384');
    const server = await startTokenServer(t, { clientId: 'wetread', publicKey });
    const privateKeyFile = fileIn(t, String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })));
    const options = { kind: 'oauth2', tokenUrl: server.url, clientId: 'wetread', privateKeyFile } as const;
    const authorize = await open({ ...options, keyId: 'key-1' });
    const first = await authorize(never);
    assert.deepEqual(first, { authorization: `Bearer ${server.given[0]}` });
    // The server takes no assertion twice.
    assert.notDeepEqual(await authorize(never, first), first);
    const unknown = await open({ ...options, keyId: 'key-2' });
    await assert.rejects(unknown(never), {
      code: 'authorization-refused',
      message: 'The authorization server answered 401 (invalid_client)',
    });
  });
}

/** A clock that is set by hand, and tokens that are counted. */
function tokensAt(lifeSeconds: number): {
  now: { ms: number };
  fetched: number[];
  tokens: AccessTokens;
  fail: { on: boolean };
} {
  const [now, fetched, fail] = [{ ms: 0 }, [] as number[], { on: false }];
  const fetch = async (): Promise<{ token: string; expiresInSeconds: number }> => {
    fetched.push(now.ms);
    if (fail.on) throw new WetreadError('authorization-unreachable', 'away');
    return { token: `token-${fetched.length}`, expiresInSeconds: lifeSeconds };
  };
  return { now, fetched, fail, tokens: new AccessTokens(fetch, { monotonicMs: () => now.ms }) };
}

test('WR-AUTH-04 a token is renewed before it ends; one in use is used on while the server is away', async () => {
  const { now, fetched, fail, tokens } = tokensAt(300);
  assert.equal(await tokens.token(never), 'token-1');
  now.ms = 239_999;
  assert.equal(await tokens.token(never), 'token-1');
  fail.on = true;
  now.ms = 250_000;
  assert.equal(await tokens.token(never), 'token-1');
  now.ms = 300_000;
  await assert.rejects(tokens.token(never), { code: 'authorization-unreachable', retryable: true });
  fail.on = false;
  assert.equal(await tokens.token(never), 'token-4');
  assert.deepEqual(fetched, [0, 250_000, 300_000, 300_000]);
});

test('WR-AUTH-04 a token of a short life is renewed after four fifths of it', async () => {
  const { now, fetched, tokens } = tokensAt(10);
  await tokens.token(never);
  now.ms = 7_999;
  await tokens.token(never);
  now.ms = 8_000;
  await tokens.token(never);
  assert.deepEqual(fetched, [0, 8_000]);
});

test('WR-AUTH-04 a request that is given up takes the token from no other', async () => {
  const { promise, resolve } = Promise.withResolvers<{ token: string; expiresInSeconds: number }>();
  const tokens = new AccessTokens(() => promise, { monotonicMs: () => 0 });
  const abort = new AbortController();
  const givenUp = tokens.token(abort.signal);
  const waiting = tokens.token(never);
  abort.abort(new WetreadError('lease-lost', 'taken over'));
  await assert.rejects(givenUp, { code: 'lease-lost' });
  resolve({ token: 'token', expiresInSeconds: 300 });
  assert.equal(await waiting, 'token');
});

test('WR-AUTH-05 what an authorization server may answer: refused for good, or to be tried again; nothing of it is repeated', async (t) => {
  const { server, options } = await withSecret(t);
  const json = (status: number, body: unknown): typeof server.intercept => {
    const content = typeof body === 'string' ? body : JSON.stringify(body);
    return (_, response) => response.writeHead(status, { location: 'http://127.0.0.1:9/' }).end(content);
  };
  for (const [status, body, code] of [
    [500, {}, 'authorization-unreachable'],
    [429, {}, 'authorization-unreachable'],
    [400, { error: SECRET }, 'authorization-refused'],
    [307, {}, 'authorization-refused'],
    [200, `<html>${SECRET}`, 'authorization-refused'],
    [200, { access_token: 'x' }, 'authorization-refused'],
    [200, { access_token: 'x', token_type: 'mac' }, 'authorization-refused'],
    [200, { access_token: `x\r\n${SECRET}`, token_type: 'Bearer' }, 'authorization-refused'],
    [200, { access_token: 'x', token_type: 'Bearer', expires_in: 'soon' }, 'authorization-refused'],
    [200, 'x'.repeat(100_000), 'authorization-refused'],
  ] as const) {
    server.intercept = json(status, body);
    const authorize = await open(options);
    await assert.rejects(authorize(never), (error: WetreadError) => {
      assert.equal(error.code, code, String(status));
      assert.ok(!error.message.includes(SECRET));
      return true;
    });
  }
  server.intercept = (request) => request.socket.destroy();
  await assert.rejects((await open(options))(never), { code: 'authorization-unreachable', retryable: true });
  server.intercept = undefined;
  const wrong = await open({ ...options, secretFile: fileIn(t, 'wrong') });
  await assert.rejects(wrong(never), { code: 'authorization-refused', retryable: false });
});

test('WR-AUTH-06 an authorization server of a private authority, which asks for our certificate', {
  skip: withoutOpenssl,
}, async (t) => {
  const { ca, caFile, sign } = authority(t);
  const [theirs, ours] = [sign('IP:127.0.0.1'), sign('DNS:wetread')];
  const tls = { key: theirs.key, cert: theirs.cert, ca, requestCert: true, rejectUnauthorized: true };
  const { server, options } = await withSecret(t, { tls });
  const withTls = async (files: object): Promise<unknown> => (await open({ ...options, tls: files }))(never);
  assert.ok(await withTls({ caFile, certFile: ours.certFile, keyFile: ours.keyFile }));
  assert.equal(server.given.length, 1);
  await assert.rejects(withTls({ caFile }), { code: 'certificate-refused', message: /tls\.certFile/ });
  await assert.rejects(withTls({}), { code: 'certificate-refused', message: /tls\.caFile/ });
});

test('WR-AUTH-06 certificates that cannot be used are told at the start, with their key; replaced ones are taken up', {
  skip: withoutOpenssl,
}, (t) => {
  const { caFile, sign } = authority(t);
  const [one, other] = [sign('DNS:a'), sign('DNS:b')];
  for (const [files, message] of [
    [{ caFile: fileIn(t, 'nothing') }, /archive\.tls\.caFile: no certificate in PEM/],
    [{ caFile: '/nowhere' }, /archive\.tls\.caFile: the file cannot be read/],
    [{ certFile: one.certFile }, /archive\.tls needs certFile and keyFile/],
    [{ certFile: one.certFile, keyFile: other.keyFile }, /archive\.tls\.certFile/],
  ] as const) {
    assert.throws(() => certificates(files, 'archive.tls'), { code: 'config-invalid', message });
  }
  const copy = fileIn(t, String(one.cert));
  const access = certificates({ caFile: copy, serverName: 'pacs' }, 'archive.tls');
  const before = access();
  assert.equal(before.servername, 'pacs');
  assert.equal(access().secureContext, before.secureContext);
  rmSync(copy);
  assert.throws(access, { code: 'config-invalid' });
  writeFileSync(copy, String(sign('DNS:c').cert));
  assert.notEqual(access().secureContext, before.secureContext);
  assert.ok(certificates({ caFile }, 'archive.tls')());
});
