/**
 * How much may wait: requests and bytes are counted before a body is read, so that memory stays bounded whatever
 * arrives. Bodies go into shared memory, which the session thread reads where it lies; the last buffer is kept, because
 * touching fresh memory costs more than reading a request into it.
 */
import { WetreadError } from '../../src/errors.ts';

export interface AdmissionLimits {
  readonly maxRequests: number;
  /** Of one body, and of all that wait together. */
  readonly maxBytes: number;
}

export interface Admitted {
  /** As long as the body. */
  readonly body: Uint8Array<SharedArrayBuffer>;
  /** Ends the stay: the memory is used again. */
  leave(): void;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  #requests = 0;
  #bytes = 0;
  #spare = new SharedArrayBuffer(0);

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get maxBytes(): number {
    return this.#limits.maxBytes;
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
    const buffer = this.#take(bytes);
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      this.#requests -= 1;
      this.#bytes -= bytes;
      if (buffer.byteLength > this.#spare.byteLength) this.#spare = buffer;
    };
    return { body: new Uint8Array(buffer, 0, bytes), leave };
  }

  #take(bytes: number): SharedArrayBuffer {
    if (this.#spare.byteLength < bytes) return new SharedArrayBuffer(bytes);
    const buffer = this.#spare;
    this.#spare = new SharedArrayBuffer(0);
    return buffer;
  }
}
