/**
 * Small requests to one DICOMweb server: text in, text out. Nothing is asked for compressed (Orthanc compresses at
 * thirteen times the cost and then drops the connection); redirects lead nowhere but to the same server.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { type Asked, Asking } from '../../src/asking.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Authorize } from '../../src/remote-server.ts';
import { faultOf, requireIdentity, silence } from './faults.ts';

/** How one archive is reached. */
export interface HttpAccess {
  /** DICOMweb root, such as `http://127.0.0.1:8042/dicom-web`. */
  readonly url: string;
  readonly authorize?: Authorize;
  /** Certificates, and the name that the server's certificate bears; asked for at every connection. */
  readonly tls?: () => { readonly secureContext: SecureContext; readonly servername?: string };
  /** Longest silence of the server: until its answer begins, and between two pieces of it; default one minute. */
  readonly silenceMs?: number;
  /** How waits are waited, for tests. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface HttpOptions extends HttpAccess {
  readonly silenceMs: number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const SILENCE_MS = 60_000;

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

/** @throws WetreadError `config-invalid` for a URL that is not HTTP */
export function httpOptions({ url, silenceMs, pause, authorize, tls }: HttpAccess): HttpOptions {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new WetreadError('config-invalid', 'The URL of the archive is not valid');
  return {
    url: url.replace(/\/+$/, ''),
    silenceMs: silenceMs ?? SILENCE_MS,
    pause: pause ?? ((ms, signal) => sleep(ms, undefined, { signal })),
    ...(authorize && { authorize }),
    ...(tls && { tls }),
  };
}

/** Metadata of a series of thousands of images in JSON, and room to spare. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/**
 * @throws WetreadError `archive-unreachable`, `timeout`, `archive-refused`, `certificate-refused`, `too-large`, what the
 * credentials throw, or the reason of the signal
 */
export async function exchange(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const asking = new Asking(askedOf(options), request, signal);
  for (;;) {
    const answer = await send(options, request, asking, signal);
    if (!(await asking.again(answer.status, (name) => fieldOf(answer, name)))) return answer;
  }
}

export function askedOf({ authorize, pause }: HttpOptions): Asked {
  const codes = { refused: 'archive-refused', unreachable: 'archive-unreachable' } as const;
  return { name: 'The archive', ...codes, pause, now: Date.now, ...(authorize && { authorize }) };
}

function fieldOf({ headers }: HttpAnswer, name: string): string | undefined {
  const field = headers[name];
  return Array.isArray(field) ? field[0] : field;
}

async function send(
  options: HttpOptions,
  request: HttpRequest,
  asking: Asking,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const credentials = await asking.credentials();
  if (signal.aborted) throw faultOf(undefined, signal);
  const target = asking.url;
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sending = start(target, {
    ...options.tls?.(),
    method: request.method,
    signal,
    // A kept connection may be closed by the server just as it is used again; one per request never is.
    agent: false,
    headers: {
      ...request.headers,
      ...credentials,
      'accept-encoding': 'identity',
      ...(request.body === undefined ? {} : { 'content-length': request.body.byteLength }),
    },
  });
  let silent: WetreadError | undefined;
  sending.setTimeout(options.silenceMs, () => {
    silent = silence();
    sending.destroy(silent);
  });
  sending.once('response', resolve);
  sending.on('error', reject);
  sending.end(request.body);
  try {
    const response = await promise;
    requireIdentity(response.headers['content-encoding']);
    return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) };
  } catch (cause) {
    sending.destroy();
    // Within an answer the connection that is destroyed ends in an error of its own.
    throw faultOf(silent ?? cause, signal);
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
