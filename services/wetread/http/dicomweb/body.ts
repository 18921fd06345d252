/** Bodies of answers as streams: back-pressure comes from the client, and a client that leaves ends the work. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import {
  closingDelimiter,
  multipartContentType,
  newBoundary,
  PART_END,
  partHead,
} from '../../../../adapters/dicomweb/multipart.ts';
import type { DirectoryArchive } from '../../../../adapters/directory/archive.ts';
import type { StoredInstance } from '../../../../adapters/directory/instance.ts';
import { WetreadError } from '../../../../src/errors.ts';

/** Larger files are read in pieces of {@link PIECE_BYTES}; smaller ones at once, which is faster. */
const AT_ONCE_BYTES = 4 * 2 ** 20;
const PIECE_BYTES = 2 ** 20;

type Bytes = AsyncIterable<Uint8Array>;

/** Status and headers are set by the caller, who must find every error that deserves a status before. */
export async function sendStream(response: Response, body: Bytes): Promise<void> {
  if (response.req.method === 'HEAD') return void response.end();
  await pipeline(Readable.from(body, { objectMode: false, highWaterMark: PIECE_BYTES }), response);
}

/** A JSON array, item by item. */
export async function* jsonArray<T>(items: AsyncIterable<T>, change: (item: T) => unknown): AsyncGenerator<Buffer> {
  let separator = '[';
  for await (const item of items) {
    yield Buffer.from(separator + JSON.stringify(change(item)));
    separator = ',';
  }
  yield Buffer.from(separator === '[' ? '[]' : ']');
}

export interface OutgoingPart {
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Bytes | Iterable<Uint8Array>;
}

export async function sendMultipart(
  response: Response,
  type: string,
  parts: AsyncIterable<OutgoingPart> | Iterable<OutgoingPart>,
): Promise<void> {
  const boundary = newBoundary();
  response.set('Content-Type', multipartContentType(type, boundary));
  await sendStream(response, multipartBody(boundary, parts));
}

async function* multipartBody(
  boundary: string,
  parts: AsyncIterable<OutgoingPart> | Iterable<OutgoingPart>,
): AsyncGenerator<Uint8Array> {
  for await (const { headers, body } of parts) {
    yield partHead(boundary, headers);
    yield* body;
    yield PART_END;
  }
  yield closingDelimiter(boundary);
}

/** The file of an instance. @throws WetreadError `archive-truncated` where it is not what the index says. */
export async function* instanceBytes(archive: DirectoryArchive, instance: StoredInstance): AsyncGenerator<Uint8Array> {
  if (instance.bytes <= AT_ONCE_BYTES) {
    yield await archive.readInstance(instance);
    return;
  }
  let bytes = 0;
  for await (const piece of createReadStream(instance.path, { highWaterMark: PIECE_BYTES })) {
    bytes += (piece as Buffer).length;
    yield piece as Buffer;
  }
  if (bytes !== instance.bytes)
    throw new WetreadError('archive-truncated', 'The file of an instance has changed its size');
}
