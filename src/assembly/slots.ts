/** Room for frames of one size, allotted in the order of arrival, in as few shared buffers as possible. */
/** The largest series that is held in memory, bytes: 4,096 slices of 512 × 512. */
export const MAX_SERIES_BYTES = 2 ** 31;

/** Frames that a buffer is made for when a series holds more than was announced. */
const EXTRA_FRAMES = 16;

export interface Slot {
  readonly voxels: Int16Array<SharedArrayBuffer>;
  /** Index of the first value. */
  readonly offset: number;
}

/** Where memory comes from and goes to: the pool of the voxel workers. A buffer may be larger than asked for. */
export interface SharedMemory {
  readonly allocate: (byteLength: number) => SharedArrayBuffer;
  readonly release: (buffer: SharedArrayBuffer) => void;
}

export class Slots {
  /** Values per slot. */
  readonly size: number;
  readonly #memory: SharedMemory;
  readonly #buffers: Int16Array<SharedArrayBuffer>[] = [];
  /** Slots left in the last buffer, and the index of its next. */
  #free = 0;
  #next = 0;
  #allotted = 0;

  constructor(size: number, memory: SharedMemory) {
    this.size = size;
    this.#memory = memory;
  }

  /**
   * @param expected how many more slots, these included, are likely to be asked for; sizes a new buffer.
   * @returns undefined where the series would exceed {@link MAX_SERIES_BYTES}.
   */
  allot(count: number, expected: number): readonly Slot[] | undefined {
    const most = Math.floor(MAX_SERIES_BYTES / (this.size * 2));
    if (this.#allotted + count > most) return undefined;
    const slots: Slot[] = [];
    while (slots.length < count) {
      if (this.#free === 0) {
        this.#extend(Math.min(Math.max(expected, count, this.#allotted > 0 ? EXTRA_FRAMES : 1), most - this.#allotted));
      }
      slots.push({ voxels: this.#buffers.at(-1)!, offset: this.#next * this.size });
      this.#free--;
      this.#next++;
      this.#allotted++;
    }
    return slots;
  }

  #extend(frames: number): void {
    const buffer = this.#memory.allocate(frames * this.size * 2);
    this.#buffers.push(new Int16Array(buffer, 0, frames * this.size));
    this.#free = frames;
    this.#next = 0;
  }

  /**
   * One array that holds these slots, and the number of each in it. No voxel moves unless the series was larger than
   * announced. Afterwards the slots are spent: their owner is the returned array's buffer.
   */
  gather(slots: readonly Slot[]): { readonly voxels: Int16Array<SharedArrayBuffer>; readonly numbers: number[] } {
    const only = this.#buffers.length === 1 ? this.#buffers[0] : undefined;
    if (only !== undefined) {
      this.#buffers.length = 0;
      return { voxels: only, numbers: slots.map(({ offset }) => offset / this.size) };
    }
    const buffer = this.#memory.allocate(slots.length * this.size * 2);
    const voxels = new Int16Array(buffer, 0, slots.length * this.size);
    slots.forEach((slot, k) => {
      voxels.set(valuesOf(slot, this.size), k * this.size);
    });
    this.release();
    return { voxels, numbers: slots.map((_, k) => k) };
  }

  release(): void {
    for (const { buffer } of this.#buffers) this.#memory.release(buffer);
    this.#buffers.length = 0;
  }
}

export function valuesOf({ voxels, offset }: Slot, size: number): Int16Array<SharedArrayBuffer> {
  return voxels.subarray(offset, offset + size);
}
