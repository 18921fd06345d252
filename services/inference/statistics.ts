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

/** Of runs with so many rows. Reading and writing tensors is measured by request. */
export interface BatchStatistics {
  readonly batch_size: number;
  readonly compute_input: StatisticDuration;
  readonly compute_infer: StatisticDuration;
  readonly compute_output: StatisticDuration;
}

/** `ModelStatistics` of the protocol: an inference is a row of a request where the model is batched, else a request. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 is never. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<Measured | 'cache_hit' | 'cache_miss', StatisticDuration>>;
  readonly batch_stats: readonly BatchStatistics[];
}

const NOTHING: Sum = { count: 0, milliseconds: 0 };

class Sums {
  readonly sums = new Map<Measured, Sum>();
  readonly runs = new Map<number, Sum>();
  lastInference = 0;
}

export class Statistics {
  readonly #records = new Map<string, Sums>();

  add(model: PackagedModel, measured: Measured, milliseconds: number): void {
    const record = this.#recordOf(model);
    record.sums.set(measured, plus(record.sums.get(measured), milliseconds));
    if (measured === 'success') record.lastInference = Date.now();
  }

  /** One run of the model. @param rows 1 where it is not batched */
  addRun(model: PackagedModel, rows: number, milliseconds: number): void {
    const { runs } = this.#recordOf(model);
    runs.set(rows, plus(runs.get(rows), milliseconds));
  }

  sumOf(model: PackagedModel, measured: Measured): Sum {
    return this.#recordOf(model).sums.get(measured) ?? NOTHING;
  }

  of(model: PackagedModel): ModelStatistics {
    const duration = (measured: Measured): StatisticDuration => durationOf(this.sumOf(model, measured));
    const none = durationOf(NOTHING);
    const { runs, lastInference } = this.#recordOf(model);
    const sizes = [...runs].sort(([one], [other]) => one - other);
    return {
      name: model.name,
      version: model.version,
      last_inference: lastInference,
      inference_count: sizes.reduce((sum, [rows, { count }]) => sum + rows * count, 0),
      execution_count: sizes.reduce((sum, [, { count }]) => sum + count, 0),
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
      batch_stats: sizes.map(([rows, sum]) => ({
        batch_size: rows,
        compute_input: none,
        compute_infer: durationOf(sum),
        compute_output: none,
      })),
    };
  }

  #recordOf({ name, version }: PackagedModel): Sums {
    const key = JSON.stringify([name, version]);
    const known = this.#records.get(key) ?? new Sums();
    this.#records.set(key, known);
    return known;
  }
}

function plus({ count, milliseconds }: Sum = NOTHING, more: number): Sum {
  return { count: count + 1, milliseconds: milliseconds + more };
}

function durationOf({ count, milliseconds }: Sum): StatisticDuration {
  return { count, ns: Math.round(milliseconds * 1e6) };
}
