/** Requests to a server of the Open Inference Protocol over HTTP: sent view by view, read into shared memory, never joined. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { type Asked, Asking } from '../../src/asking.ts';
import { ERROR_CODES, type ErrorCode, WetreadError } from '../../src/errors.ts';
import { type Authorize, certificateFault, type HeaderFields } from '../../src/remote-server.ts';
import { contentLength, type EncodedMessage } from './codec.ts';

/** How a server is reached. */
export interface ServerAccess {
  /** Address of the server, such as `http://127.0.0.1:8000`; `/v2/…` is appended. */
  readonly url: string;
  /** From the first byte sent to the last received: the run, the wait for its turn and waits that the server asks for. */
  readonly timeoutMs: number;
  readonly authorize?: Authorize;
  /** Certificates, and the name that the server's certificate bears; asked for at every connection. */
  readonly tls?: () => { readonly secureContext: SecureContext; readonly servername?: string };
  /** Default 2 GiB. */
  readonly maxResponseBytes?: number;
  /** How waits are waited, for tests. */
  readonly pause?: Asked['pause'];
}

export interface HttpMessage {
  readonly method: 'GET' | 'POST';
  /** Below the address of the server. */
  readonly path: string;
  readonly headers: HeaderFields;
  readonly body?: EncodedMessage;
}

export interface HttpAnswer {
  readonly headers: IncomingMessage['headers'];
  /** In shared memory: labels go to worker threads without another copy. */
  readonly body: Uint8Array;
}

const DEFAULT_MAX_RESPONSE_BYTES = 2 ** 31;
/** An error body says one sentence; more is not read. */
const MAX_ERROR_BYTES = 64 * 1024;

export class HttpServer {
  readonly #access: ServerAccess;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(access: ServerAccess) {
    this.#access = access;
    const secure = new URL(access.url).protocol === 'https:';
    this.#agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }

  /** Closes connections that are kept. */
  close(): void {
    this.#agent.destroy();
  }

  /**
   * The answer of status 200; asked again where the server says when to come back.
   * @throws WetreadError `overloaded`, `inference-unreachable`, `inference-failed`, `certificate-refused`, what the
   * credentials throw, or the reason of the signal
   */
  async ask(message: HttpMessage, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, maxResponseBytes: limit = DEFAULT_MAX_RESPONSE_BYTES } = this.#access;
    const { method, path } = message;
    const asking = new Asking(askedOf(this.#access), { method, url: url.replace(/\/+$/, '') + path }, signal);
    for (;;) {
      const response = await this.#send(asking.url, message, await asking.credentials(), signal);
      const { statusCode: status = 0, headers } = response;
      if (status === 200) return { headers, body: await readBody(response, limit) };
      const refused = await refusal(response, status);
      const field = (name: string): string | undefined => [headers[name]].flat()[0];
      if (!(await asking.again(status, field))) throw refused;
    }
  }

  async #send(
    target: URL,
    { method, headers, body }: HttpMessage,
    credentials: HeaderFields,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const sending = send(target, {
      ...this.#access.tls?.(),
      method,
      agent: this.#agent,
      signal,
      headers: {
        ...headers,
        ...credentials,
        ...body?.headers,
        ...(body === undefined ? {} : { 'content-length': contentLength(body) }),
        'accept-encoding': 'identity',
      },
    });
    sending.setNoDelay(true);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sending.once('response', resolve);
    sending.on('error', reject);
    writeAll(sending, body?.chunks ?? []).catch(reject);
    return promise;
  }
}

/** `overloaded` where it keeps saying that it is busy: the server is there. */
export function askedOf({ authorize, pause }: Pick<ServerAccess, 'authorize' | 'pause'>): Asked {
  return {
    name: 'The inference service',
    refused: 'inference-failed',
    unreachable: 'overloaded',
    pause: pause ?? ((ms, signal) => sleep(ms, undefined, { signal })),
    now: Date.now,
    ...(authorize && { authorize }),
  };
}

/** A fault below the protocol, as far as it is none yet. @param timeout the limit of the request */
export function connectionFault(cause: unknown, signal: AbortSignal, timeout: AbortSignal): WetreadError {
  if (signal.aborted) return WetreadError.from(signal.reason, 'timeout');
  if (timeout.aborted)
    return new WetreadError('timeout', 'The inference service took longer than its limit', { cause });
  if (cause instanceof WetreadError) return cause;
  return (
    certificateFault(cause, 'The inference service') ??
    new WetreadError('inference-unreachable', 'The connection to the inference service failed', { cause })
  );
}

/** One view after the other, each when the one before has left: a view may be larger than any buffer between. */
async function writeAll(sending: ClientRequest, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    if (sending.destroyed) return;
    await new Promise<void>((resolve) => sending.write(chunk, () => resolve()));
  }
  sending.end();
}

async function refusal(response: IncomingMessage, status: number): Promise<WetreadError> {
  const body = await readBody(response, MAX_ERROR_BYTES).catch(() => new Uint8Array());
  return new WetreadError(codeOf(status), `The inference service answered ${status}: ${sentenceOf(body)}`);
}

/** Busy and absent servers are tried again; a request that a server understood and refused is not. */
function codeOf(status: number): ErrorCode {
  if (status === 429 || status === ERROR_CODES.overloaded.httpStatus) return 'overloaded';
  return status === 408 || status === 502 || status === 504 ? 'inference-unreachable' : 'inference-failed';
}

function sentenceOf(body: Uint8Array): string {
  try {
    const { error } = JSON.parse(textOf(body)) as { error?: unknown };
    return typeof error === 'string' ? error.slice(0, 300) : 'no reason given';
  } catch {
    return 'no reason given';
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

async function readBody(response: IncomingMessage, limit: number): Promise<Uint8Array> {
  const announced = response.headers['content-length'];
  if (announced === undefined) return readUnannounced(response, limit);
  const length = Number(announced);
  if (length > limit) {
    response.destroy();
    throw tooLarge(limit);
  }
  const body = new Uint8Array(new SharedArrayBuffer(length));
  let position = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    body.set(chunk, position);
    position += chunk.byteLength;
  }
  return body;
}

async function readUnannounced(response: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const body = new Uint8Array(new SharedArrayBuffer(length));
  let position = 0;
  for (const chunk of chunks) {
    body.set(chunk, position);
    position += chunk.byteLength;
  }
  return body;
}

function tooLarge(limit: number): WetreadError {
  return new WetreadError('inference-failed', `The inference service answered with more than ${limit} bytes`);
}
