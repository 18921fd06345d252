/**
 * How much may wait: requests and bytes are counted before a body is read, so that memory stays bounded whatever
 * arrives. The last buffer is kept, because touching fresh memory costs more than reading a request into it.
 */
import { WetreadError } from '../../src/errors.ts';

export interface AdmissionLimits {
  readonly maxRequests: number;
  /** Of one body, and of all that wait together. */
  readonly maxBytes: number;
}

export interface Admitted {
  /** Memory for the body, as long as was announced. To be called once. */
  body(): Uint8Array<ArrayBuffer>;
  /** Ends the stay: the memory is used again. */
  leave(): void;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  #requests = 0;
  #bytes = 0;
  #spare = new ArrayBuffer(0);

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get maxBytes(): number {
    return this.#limits.maxBytes;
  }

  get inside(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#requests, bytes: this.#bytes };
  }

  /** @throws WetreadError `too-large` for good, `overloaded` for now */
  enter(bytes: number): Admitted {
    const { maxBytes, maxRequests } = this.#limits;
    if (bytes > maxBytes) throw new WetreadError('too-large', `A request may have ${maxBytes} bytes at most`);
    if (this.#requests >= maxRequests || this.#bytes + bytes > maxBytes) {
      throw new WetreadError('overloaded', 'Too many requests are waiting');
    }
    this.#requests += 1;
    this.#bytes += bytes;
    let buffer: ArrayBuffer | undefined;
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      this.#requests -= 1;
      this.#bytes -= bytes;
      if (buffer !== undefined && buffer.byteLength > this.#spare.byteLength) this.#spare = buffer;
    };
    const body = (): Uint8Array<ArrayBuffer> => {
      buffer = this.#take(bytes);
      return new Uint8Array(buffer, 0, bytes);
    };
    return { body, leave };
  }

  #take(bytes: number): ArrayBuffer {
    if (this.#spare.byteLength < bytes) return new ArrayBuffer(bytes);
    const buffer = this.#spare;
    this.#spare = new ArrayBuffer(0);
    return buffer;
  }
}
