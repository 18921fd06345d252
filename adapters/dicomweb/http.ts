/**
 * HTTP to one DICOMweb server. The body of an answer is a stream; nothing is asked for compressed (Orthanc compresses
 * pixels at thirteen times the cost and then drops the connection); redirects lead nowhere but to the same server.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { WetreadError } from '../../src/errors.ts';

export interface HttpOptions {
  /** DICOMweb root, such as `http://127.0.0.1:8042/dicom-web`. */
  readonly url: string;
  /** Such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest silence of the server: until its answer begins, and between two chunks of it. */
  readonly silenceMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Absolute, below the root. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read to its end or left by `break`; throws like {@link exchange}. */
  readonly body: AsyncIterable<Uint8Array>;
}

const MAX_REDIRECTS = 3;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** @throws WetreadError `archive-unreachable`, `timeout`, `archive-refused`, or the reason of the signal */
export async function exchange(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  let url = new URL(request.url);
  for (let redirects = 0; ; redirects += 1) {
    const response = await send(options, { ...request, url: url.href }, signal);
    const status = response.statusCode ?? 0;
    if (!REDIRECTS.includes(status)) return opened(options, response, status, signal);
    response.destroy();
    url = redirectOf(request, url, response.headers.location, redirects);
  }
}

function redirectOf(request: HttpRequest, from: URL, location: string | undefined, redirects: number): URL {
  const to = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || to.origin !== from.origin || request.method !== 'GET' || redirects >= MAX_REDIRECTS) {
    throw new WetreadError(
      'archive-refused',
      'The archive sent a request elsewhere; only the configured server is asked',
    );
  }
  return to;
}

async function send(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  if (signal.aborted) throw faultOf(signal.reason, signal);
  const target = new URL(request.url);
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sending: ClientRequest = start(target, {
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
  sending.once('response', resolve);
  sending.on('error', reject);
  sending.end(request.body);
  try {
    return await withinSilence(promise, options.silenceMs, sending);
  } catch (cause) {
    throw faultOf(cause, signal);
  }
}

function opened(
  { silenceMs }: HttpOptions,
  response: IncomingMessage,
  status: number,
  signal: AbortSignal,
): HttpResponse {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    response.destroy();
    throw new WetreadError('archive-refused', 'The archive compresses its answers though it was asked not to');
  }
  return { status, headers: response.headers, body: chunksOf(response, silenceMs, signal) };
}

/** Silence counts only while a chunk is awaited: a reader that takes its time is not the server's fault. */
async function* chunksOf(
  response: IncomingMessage,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = (response as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await withinSilence(chunks.next(), silenceMs, response);
      if (done === true) return;
      yield value;
    }
  } catch (cause) {
    throw faultOf(cause, signal);
  } finally {
    response.destroy();
  }
}

async function withinSilence<T>(
  answer: Promise<T>,
  silenceMs: number,
  connection: { destroy(error: Error): void },
): Promise<T> {
  const timer = setTimeout(
    () => connection.destroy(new WetreadError('timeout', 'The archive said nothing for too long')),
    silenceMs,
  );
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

function faultOf(cause: unknown, signal: AbortSignal): WetreadError {
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

/** @throws WetreadError `too-large` */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new WetreadError('too-large', 'An answer of the archive exceeds the limit');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
