/**
 * Memory of parts that is filled anew once its bytes were handed back: to touch fresh pages costs more than to copy a
 * study into pages that were touched before. What nobody hands back is left to the garbage collector.
 */

/** Sizes are rounded up to this, so that the next part, a few bytes longer, fits too. */
const STEP = 64 * 1024;
/** More than wait and are decoded at once are not kept, nor very large ones. */
const MAX_SPARE = 16;
const MAX_SPARE_BYTES = 64 * 1024 * 1024;

export class PartMemory {
  readonly #spare: Buffer[] = [];
  /** What is out, by the buffer behind it: only that can come back, and only once. */
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>();

  /** At least `byteLength` bytes, content undefined. */
  take(byteLength: number): Buffer {
    const index = this.#spare.findIndex(({ length }) => length >= byteLength && length <= 2 * byteLength + STEP);
    const [spare] = index < 0 ? [] : this.#spare.splice(index, 1);
    const memory = spare ?? Buffer.allocUnsafeSlow(Math.max(STEP, Math.ceil(byteLength / STEP) * STEP));
    this.#lent.set(memory.buffer, memory);
    return memory;
  }

  /** @param bytes a view of what {@link take} gave; anything else is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    const memory = this.#lent.get(buffer);
    if (memory === undefined) return;
    this.#lent.delete(buffer);
    const kept = this.#spare.reduce((sum, { length }) => sum + length, memory.length);
    if (this.#spare.length < MAX_SPARE && kept <= MAX_SPARE_BYTES) this.#spare.push(memory);
  }
}
