/**
 * The noise gate: memory speed of a shared machine swings by a factor of four from minute to minute, and its processors
 * belong to others too. Each round is preceded by a probe; rounds under bad conditions do not count.
 */

export interface Probe {
  /** Copying as many bytes as a study of 300 slices has pixels, between buffers that were touched before. */
  readonly memcpyMs: number;
  /** 200 million additions, each waiting for the one before. */
  readonly spinMs: number;
}

export const PROBE_BYTES = 300 * 512 * 512 * 2;
const SPIN_ADDITIONS = 200_000_000;
/** A round does not count when the copy took more than this many times the best copy of the run. */
export const SLOWEST_MEMCPY = 2;
/** Nor when others had more than this share of the machine while it ran. */
export const LARGEST_SHARE_OF_OTHERS = 0.15;

export class NoiseGate {
  readonly #source: Buffer;
  readonly #target: Buffer;
  readonly #additions: number;
  #bestMemcpyMs = Number.POSITIVE_INFINITY;

  constructor(bytes: number = PROBE_BYTES, additions: number = SPIN_ADDITIONS) {
    this.#additions = additions;
    this.#source = Buffer.alloc(bytes, 1);
    this.#target = Buffer.alloc(bytes, 2);
  }

  /** Best copy of the run so far. */
  get bestMemcpyMs(): number {
    return this.#bestMemcpyMs;
  }

  probe(): Probe {
    const memcpyMs = this.copy(this.#source.length);
    this.#bestMemcpyMs = Math.min(this.#bestMemcpyMs, memcpyMs);
    const start = performance.now();
    spin(this.#additions);
    return { memcpyMs, spinMs: performance.now() - start };
  }

  /** Copies as many bytes, at most those of the probe; ms. */
  copy(bytes: number): number {
    const start = performance.now();
    this.#source.copy(this.#target, 0, 0, bytes);
    return performance.now() - start;
  }
}

function spin(additions: number): number {
  let sum = 0;
  for (let i = 0; i < additions; i++) sum = (sum + i) | 0;
  return sum;
}

/** Why a round does not count, or undefined. */
export function dropReason(
  { memcpyMs }: Pick<Probe, 'memcpyMs'>,
  othersShare: number | undefined,
  bestMemcpyMs: number,
): 'memory' | 'others' | undefined {
  if (memcpyMs > SLOWEST_MEMCPY * bestMemcpyMs) return 'memory';
  return (othersShare ?? 0) > LARGEST_SHARE_OF_OTHERS ? 'others' : undefined;
}
