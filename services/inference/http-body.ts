/** The body of a `POST …/infer`: measured before it is read, read into memory that was set aside. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HEADER_LENGTH } from '../../adapters/open-inference/codec.ts';
import { WetreadError } from '../../src/errors.ts';

/** Parsing more JSON than this holds up the answers to health probes. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
/** Of bodies that hold a few settings. */
const MAX_TEXT_BYTES = 64 * 1024;

export interface Measures {
  readonly length: number;
  /** Undefined: the whole body is JSON. */
  readonly jsonLength: number | undefined;
}

/** Sizes that the headers announce; nothing is read before they are known. @throws WetreadError */
export function measure({ headers }: IncomingMessage): Measures {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new WetreadError('media-type-unsupported', 'Compressed bodies are not supported');
  if (headers['content-length'] === undefined) {
    throw new WetreadError(
      'request-invalid',
      'A Content-Length is needed: memory is set aside before the body is read',
    );
  }
  const length = Number(headers['content-length']);
  const jsonLength = jsonLengthOf(headers[HEADER_LENGTH]);
  if ((jsonLength ?? length) > MAX_JSON_BYTES) {
    throw new WetreadError('too-large', 'The JSON part is too large: send tensors in binary');
  }
  return { length, jsonLength };
}

function jsonLengthOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) {
    throw new WetreadError('request-invalid', 'Inference-Header-Content-Length is not a number');
  }
  return Number(header);
}

/** A small body of another route, as text, announced or in chunks. @throws WetreadError `too-large` */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  await eachChunk(request, (chunk) => {
    length += chunk.byteLength;
    if (length > MAX_TEXT_BYTES) throw new WetreadError('too-large', 'The body is too large');
    chunks.push(chunk);
  });
  return Buffer.concat(chunks).toString('utf8');
}

export async function readBody(request: IncomingMessage, body: Uint8Array): Promise<void> {
  let position = 0;
  await eachChunk(request, (chunk) => {
    body.set(chunk, position);
    position += chunk.byteLength;
  });
}

async function eachChunk(request: IncomingMessage, take: (chunk: Uint8Array) => void): Promise<void> {
  const chunks = (request as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await chunks.next().catch((cause: unknown) => {
      throw gone(cause);
    });
    if (done === true) return;
    take(value);
  }
}

/** Aborted when the connection closes before the answer has left. */
export function whileConnected(response: ServerResponse): AbortSignal {
  const connection = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) connection.abort(gone());
  });
  return connection.signal;
}

function gone(cause?: unknown): WetreadError {
  return new WetreadError('request-invalid', 'The client closed the connection', { cause });
}
