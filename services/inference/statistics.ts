/** What each model has done since the start, in the terms of the protocol's statistics extension. */
import type { PackagedModel } from './models.ts';

/** Steps of a request, as the protocol names them; `queue` is the wait for the turn. */
export const STEPS = ['queue', 'compute_input', 'compute_infer', 'compute_output'] as const;
export type Step = (typeof STEPS)[number];

type Outcome = 'success' | 'fail';
type Measured = Outcome | Step;

interface Sum {
  readonly count: number;
  readonly milliseconds: number;
}

export interface StatisticDuration {
  readonly count: number;
  /** Nanoseconds. */
  readonly ns: number;
}

/** `ModelStatistics` of the protocol; without batching each request is an execution. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 is never. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<Measured | 'cache_hit' | 'cache_miss', StatisticDuration>>;
  readonly batch_stats: readonly never[];
}

const NOTHING: Sum = { count: 0, milliseconds: 0 };

class Sums {
  readonly sums = new Map<Measured, Sum>();
  lastInference = 0;
}

export class Statistics {
  readonly #records = new Map<string, Sums>();

  add(model: PackagedModel, measured: Measured, milliseconds: number): void {
    const record = this.#recordOf(model);
    const { count, milliseconds: before } = record.sums.get(measured) ?? NOTHING;
    record.sums.set(measured, { count: count + 1, milliseconds: before + milliseconds });
    if (measured === 'success') record.lastInference = Date.now();
  }

  sumOf(model: PackagedModel, measured: Measured): Sum {
    return this.#recordOf(model).sums.get(measured) ?? NOTHING;
  }

  of(model: PackagedModel): ModelStatistics {
    const duration = (measured: Measured): StatisticDuration => {
      const { count, milliseconds } = this.sumOf(model, measured);
      return { count, ns: Math.round(milliseconds * 1e6) };
    };
    const none = { count: 0, ns: 0 };
    return {
      name: model.name,
      version: model.version,
      last_inference: this.#recordOf(model).lastInference,
      inference_count: this.sumOf(model, 'success').count,
      execution_count: this.sumOf(model, 'compute_infer').count,
      inference_stats: {
        success: duration('success'),
        fail: duration('fail'),
        queue: duration('queue'),
        compute_input: duration('compute_input'),
        compute_infer: duration('compute_infer'),
        compute_output: duration('compute_output'),
        cache_hit: none,
        cache_miss: none,
      },
      batch_stats: [],
    };
  }

  #recordOf({ name, version }: PackagedModel): Sums {
    const key = JSON.stringify([name, version]);
    const known = this.#records.get(key) ?? new Sums();
    this.#records.set(key, known);
    return known;
  }
}
