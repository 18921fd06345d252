/**
 * A small OAuth 2.0 authorization server with one grant, client credentials (RFC 6749 4.4): clients prove themselves with
 * HTTP Basic (2.3.1) or with an assertion signed by RS384 or ES384 (RFC 7523; SMART Backend Services), checked by `jose`.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { type CryptoKey, jwtVerify } from 'jose';

export interface TokenServer {
  readonly url: string;
  /** Tokens that it has given, oldest first. */
  readonly given: string[];
  /** Tokens that it has given and still stands by; a server that checks tokens asks here. */
  readonly valid: Set<string>;
  /** Fields of the request of each token, oldest first; proofs included. */
  readonly forms: URLSearchParams[];
  /** Answers in its place, where it does. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined;
}

export interface TokenServerOptions {
  readonly clientId: string;
  readonly secret?: string;
  readonly publicKey?: CryptoKey;
  /** `expires_in`; left out of the answer where it is not given. */
  readonly lifeSeconds?: number;
  readonly tls?: TlsOptions;
}

/** SMART: an assertion holds no longer than this. */
const LONGEST_ASSERTION_SECONDS = 300;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export async function startTokenServer(t: TestContext, options: TokenServerOptions): Promise<TokenServer> {
  const { tls } = options;
  const used = new Set<string>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    if (state.intercept?.(request, response) !== undefined) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    state.forms.push(form);
    const error = await objection(request, form, { ...options, url: state.url, used });
    const say = (status: number, body: object): unknown =>
      response
        .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        .end(JSON.stringify(body));
    if (error !== undefined) return say(error === 'invalid_client' ? 401 : 400, { error, error_description: 'secret' });
    const token = randomUUID();
    state.given.push(token);
    state.valid.add(token);
    const { lifeSeconds } = options;
    return say(200, {
      access_token: token,
      token_type: 'Bearer',
      ...(lifeSeconds !== undefined && { expires_in: lifeSeconds }),
    });
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response);
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/token`;
  const state: TokenServer = { url, given: [], valid: new Set(), forms: [], intercept: undefined };
  return state;
}

type Known = TokenServerOptions & { readonly url: string; readonly used: Set<string> };

/** The error of RFC 6749 5.2, or undefined where a token is due. */
async function objection(request: IncomingMessage, form: URLSearchParams, known: Known): Promise<string | undefined> {
  if (request.method !== 'POST' || request.url !== '/token') return 'invalid_request';
  if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') return 'invalid_request';
  if (form.get('grant_type') !== 'client_credentials') return 'unsupported_grant_type';
  if (form.get('scope') === 'forbidden') return 'invalid_scope';
  const proven = form.has('client_assertion') ? await isSigned(form, known) : hasSecret(request, known);
  return proven ? undefined : 'invalid_client';
}

function hasSecret({ headers }: IncomingMessage, { clientId, secret }: Known): boolean {
  const [, encoded = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? [];
  const halves = Buffer.from(encoded, 'base64').toString().split(':');
  const [id, given] = halves.map((half) => decodeURIComponent(half.replaceAll('+', ' ')));
  return halves.length === 2 && id === clientId && secret !== undefined && given === secret;
}

async function isSigned(form: URLSearchParams, { clientId, publicKey, url, used }: Known): Promise<boolean> {
  if (publicKey === undefined || form.get('client_assertion_type') !== ASSERTION_TYPE) return false;
  try {
    const { payload, protectedHeader } = await jwtVerify(form.get('client_assertion') ?? '', publicKey, {
      issuer: clientId,
      subject: clientId,
      audience: url,
      algorithms: ['RS384', 'ES384'],
      typ: 'JWT',
      requiredClaims: ['exp', 'jti'],
    });
    const isShort = payload.exp! - Date.now() / 1000 <= LONGEST_ASSERTION_SECONDS;
    const isNew = !used.has(payload.jti!);
    used.add(payload.jti!);
    return isShort && isNew && protectedHeader.kid === 'key-1';
  } catch {
    return false;
  }
}
