/**
 * Small requests to one DICOMweb server: text in, text out. Nothing is asked for compressed (Orthanc compresses at
 * thirteen times the cost and then drops the connection); redirects lead nowhere but to the same server.
 */
import { request as httpRequest, type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { WetreadError } from '../../src/errors.ts';

export interface HttpOptions {
  /** DICOMweb root, such as `http://127.0.0.1:8042/dicom-web`. */
  readonly url: string;
  /** Such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest silence of the server: until its answer begins, and between two pieces of it. */
  readonly silenceMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Absolute, below the root. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** @throws WetreadError `config-invalid` for a URL that is not HTTP, or a header that would break out of its line */
export function httpOptions(
  url: string,
  headers: Readonly<Record<string, string>> | undefined,
  silenceMs: number,
): HttpOptions {
  try {
    if (!/^https?:$/.test(new URL(url).protocol)) throw new TypeError('not HTTP');
    for (const [name, value] of Object.entries(headers ?? {})) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch (cause) {
    throw new WetreadError('config-invalid', 'URL or headers of the archive are not valid', { cause });
  }
  return { url: url.replace(/\/+$/, ''), silenceMs, ...(headers && { headers }) };
}

/** Metadata of a series of thousands of images in JSON, and room to spare. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** @throws WetreadError `archive-unreachable`, `timeout`, `archive-refused`, `too-large`, or the reason of the signal */
export async function exchange(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  let url = new URL(request.url);
  for (let redirects = 0; ; redirects += 1) {
    const answer = await send(options, { ...request, url: url.href }, signal);
    if (!isRedirect(answer.status)) return answer;
    if (request.method !== 'GET') throw elsewhere();
    url = redirectTarget(url, answer.headers['location'], redirects);
  }
}

export function isRedirect(status: number): boolean {
  return REDIRECTS.includes(status);
}

/** @throws WetreadError `archive-refused` where it leads to another server, or nowhere */
export function redirectTarget(from: URL, location: unknown, redirects: number): URL {
  if (typeof location !== 'string' || !URL.canParse(location, from.href)) throw elsewhere();
  const to = new URL(location, from);
  if (to.origin !== from.origin || redirects >= MAX_REDIRECTS) throw elsewhere();
  return to;
}

function elsewhere(): WetreadError {
  return new WetreadError(
    'archive-refused',
    'The archive sent a request elsewhere; only the configured server is asked',
  );
}

async function send(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  if (signal.aborted) throw faultOf(undefined, signal);
  const target = new URL(request.url);
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sending = start(target, {
    method: request.method,
    signal,
    // A kept connection may be closed by the server just as it is used again; one per request never is.
    agent: false,
    headers: {
      ...request.headers,
      ...options.headers,
      'accept-encoding': 'identity',
      ...(request.body === undefined ? {} : { 'content-length': request.body.byteLength }),
    },
  });
  sending.setTimeout(options.silenceMs, () => sending.destroy(silence()));
  sending.once('response', resolve);
  sending.on('error', reject);
  sending.end(request.body);
  try {
    const response = await promise;
    requireIdentity(response.headers['content-encoding']);
    return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) };
  } catch (cause) {
    sending.destroy();
    throw faultOf(cause, signal);
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_TEXT_BYTES) throw new WetreadError('too-large', 'An answer of the archive exceeds the limit');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function requireIdentity(contentEncoding: string | undefined): void {
  if (contentEncoding === undefined || contentEncoding === 'identity') return;
  throw new WetreadError('archive-refused', 'The archive compresses its answers though it was asked not to');
}

export function silence(): WetreadError {
  return new WetreadError('timeout', 'The archive said nothing for too long');
}

export function faultOf(cause: unknown, signal: AbortSignal): WetreadError {
  if (signal.aborted) return WetreadError.from(signal.reason, 'timeout');
  if (cause instanceof WetreadError) return cause;
  return new WetreadError('archive-unreachable', 'The connection to the archive failed', { cause });
}

/** Throws where a status says that there is no answer to read. 4xx is for good, the rest may pass. */
export function requireStatus(status: number, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  const passing = status >= 500 || status === 408 || status === 425 || status === 429;
  throw new WetreadError(passing ? 'archive-unreachable' : 'archive-refused', `The archive answered ${status}`);
}
