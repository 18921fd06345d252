/**
 * multipart/related as DICOMweb uses it (PS3.18 section 8.6, RFC 2046 section 5.1, RFC 2387), read and written as a
 * stream: no more than one chunk and one header block is ever held, whatever the size of the body.
 *
 * The reader is a plain state machine, fed with chunks and answering with events, so that the caller keeps control of
 * back-pressure. Body bytes are views of the caller's chunks.
 */
import { randomUUID } from 'node:crypto';
import { WetreadError } from '../../src/errors.ts';
import { parseMediaType } from './media-type.ts';

export interface MultipartLimits {
  readonly maxParts: number;
  readonly maxPartBytes: number;
  /** Bytes of one part's header block, and of a preamble. */
  readonly maxHeaderBytes: number;
}

export const DEFAULT_MULTIPART_LIMITS: MultipartLimits = {
  maxParts: 20_000,
  maxPartBytes: 2 ** 31,
  maxHeaderBytes: 16_384,
};

/** Header fields of a part, names in lower case. */
export type PartHeaders = ReadonlyMap<string, string>;

export type MultipartEvent =
  | { readonly kind: 'part'; readonly headers: PartHeaders }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'end-of-part' };

type Events<Result> = Generator<MultipartEvent, Result, undefined>;

/** Whether the machine can go on with the bytes that it has. */
type Step = 'again' | 'needs-bytes';

const CRLF = Buffer.from('\r\n');
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const [DASH, SPACE, TAB] = [0x2d, 0x20, 0x09] as const;

export class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #limits: MultipartLimits;
  /** Starts as a line break, so that a delimiter on the very first line is found like every other one. */
  #pending: Buffer = CRLF;
  #state: 'preamble' | 'after-delimiter' | 'headers' | 'counted-body' | 'searched-body' | 'epilogue' = 'preamble';
  /** What a delimiter ends. */
  #before: 'preamble' | 'counted-body' | 'searched-body' = 'preamble';
  /** Bytes of a counted body still to come. */
  #remaining = 0;
  /** Bytes of the current part, or of the preamble. */
  #seen = 0;
  #parts = 0;

  /** @param boundary as {@link multipartBoundary} gives it. */
  constructor(boundary: string, limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
    this.#limits = limits;
  }

  /**
   * Takes the next chunk of the body.
   * @throws WetreadError `request-invalid` for broken syntax, `too-large` beyond a limit.
   */
  *feed(chunk: Uint8Array): Events<void> {
    if (this.#state === 'epilogue') return;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    while ((yield* this.#step()) === 'again');
  }

  /** To be called after the last chunk. @throws WetreadError `archive-truncated` where the closing delimiter is missing. */
  finish(): void {
    if (this.#state !== 'epilogue') throw new WetreadError('archive-truncated', 'A multipart body ends too early');
  }

  *#step(): Events<Step> {
    switch (this.#state) {
      case 'preamble':
        return this.#preamble();
      case 'after-delimiter':
        return yield* this.#afterDelimiter();
      case 'headers':
        return yield* this.#headers();
      case 'counted-body':
        return yield* this.#countedBody();
      case 'searched-body':
        return yield* this.#searchedBody();
      case 'epilogue':
        return 'needs-bytes';
    }
  }

  #preamble(): Step {
    const at = this.#pending.indexOf(this.#delimiter);
    const skipped = at < 0 ? this.#undecidedFrom() : at;
    this.#seen += skipped;
    if (this.#seen > this.#limits.maxHeaderBytes) throw new WetreadError('request-invalid', 'No boundary is found');
    this.#take(skipped);
    if (at < 0) return 'needs-bytes';
    this.#state = 'after-delimiter';
    return 'again';
  }

  /**
   * RFC 2046: a boundary is followed by `--` (the last one) or by padding and a line break; anything else only looks
   * like a delimiter and belongs to the body.
   */
  *#afterDelimiter(): Events<Step> {
    const bytes = this.#pending;
    let at = this.#delimiter.length;
    if (bytes.length < at + 2) return 'needs-bytes';
    const last = bytes[at] === DASH && bytes[at + 1] === DASH;
    while (!last && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    if (at > this.#delimiter.length + this.#limits.maxHeaderBytes) {
      throw new WetreadError('too-large', 'A boundary line exceeds the limit');
    }
    if (bytes.length < at + 2) return 'needs-bytes';
    if (!last && !bytes.subarray(at, at + 2).equals(CRLF)) return yield* this.#notADelimiter();
    if (this.#before === 'searched-body') yield { kind: 'end-of-part' };
    // The line break stays: with it even an empty header block ends in an empty line.
    this.#take(at);
    this.#state = last ? 'epilogue' : 'headers';
    return 'again';
  }

  *#notADelimiter(): Events<Step> {
    if (this.#before === 'counted-body') {
      throw new WetreadError('request-invalid', 'A part is longer than its Content-Length');
    }
    if (this.#before === 'searched-body') yield* this.#emit(CRLF.length);
    else this.#take(CRLF.length);
    this.#state = this.#before;
    return 'again';
  }

  *#headers(): Events<Step> {
    const end = this.#pending.indexOf(END_OF_HEADERS);
    if ((end < 0 ? this.#pending.length : end) > this.#limits.maxHeaderBytes) {
      throw new WetreadError('too-large', 'The headers of a part exceed the limit');
    }
    if (end < 0) return 'needs-bytes';
    const headers = parseHeaders(this.#pending.toString('latin1', 0, end));
    this.#take(end + END_OF_HEADERS.length);
    if (++this.#parts > this.#limits.maxParts) throw new WetreadError('too-large', 'A body has too many parts');
    const length = contentLength(headers);
    if ((length ?? 0) > this.#limits.maxPartBytes) throw new WetreadError('too-large', 'A part exceeds the limit');
    this.#seen = 0;
    this.#remaining = length ?? 0;
    this.#before = length === undefined ? 'searched-body' : 'counted-body';
    this.#state = this.#before;
    yield { kind: 'part', headers };
    return 'again';
  }

  *#countedBody(): Events<Step> {
    const length = Math.min(this.#remaining, this.#pending.length);
    this.#remaining -= length;
    yield* this.#emit(length);
    if (this.#remaining > 0 || this.#pending.length < this.#delimiter.length) return 'needs-bytes';
    if (!this.#pending.subarray(0, this.#delimiter.length).equals(this.#delimiter)) return yield* this.#notADelimiter();
    this.#state = 'after-delimiter';
    yield { kind: 'end-of-part' };
    return 'again';
  }

  *#searchedBody(): Events<Step> {
    const at = this.#pending.indexOf(this.#delimiter);
    yield* this.#emit(at < 0 ? this.#undecidedFrom() : at);
    if (at < 0) return 'needs-bytes';
    this.#state = 'after-delimiter';
    return 'again';
  }

  /** Where a delimiter may begin that only the next chunk completes; what lies before is decided and never searched again. */
  #undecidedFrom(): number {
    const bytes = this.#pending;
    let at = Math.max(0, bytes.length - this.#delimiter.length + 1);
    while (at < bytes.length && !bytes.subarray(at).equals(this.#delimiter.subarray(0, bytes.length - at))) at++;
    return at;
  }

  *#emit(length: number): Events<void> {
    if (length === 0) return;
    this.#seen += length;
    if (this.#seen > this.#limits.maxPartBytes) throw new WetreadError('too-large', 'A part exceeds the limit');
    const bytes = this.#pending.subarray(0, length);
    this.#take(length);
    yield { kind: 'data', bytes };
  }

  #take(length: number): void {
    this.#pending = this.#pending.subarray(length);
  }
}

function parseHeaders(block: string): PartHeaders {
  const headers = new Map<string, string>();
  for (const line of block.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new WetreadError('request-invalid', 'A part has a malformed header');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

function contentLength(headers: PartHeaders): number | undefined {
  const text = headers.get('content-length');
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new WetreadError('request-invalid', 'A part has a malformed Content-Length');
  return Number(text);
}

/**
 * Boundary and `type` of a `Content-Type: multipart/related` header, quoted or not.
 * @returns undefined for another media type. @throws WetreadError `request-invalid` where the boundary is missing or malformed.
 */
export function multipartBoundary(contentType: string): { boundary: string; type: string } | undefined {
  const media = parseMediaType(contentType);
  if (media?.type !== 'multipart/related') return undefined;
  const boundary = media.parameters.get('boundary') ?? '';
  // RFC 2046 section 5.1.1 allows 70 characters of a short list. Orthanc sends two UUIDs in a row, which are 73, and
  // braces occur too: whatever is visible and not absurdly long is taken.
  if (!/^[\x20-\x7e]{0,199}[\x21-\x7e]$/.test(boundary)) {
    throw new WetreadError('request-invalid', 'A multipart body has no valid boundary');
  }
  return { boundary, type: (media.parameters.get('type') ?? '').toLowerCase() };
}

export interface StreamedPart {
  readonly headers: PartHeaders;
  /** May be left unread, or read in part: the next part follows all the same. Gone once the next part is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The parts of a body, each as a stream.
 * @param source chunks that the caller does not use again.
 * @throws WetreadError as {@link MultipartReader.feed} and {@link MultipartReader.finish} do, in a body too.
 */
export async function* streamParts(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS,
): AsyncGenerator<StreamedPart, void, undefined> {
  const events = eventsOf(source, boundary, limits);
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return;
    if (value.kind === 'part') yield { headers: value.headers, body: bodyOf(events) };
  }
}

type EventStream = AsyncGenerator<MultipartEvent, void, undefined>;

async function* eventsOf(source: AsyncIterable<Uint8Array>, boundary: string, limits: MultipartLimits): EventStream {
  const reader = new MultipartReader(boundary, limits);
  for await (const chunk of source) yield* reader.feed(chunk);
  reader.finish();
}

async function* bodyOf(events: EventStream): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true || value.kind !== 'data') return;
    yield value.bytes;
  }
}

export interface Part {
  readonly headers: PartHeaders;
  /** A buffer of its own, so that a part that is kept does not keep its neighbours alive. */
  readonly bytes: Uint8Array;
}

/** The parts of a body, each whole in memory; otherwise as {@link streamParts}. */
export async function* readParts(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS,
): AsyncGenerator<Part, void, undefined> {
  for await (const { headers, body } of streamParts(source, boundary, limits)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    yield { headers, bytes: Buffer.concat(chunks) };
  }
}

/** Random, so that it does not occur in any part (122 bits against the bytes of a study). */
export function newBoundary(): string {
  return `wetread-${randomUUID()}`;
}

/** `Content-Type` of a multipart body whose parts have the type `type` (RFC 2387). */
export function multipartContentType(type: string, boundary: string): string {
  return `multipart/related; type="${type}"; boundary="${boundary}"`;
}

/** What precedes the bytes of a part; {@link PART_END} follows them. */
export function partHead(boundary: string, headers: Readonly<Record<string, string | number>>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`, 'latin1');
}

export const PART_END: Uint8Array = CRLF;

/** What ends the body. */
export function closingDelimiter(boundary: string): Buffer {
  return Buffer.from(`--${boundary}--\r\n`, 'latin1');
}
