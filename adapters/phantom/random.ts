/** Seeded pseudo-random numbers: the same seed gives the same phantom on every machine. */

/** Uniform numbers in [0, 1): Mulberry32, a 32-bit counter through a mixing function. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Normal deviates of mean 0 and deviation 1 (Box-Muller). */
export function normal(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const TABLE_SIZE = 1 << 16;

/**
 * Adds noise to rows of pixels. Rows read one long table of deviates from a random place, because drawing a deviate
 * per pixel would cost more than all the rest of a phantom.
 */
export class RowNoise {
  readonly #table: Float32Array;
  readonly #seed: number;

  /** @param deviation in HU. @param smoothness 0 is white noise (sharp kernel), 1 correlates neighbours (soft kernel). */
  constructor(seed: number, deviation: number, smoothness: number) {
    this.#seed = seed;
    const draw = normal(uniform(seed));
    const white = Float32Array.from({ length: TABLE_SIZE }, draw);
    const side = smoothness / 2;
    const scale = deviation / Math.hypot(1, side, side);
    this.#table = white.map((value, i) => {
      const before = white.at(i - 1)!;
      const after = white[(i + 1) % TABLE_SIZE]!;
      return scale * (value + side * (before + after));
    });
  }

  /** Adds noise to every row of a slice; the same slice always gets the same noise. */
  add(pixels: Float32Array, width: number, slice: number): void {
    const table = this.#table;
    const random = uniform(this.#seed * 100_003 + slice);
    for (let start = 0; start < pixels.length; start += width) {
      const offset = Math.floor(random() * (TABLE_SIZE - width)) - start;
      for (let i = start; i < start + width; i++) pixels[i]! += table[offset + i]!;
    }
  }
}
