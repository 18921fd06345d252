/** Small requests to one worklist server: DICOM JSON in, DICOM JSON out, each with a time limit. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { type Asked, Asking } from '../../src/asking.ts';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import { type Authorize, certificateFault } from '../../src/remote-server.ts';

export interface HttpOptions {
  readonly authorize?: Authorize;
  /** Asked at every connection, for https and wss. */
  readonly tls?: () => { readonly secureContext: SecureContext; readonly servername?: string };
  /** How long an answer may take, to its last byte. */
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly body?: DicomDataSet;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly dataSets: readonly DicomDataSet[];
}

const MEDIA_TYPE = 'application/dicom+json';
/** A page of a worklist, and room to spare. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * @throws WetreadError `worklist-unreachable`, `worklist-refused`, `certificate-refused`, `too-large`, `timeout`, what the
 * credentials throw, or the reason of the signal
 */
export async function exchange(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const asking = new Asking(askedOf(options), request, signal);
  for (;;) {
    const answer = await send(options, request, asking, signal);
    if (!(await asking.again(answer.status, (name) => answer.headers[name]?.toString()))) return answer;
  }
}

/** The worklist server, as it is asked. */
export function askedOf({ authorize }: HttpOptions): Asked {
  return {
    name: 'The worklist server',
    refused: 'worklist-refused',
    unreachable: 'worklist-unreachable',
    pause: (ms, signal) => sleep(ms, undefined, { signal }),
    now: Date.now,
    ...(authorize && { authorize }),
  };
}

async function send(
  options: HttpOptions,
  { method, body }: HttpRequest,
  asking: Asking,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const credentials = await asking.credentials();
  const limit = AbortSignal.timeout(options.timeoutMs);
  const bytes = body && Buffer.from(JSON.stringify([body]));
  const start = asking.url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  try {
    const sending = start(asking.url, {
      ...options.tls?.(),
      method,
      signal: AbortSignal.any([signal, limit]),
      // A kept connection may be closed by the server just as it is used again; one per request never is.
      agent: false,
      headers: {
        accept: MEDIA_TYPE,
        'accept-encoding': 'identity',
        ...credentials,
        ...(bytes && { 'content-type': MEDIA_TYPE }),
        'content-length': bytes?.byteLength ?? 0,
      },
    });
    sending.once('response', resolve);
    sending.on('error', reject);
    sending.end(bytes);
    const response = await promise;
    const { statusCode: status = 0, headers } = response;
    return { status, headers, dataSets: dataSetsOf(await textOf(response)) };
  } catch (cause) {
    throw limit.aborted && !signal.aborted ? tooSlow(cause) : faultOf(cause, signal);
  }
}

/** @param cause what a connection ended with */
export function faultOf(cause: unknown, signal: AbortSignal): WetreadError {
  if (signal.aborted) return WetreadError.from(signal.reason, 'timeout');
  if (cause instanceof WetreadError) return cause;
  const unreachable = new WetreadError('worklist-unreachable', 'The connection to the worklist server failed', {
    cause,
  });
  return certificateFault(cause, 'The worklist server') ?? unreachable;
}

function tooSlow(cause: unknown): WetreadError {
  return new WetreadError('timeout', 'The worklist server took too long', { cause });
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new WetreadError('too-large', 'An answer of the worklist server exceeds the limit');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The data sets of an answer; a text that is no DICOM JSON, such as a page of a proxy, holds none. */
function dataSetsOf(text: string): readonly DicomDataSet[] {
  try {
    const parsed = JSON.parse(text) as unknown;
    const items: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return items.filter((item): item is DicomDataSet => typeof item === 'object' && item !== null);
  } catch {
    return [];
  }
}

/** @throws WetreadError `worklist-refused` for what no retry mends, `worklist-unreachable` for what may pass */
export function requireStatus(status: number, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  const passing = status >= 500 || status === 408 || status === 425 || status === 429;
  throw new WetreadError(
    passing ? 'worklist-unreachable' : 'worklist-refused',
    `The worklist server answered ${status}`,
  );
}
