/**
 * Several models on one study. Each tries its series in its own order until one gives a result; a series is assembled once
 * for all models that want it next, and no more than one is in memory, with those that its models are given beside it.
 */
import type { Series } from './arrival/study.ts';
import { WetreadError } from './errors.ts';
import type { InputRule, ModelPackage } from './inference/model-package.ts';
import type { Reading } from './inference/reading.ts';
import { type Cause, isSkipped, type Reason, reason, type Skipped } from './reasons.ts';
import type { View } from './reporting/view.ts';
import type { ReadableReading } from './selection.ts';

/** What a model made of a series, and how the page shows it. */
export interface ShownReading {
  readonly reading: Reading;
  /** One for a volume, one for each image on its own. */
  readonly views: readonly View[];
}

/** What one model tries, and what comes of it. */
export class ModelTry {
  readonly model: ModelPackage;
  readonly candidates: readonly Series[];
  /** Which further series it is given. */
  readonly slots: ReadableReading['slots'];
  readonly left: ReadableReading['left'];
  /** Series that gave nothing, in the order in which they were tried. */
  readonly setAside: { readonly series: Series; readonly reason: Reason }[] = [];
  result: ShownReading | undefined;
  fault: WetreadError | undefined;

  constructor({ package: model, candidates, slots, left }: ReadableReading) {
    this.model = model;
    this.candidates = candidates;
    this.slots = slots;
    this.left = left;
  }

  /** The series that it wants next; undefined when it has a result, or nothing more to try. */
  get next(): Series | undefined {
    return this.result === undefined && this.fault === undefined ? this.candidates[this.setAside.length] : undefined;
  }

  /** What came of the series that it wanted. */
  take(series: Series, outcome: ShownReading | Skipped | WetreadError): void {
    if (outcome instanceof WetreadError) this.fault = outcome;
    else if (isSkipped(outcome)) this.setAside.push({ series, reason: outcome.skipped });
    else this.result = outcome;
  }

  /** Why it has no result: the fault, or what it found against the images. */
  get why(): Cause {
    return this.fault === undefined ? this.refusal : { code: this.fault.code };
  }

  /** What was in the way of the series that it prefers. */
  get refusal(): Reason {
    return this.setAside[0]?.reason ?? reasonLeft(this.left) ?? reason('no-readable-series');
  }
}

/** Of several series, one of a modality that the model reads says more. */
function reasonLeft(left: ReadableReading['left']): Reason | undefined {
  return (left.find(({ reason: { code } }) => code !== 'wrong-modality') ?? left[0])?.reason;
}

/** Series by series, with the models that read it: take every outcome before the next one is asked for. */
export function* rounds(tries: readonly ModelTry[]): Generator<{ series: Series; readers: readonly ModelTry[] }> {
  for (;;) {
    const first = tries.find(({ next }) => next !== undefined);
    const series = first?.next;
    if (first === undefined || series === undefined) return;
    const form = formOf(first.model);
    yield { series, readers: tries.filter(({ next, model }) => next === series && formOf(model) === form) };
  }
}

/** How a series is assembled for a model. */
export function formOf({ card: { input } }: ModelPackage): 'volume' | 'images' {
  return FORMS[input.kind];
}

const FORMS: Readonly<Record<InputRule['kind'], 'volume' | 'images'>> = {
  volume: 'volume',
  slices: 'volume',
  image: 'images',
  pictures: 'images',
};
