/** Runs of voxels in rows of a mask: what components, statistics and diameters are counted from. */

/** One or several masks over a volume, taken as one: a voxel of any belongs. */
export interface Mask {
  /** `[slices, rows, columns]`. */
  readonly shape: readonly [number, number, number];
  readonly bytesPerSlice: number;
  /** As `Segment.bits`: every slice starts on a byte, least significant bit first. */
  readonly parts: readonly Uint8Array[];
}

/** The runs of one slice, row by row. The arrays are used again for other slices; only `count` of each is filled. */
export class SliceRuns {
  readonly from: Int32Array;
  /** Behind the last column. */
  readonly to: Int32Array;
  /** For whoever numbers runs. */
  readonly id: Int32Array;
  /** Index of the first run of each row, and behind the last row. */
  readonly rowStart: Int32Array;
  count = 0;

  /** @param mask room for every second column of every row: the most that a slice can hold. */
  constructor({ shape: [, rows, columns] }: Mask) {
    const most = rows * Math.ceil(columns / 2);
    this.from = new Int32Array(most);
    this.to = new Int32Array(most);
    this.id = new Int32Array(most);
    this.rowStart = new Int32Array(rows + 1);
  }

  fill(mask: Mask, slice: number): void {
    const [, rows, columns] = mask.shape;
    const bits = sliceBits(mask, slice);
    this.count = 0;
    for (let row = 0; row < rows; row++) {
      this.rowStart[row] = this.count;
      const end = (row + 1) * columns;
      let at = next(bits, row * columns, end, 0);
      while (at < end) {
        const behind = next(bits, at, end, 0xff);
        this.from[this.count] = at - row * columns;
        this.to[this.count++] = behind - row * columns;
        at = next(bits, behind, end, 0);
      }
    }
    this.rowStart[rows] = this.count;
  }
}

function sliceBits({ parts, bytesPerSlice }: Mask, slice: number): Uint8Array {
  const [first, ...others] = parts.map((bits) => bits.subarray(slice * bytesPerSlice, (slice + 1) * bytesPerSlice));
  if (others.length === 0) return first!;
  const all = first!.slice();
  for (const bits of others) for (let i = 0; i < all.length; i++) all[i]! |= bits[i]!;
  return all;
}

/** The next bit that differs from those of `skipped` (0 or 0xff), or `end`: whole bytes of them are stepped over. */
function next(bits: Uint8Array, from: number, end: number, skipped: 0 | 0xff): number {
  let at = from;
  while (at < end) {
    const rest = (bits[at >> 3]! ^ skipped) >> (at & 7);
    if (rest !== 0) return Math.min(end, at + 31 - Math.clz32(rest & -rest));
    at = (at | 7) + 1;
  }
  return end;
}
