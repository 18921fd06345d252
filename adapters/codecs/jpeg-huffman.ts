/** Huffman coded bits of a JPEG scan (ITU-T T.81 C and F.2.2), for the processes that we decode ourselves. */

const LOOKUP_BITS = 9;

export interface HuffmanTable {
  /** Number of codes of each length, 1 to 16; codes of one length are consecutive (T.81 C.2). */
  readonly counts: Uint8Array;
  readonly values: Uint8Array;
  /** By the next nine bits: length of the code in the upper byte, its value in the lower; 0 for longer codes. */
  readonly lookup: Uint16Array;
}

/** Adds the tables of a DHT segment; the key holds the class in bit 4 and the destination below (T.81 B.2.4.2). */
export function readHuffmanTables(segment: Uint8Array, into: Map<number, HuffmanTable>): void {
  let at = 0;
  while (at + 17 <= segment.length) {
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const values = segment.subarray(at + 17, at + 17 + total);
    into.set(segment[at]!, { counts, values, lookup: lookupOf(counts, values) });
    at += 17 + total;
  }
}

function lookupOf(counts: Uint8Array, values: Uint8Array): Uint16Array {
  const lookup = new Uint16Array(1 << LOOKUP_BITS);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= LOOKUP_BITS; length += 1) {
    for (let i = 0; i < counts[length - 1]!; i += 1, code += 1, next += 1) {
      const first = code << (LOOKUP_BITS - length);
      lookup.fill((length << 8) | (values[next] ?? 0), first, first + (1 << (LOOKUP_BITS - length)));
    }
    code <<= 1;
  }
  return lookup;
}

/** Reads bits of a scan; zero bytes stuffed behind 0xFF are left out, and a marker ends the bits. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** The next bits, in the lowest `#count` bits. */
  #buffer = 0;
  #count = 0;
  /** Zero bits added behind the end, so that the last codes can be looked ahead of. */
  #padding = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True once more bits were taken than there are. */
  get isExhausted(): boolean {
    return this.#padding > this.#count;
  }

  symbol(table: HuffmanTable): number {
    this.#fill(16);
    const found = table.lookup[(this.#buffer >>> (this.#count - LOOKUP_BITS)) & ((1 << LOOKUP_BITS) - 1)]!;
    if (found === 0) return this.#longSymbol(table);
    this.#count -= found >> 8;
    return found & 0xff;
  }

  /** `size` bits, at most 16, as a signed difference (T.81 F.2.2.1, EXTEND). */
  signed(size: number): number {
    if (size === 0) return 0;
    this.#fill(size);
    this.#count -= size;
    const value = (this.#buffer >>> this.#count) & ((1 << size) - 1);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  /** Moves behind the next restart marker. */
  restart(): void {
    this.#count = 0;
    this.#padding = 0;
    while (this.#at + 1 < this.#bytes.length && !this.#isRestartMarker()) this.#at += 1;
    this.#at += 2;
  }

  #longSymbol(table: HuffmanTable): number {
    let firstCode = 0;
    let firstValue = 0;
    for (let length = 1; length <= 16; length += 1) {
      const code = (this.#buffer >>> (this.#count - length)) & ((1 << length) - 1);
      const count = table.counts[length - 1]!;
      if (code - firstCode < count) {
        this.#count -= length;
        return table.values[firstValue + code - firstCode] ?? 0;
      }
      firstValue += count;
      firstCode = (firstCode + count) << 1;
    }
    // No such code: the stream is broken, and everything from here on would be noise.
    this.#padding = this.#count + 1;
    return 0;
  }

  #fill(bits: number): void {
    while (this.#count < bits) {
      this.#buffer = (this.#buffer << 8) | this.#nextByte();
      this.#count += 8;
    }
  }

  #nextByte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0)) {
      this.#padding += 8;
      return 0;
    }
    this.#at += byte === 0xff ? 2 : 1;
    return byte;
  }

  #isRestartMarker(): boolean {
    return this.#bytes[this.#at] === 0xff && (this.#bytes[this.#at + 1]! & 0xf8) === 0xd0;
  }
}
