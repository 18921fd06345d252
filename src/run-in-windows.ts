/** A model run on windows of a volume: requests ahead up to a bound, answers blended one after the other, then labels. */
import type { Grid } from './assembly/grid.ts';
import { WetreadError } from './errors.ts';
import { encodingOf, type ScoresEncoding, scoresOf } from './inference/label-encoding.ts';
import { type AxisWeights, type ClassScores, mapsOf } from './inference/label-scores.ts';
import type { CardOf, CoarseLabels, LabelMapOutput, SlidingWindow } from './inference/model-package.ts';
import { inferenceRequest, inputChannels, inputLayout } from './inference/prepare.ts';
import {
  type ScoreSum,
  summedWeights,
  type WindowPlace,
  windowPlaces,
  windowWeights,
} from './inference/sliding-window.ts';
import type { InferenceResponse } from './inference/tensor.ts';
import { windowInput } from './inference/window-input.ts';
import type { Ports } from './ports.ts';

/** Requests on the way where the card names no number: the next is there when the one before is done. */
const AT_ONCE = 2;

/** What running needs. */
export interface VolumeRun {
  readonly ports: Pick<Ports, 'voxels' | 'inference'>;
  readonly card: CardOf<'volume'>;
  readonly grid: Grid;
  /** The model's input over the whole grid, in the layout of the card. */
  readonly data: Int16Array | Float32Array;
  readonly signal: AbortSignal;
}

export async function runInWindows(
  run: VolumeRun,
): Promise<{ readonly maps: readonly CoarseLabels[]; readonly provider: string }> {
  const { card, grid, data, ports } = run;
  const { window, output, encoding } = blendable(run);
  const whole = { data, layout: inputLayout(card.input), shape: grid.shape, channels: inputChannels(card.input) };
  const places = windowPlaces(grid.shape, window);
  const enough = new AbortController();
  const signal = AbortSignal.any([run.signal, enough.signal]);
  const ask = (place: WindowPlace): Promise<InferenceResponse> =>
    ports.inference.infer(
      inferenceRequest(card, { shape: window.shape }, windowInput(whole, window.shape, place)),
      signal,
    );
  const blend = new Blend(ports.voxels, grid, window, signal);
  let provider = '';
  try {
    for await (const [place, response] of inOrder(places, window.atOnce ?? AT_ONCE, ask)) {
      await blend.add(place, scoresOf(response, output, encoding, { ...grid, shape: window.shape }));
      provider = response.provider;
    }
    return { maps: await blend.finish(), provider };
  } finally {
    // A fault of one window frees the server of those that are still on the way.
    enough.abort(new WetreadError('inference-failed', 'Another window of the same volume failed'));
  }
}

interface Blendable {
  readonly window: SlidingWindow;
  readonly output: LabelMapOutput;
  readonly encoding: ScoresEncoding;
}

/** What check-card.ts makes sure of. */
function blendable({ card }: VolumeRun): Blendable {
  const [output] = card.outputs;
  const { window } = card.input;
  const encoding = output?.kind === 'label-map' ? encodingOf(output) : undefined;
  if (window === undefined || output?.kind !== 'label-map' || encoding === undefined || encoding.kind === 'labels')
    throw new WetreadError('internal', 'A card whose windows cannot be blended was registered');
  return { window, output, encoding };
}

/** Results in the order of the items, with at most `atOnce` tasks on the way. */
async function* inOrder<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item) => Promise<Result>,
): AsyncGenerator<readonly [Item, Result]> {
  const ahead: Promise<Result>[] = [];
  let begun = 0;
  for (const item of items) {
    while (begun < items.length && ahead.length < atOnce) {
      const result = task(items[begun++]!);
      // Whoever comes to it sees its fault; until then it is not unhandled.
      result.catch(() => {});
      ahead.push(result);
    }
    yield [item, await ahead.shift()!];
  }
}

/** Scores of the slices that windows are still to come for. More is not held, however long the volume is. */
const MOST_BYTES = 2 ** 31;

/**
 * Sums the scores of windows slice by slice: a slice that no further window touches becomes labels, and its place is
 * taken by the next one. Windows are added one after the other in their order, so that sums are the same in every run.
 */
class Blend {
  readonly #voxels: Ports['voxels'];
  readonly #grid: Grid;
  readonly #window: SlidingWindow;
  readonly #signal: AbortSignal;
  readonly #total: AxisWeights;
  #sum: ScoreSum | undefined;
  /** Of the last window: how its scores are read. */
  #last: ClassScores | undefined;
  #maps: readonly CoarseLabels[] = [];
  /** Slices before this one are labels. */
  #done = 0;

  constructor(voxels: Ports['voxels'], grid: Grid, window: SlidingWindow, signal: AbortSignal) {
    this.#voxels = voxels;
    this.#grid = grid;
    this.#window = window;
    this.#signal = signal;
    this.#total = summedWeights(grid.shape, window);
  }

  async add(place: WindowPlace, scores: ClassScores): Promise<void> {
    if (this.#last !== undefined && this.#last.channels !== scores.channels)
      throw new WetreadError('inference-failed', 'The windows of a volume have different numbers of channels');
    this.#last = scores;
    this.#sum ??= this.#begin(scores);
    if (place[0] > this.#done) await this.#label(place[0]);
    const { data, channels, strides } = scores;
    const weights = windowWeights(this.#grid.shape, this.#window, place);
    const window = { data, channels, strides, shape: this.#window.shape, weights };
    await this.#voxels.addWindow(window, this.#sum, place, this.#signal);
  }

  async finish(): Promise<readonly CoarseLabels[]> {
    await this.#label(this.#grid.shape[0]);
    return this.#maps;
  }

  #begin(scores: ClassScores): ScoreSum {
    const [, rows, columns] = this.#grid.shape;
    const shape = [this.#window.shape[0], rows, columns] as const;
    const bytes = scores.channels * shape[0] * rows * columns * Float32Array.BYTES_PER_ELEMENT;
    if (bytes > MOST_BYTES)
      throw new WetreadError(
        'inference-failed',
        `Blending ${scores.channels} channels takes ${Math.ceil(bytes / 2 ** 20)} MiB, at most ${MOST_BYTES / 2 ** 20}`,
      );
    const points = this.#grid.shape[0] * rows * columns;
    this.#maps = Array.from({ length: mapsOf(scores) }, () => ({
      grid: this.#grid,
      labels: new Uint8Array(new SharedArrayBuffer(points)),
    }));
    return { data: new Float32Array(new SharedArrayBuffer(bytes)), shape };
  }

  /** Slices up to `end - 1` become labels; in the sum they lie in at most two pieces. */
  async #label(end: number): Promise<void> {
    const size = this.#window.shape[0];
    while (this.#done < end) {
      const slot = this.#done % size;
      const count = Math.min(end - this.#done, size - slot);
      await this.#labelPiece(slot, count);
      this.#done += count;
    }
  }

  async #labelPiece(slot: number, count: number): Promise<void> {
    const [, rows, columns] = this.#grid.shape;
    const plane = rows * columns;
    const { data, shape } = this.#sum!;
    const labelled = await this.#voxels.label(
      {
        ...this.#last!,
        grid: { ...this.#grid, shape: [count, rows, columns] },
        data: data.subarray(slot * plane),
        strides: { channel: shape[0] * plane, slice: plane, row: columns, column: 1 },
        weights: { ...this.#total, slice: this.#total.slice.subarray(this.#done, this.#done + count) },
        forget: true,
      },
      this.#signal,
    );
    for (const [at, { labels }] of labelled.entries()) this.#maps[at]!.labels.set(labels, this.#done * plane);
  }
}
