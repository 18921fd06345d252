/**
 * Shared memory that survives from study to study: touching fresh pages costs more than resampling a volume.
 *
 * Every buffer is the start of a shared `WebAssembly.Memory` of its own, so that the kernel reads voxels where the
 * decoders wrote them. Such a memory can grow without moving: behind the buffer lie the results of resampling and the
 * workers' tables. What is handed out are clones of the memory's buffer, objects of their own over the same bytes;
 * so handing back a result can never free the volume beside it.
 */
import { WetreadError } from '../../src/errors.ts';
import { type SharedWasmMemory, webAssembly } from './web-assembly.ts';

const PAGE = 65_536;
/** The most that 32-bit WebAssembly can address, pages: 4 GiB. Only address space is reserved, not memory. */
const MAX_PAGES = 65_536;
/** Results and tables start at a cache line, and no vector load runs past the end of the memory. */
const ALIGNMENT = 64;

interface Region {
  readonly start: number;
  readonly end: number;
}

/** One memory: a buffer at its start and regions behind it. */
interface Lent {
  readonly memory: SharedWasmMemory;
  readonly byteLength: number;
  readonly regions: Set<Region>;
}

/** Part of the memory behind a buffer. */
export interface Extension {
  readonly memory: SharedWasmMemory;
  /** Bytes from the start of the memory. */
  readonly offset: number;
  /** The same bytes as the memory, as an object of its own. */
  readonly buffer: SharedArrayBuffer;
}

export class SharedMemoryPool {
  readonly #idle: SharedWasmMemory[] = [];
  readonly #maximumIdle: number;
  /** Weak: a buffer that nobody hands back goes with its last reader. */
  readonly #lent = new WeakMap<SharedArrayBuffer, Lent>();
  readonly #extensions = new WeakMap<SharedArrayBuffer, { readonly of: Lent; readonly region: Region }>();

  /**
   * @param maximumIdle memories that are kept between studies, the largest. A number and not an amount: what is dropped
   *   is freed only when every thread that saw it has collected its garbage, which idle threads never do; a memory that
   *   is kept is used again, grown where it must, so that all of it stays at what the largest studies needed.
   */
  constructor(maximumIdle: number) {
    this.#maximumIdle = maximumIdle;
  }

  /** At least `byteLength` bytes, content undefined. */
  acquire(byteLength: number): SharedArrayBuffer {
    const memory = this.#take(pagesFor(byteLength + ALIGNMENT));
    const buffer = cloneOf(memory);
    this.#lent.set(buffer, { memory, byteLength, regions: new Set() });
    return buffer;
  }

  /** The smallest idle memory that is large enough, or the largest, grown: its pages are warm. */
  #take(pages: number): SharedWasmMemory {
    const bySize = this.#idle.toSorted((a, b) => a.buffer.byteLength - b.buffer.byteLength);
    const chosen = bySize.find(({ buffer }) => buffer.byteLength >= pages * PAGE) ?? bySize.at(-1);
    if (chosen !== undefined) {
      this.#idle.splice(this.#idle.indexOf(chosen), 1);
      grow(chosen, pages);
      return chosen;
    }
    if (pages > MAX_PAGES) throw tooLarge();
    try {
      return new webAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared: true });
    } catch (cause) {
      throw new WetreadError('internal', 'No address space is left for shared memory', { cause });
    }
  }

  /** Frees a buffer with everything behind it, or one extension. Anything else is left alone. */
  release(buffer: SharedArrayBuffer): void {
    const extension = this.#extensions.get(buffer);
    if (extension !== undefined) {
      extension.of.regions.delete(extension.region);
      this.#extensions.delete(buffer);
      return;
    }
    const lent = this.#lent.get(buffer);
    if (lent === undefined) return;
    this.#lent.delete(buffer);
    this.#idle.push(lent.memory);
    this.#idle.sort((a, b) => b.buffer.byteLength - a.buffer.byteLength);
    this.#idle.splice(this.#maximumIdle);
  }

  /** Room behind an acquired buffer, valid until it or the buffer is released. */
  extend(buffer: SharedArrayBuffer, byteLength: number): Extension {
    const lent = this.#lent.get(buffer);
    if (lent === undefined) throw new WetreadError('internal', 'The voxels are not in memory of this pool');
    const occupied = Math.max(lent.byteLength, ...[...lent.regions].map(({ end }) => end));
    const start = Math.ceil(occupied / ALIGNMENT) * ALIGNMENT;
    const region = { start, end: start + byteLength };
    grow(lent.memory, pagesFor(region.end + ALIGNMENT));
    lent.regions.add(region);
    const clone = cloneOf(lent.memory);
    this.#extensions.set(clone, { of: lent, region });
    return { memory: lent.memory, offset: start, buffer: clone };
  }
}

function pagesFor(byteLength: number): number {
  return Math.ceil(byteLength / PAGE);
}

function cloneOf(memory: SharedWasmMemory): SharedArrayBuffer {
  return structuredClone(memory.buffer);
}

function grow(memory: SharedWasmMemory, pages: number): void {
  const missing = pages - memory.buffer.byteLength / PAGE;
  if (missing <= 0) return;
  if (pages > MAX_PAGES) throw tooLarge();
  try {
    memory.grow(missing);
  } catch (cause) {
    throw new WetreadError('internal', 'Shared memory cannot grow', { cause });
  }
}

function tooLarge(): WetreadError {
  return new WetreadError('internal', 'A volume and its resampled copies exceed 4 GiB');
}
