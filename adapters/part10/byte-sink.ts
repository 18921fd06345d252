/** A growing little-endian buffer that is reused between files. */
export class ByteSink {
  length = 0;
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  readonly #encoder = new TextEncoder();

  /** What was written since the last {@link clear}: a view, valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  uint16(value: number): void {
    const at = this.#advance(2);
    this.#view.setUint16(at, value, true);
  }

  uint32(value: number): void {
    const at = this.#advance(4);
    this.#view.setUint32(at, value, true);
  }

  uint64(value: bigint): void {
    const at = this.#advance(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  float32(value: number): void {
    const at = this.#advance(4);
    this.#view.setFloat32(at, value, true);
  }

  float64(value: number): void {
    const at = this.#advance(8);
    this.#view.setFloat64(at, value, true);
  }

  bytes(value: Uint8Array): void {
    const at = this.#advance(value.length);
    this.#bytes.set(value, at);
  }

  /** UTF-8. Almost all text is ASCII and short, where this loop beats the encoder. */
  text(value: string): void {
    this.#reserve(value.length * 3);
    const start = this.length;
    for (let i = 0; i < value.length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.length = start + this.#encoder.encodeInto(value, this.#bytes.subarray(start)).written;
        return;
      }
      this.#bytes[start + i] = code;
    }
    this.length = start + value.length;
  }

  setUint16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  setUint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Room for `count` bytes. Growing replaces bytes and view, so callers take them only afterwards. */
  #advance(count: number): number {
    this.#reserve(count);
    const at = this.length;
    this.length += count;
    return at;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    larger.set(this.written());
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
