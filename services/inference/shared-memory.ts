/**
 * System shared memory of clients on the same machine, as Triton's extension has it: a region is a stretch of a POSIX
 * shared memory object, which Linux keeps as a file in /dev/shm. Off unless asked for: whoever may register may read and
 * change every such object of this user.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { SharedPlace, SharedReader } from '../../adapters/open-inference/shared-place.ts';
import { WetreadError } from '../../src/errors.ts';

const HOME = '/dev/shm';
/** A slash and one file name, as shm_open(3) has it. */
const KEY = /^\/(?!\.{1,2}$)[\w.-]{1,200}$/;

export interface Region {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byte_size: number;
}

type Held = Region & { readonly descriptor: number };

export class SharedMemory {
  readonly #regions = new Map<string, Held>();
  readonly #maxBytes: number;

  /** @param maxBytes that one request may bring in from all regions together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws WetreadError `conflict` where the name is taken, `request-invalid`, `not-found` where there is no such object */
  register({ name, key, offset, byte_size: size }: Region): void {
    if (this.#regions.has(name)) throw new WetreadError('conflict', 'A region of this name is registered');
    if (!KEY.test(key)) refuse('The key is not the name of a shared memory object');
    if (![offset, size].every((value) => Number.isSafeInteger(value) && value >= 0))
      refuse('offset and byte_size are whole numbers of bytes');
    const descriptor = open(HOME + key);
    const about = fstatSync(descriptor);
    if (about.isFile() && offset + size <= about.size) {
      this.#regions.set(name, { name, key, offset, byte_size: size, descriptor });
      return;
    }
    closeSync(descriptor);
    refuse('The region reaches beyond its shared memory object');
  }

  /** Without a name: every region. A name that is not registered is no fault. */
  unregister(name?: string): void {
    for (const { name: known, descriptor } of [...this.#regions.values()]) {
      if (name !== undefined && known !== name) continue;
      this.#regions.delete(known);
      closeSync(descriptor);
    }
  }

  /** @throws WetreadError `not-found` */
  status(name?: string): readonly Region[] {
    const held = name === undefined ? [...this.#regions.values()] : [this.#find(name)];
    return held.map(({ name: known, key, offset, byte_size }) => ({ name: known, key, offset, byte_size }));
  }

  /** For one request. Reading waits for nothing: the bytes are in memory. */
  reader(): SharedReader {
    let left = this.#maxBytes;
    return (place) => {
      const { descriptor, position } = this.#locate(place);
      left -= place.byteSize;
      if (left < 0) throw new WetreadError('too-large', `A request may have ${this.#maxBytes} bytes at most`);
      const bytes = new Uint8Array(place.byteSize);
      if (readSync(descriptor, bytes, 0, bytes.byteLength, position) < bytes.byteLength)
        refuse('The region has shrunk');
      return bytes;
    };
  }

  /** @throws WetreadError `request-invalid` where the bytes do not fit */
  write(place: SharedPlace, bytes: Uint8Array): void {
    const { descriptor, position } = this.#locate(place);
    if (bytes.byteLength > place.byteSize) refuse(`The output needs ${bytes.byteLength} bytes of shared memory`);
    const written = writeSync(descriptor, bytes, 0, bytes.byteLength, position);
    if (written < bytes.byteLength) refuse('The output could not be written whole');
  }

  #find(name: string): Held {
    const found = this.#regions.get(name);
    if (found === undefined) throw new WetreadError('not-found', 'No such region of shared memory is registered');
    return found;
  }

  #locate({ region, offset, byteSize }: SharedPlace): { readonly descriptor: number; readonly position: number } {
    const held = this.#find(region);
    if (offset + byteSize > held.byte_size) refuse('The tensor reaches beyond its region of shared memory');
    return { descriptor: held.descriptor, position: held.offset + offset };
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw new WetreadError('not-found', 'There is no such shared memory object', { cause });
  }
}

function refuse(message: string): never {
  throw new WetreadError('request-invalid', message);
}
