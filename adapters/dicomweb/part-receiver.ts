/** From the bytes of a connection to whole parts: each byte is copied once, from the read buffer to its part. */
import { WetreadError } from '../../src/errors.ts';
import { requireIdentity } from './faults.ts';
import { type MultipartLimits, MultipartReader, multipartBoundary, type PartHeaders } from './multipart.ts';
import type { PartMemory } from './part-memory.ts';
import { type ResponseHead, ResponseReader } from './response-reader.ts';

/** What a part is first given room for where the server states no length; later ones get the length of the one before. */
const FIRST_GUESS_BYTES = 600 * 1024;
/** An answer of any other status has no parts: what it means is the caller's to say. */
const WITH_PARTS: readonly number[] = [200, 206];

export class PartReceiver {
  readonly #limits: MultipartLimits;
  readonly #memory: PartMemory;
  readonly #response = new ResponseReader();
  #multipart: MultipartReader | undefined;
  #part: Buffer = Buffer.alloc(0);
  #length = 0;
  #guess = FIRST_GUESS_BYTES;
  /** Whole parts, oldest first; the consumer takes them out. */
  readonly ready: Uint8Array[] = [];

  constructor(limits: MultipartLimits, memory: PartMemory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  get head(): ResponseHead | undefined {
    return this.#response.head;
  }

  /** True when nothing more is to be read: the answer is whole, or it is none of parts. */
  get isComplete(): boolean {
    return this.head !== undefined && (this.#multipart === undefined || this.#response.isComplete);
  }

  /**
   * @param chunk the end of it may be kept until the next one has been fed
   * @throws WetreadError for an answer that is refused, broken or too large
   */
  feed(chunk: Buffer): void {
    const wasKnown = this.head !== undefined;
    for (const body of this.#response.feed(chunk)) {
      if (!wasKnown && this.#multipart === undefined) this.#begin();
      if (this.#multipart === undefined) return;
      this.#feedMultipart(this.#multipart, body);
    }
    if (!wasKnown && this.#multipart === undefined) this.#begin();
  }

  /** The connection has ended. @throws WetreadError `archive-unreachable`, `archive-truncated` */
  finish(): void {
    // An answer without parts is known by its head; whether the rest of it came makes no difference.
    if (this.head !== undefined && this.#multipart === undefined) return;
    this.#response.finish();
    this.#multipart?.finish();
  }

  #begin(): void {
    const { head } = this;
    if (head === undefined || !WITH_PARTS.includes(head.status)) return;
    requireIdentity(head.headers.get('content-encoding'));
    const media = asAnswer(() => multipartBoundary(head.headers.get('content-type') ?? ''));
    if (media === undefined)
      throw new WetreadError('archive-refused', 'The archive answered something else than multipart');
    this.#multipart = new MultipartReader(media.boundary, this.#limits);
  }

  #feedMultipart(multipart: MultipartReader, body: Buffer): void {
    asAnswer(() => {
      for (const event of multipart.feed(body)) {
        if (event.kind === 'part') this.#open(event.headers);
        else if (event.kind === 'data') this.#append(event.bytes);
        else this.#close();
      }
    });
  }

  #open(headers: PartHeaders): void {
    const announced = headers.get('content-length');
    this.#part = this.#memory.take(announced === undefined ? this.#guess : Number(announced));
    this.#length = 0;
  }

  #append(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#part.length) {
      const larger = this.#memory.take(Math.max(needed, 2 * this.#part.length));
      larger.set(this.#part.subarray(0, this.#length));
      this.#memory.giveBack(this.#part);
      this.#part = larger;
    }
    this.#part.set(bytes, this.#length);
    this.#length = needed;
  }

  #close(): void {
    this.ready.push(this.#part.subarray(0, this.#length));
    this.#guess = this.#length;
    this.#part = Buffer.alloc(0);
  }
}

/** The parser serves both sides of HTTP: what it calls a bad request is a bad answer here. */
function asAnswer<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof WetreadError) || error.code !== 'request-invalid') throw error;
    throw new WetreadError('archive-refused', `The archive sent a broken answer: ${error.message}`, { cause: error });
  }
}
