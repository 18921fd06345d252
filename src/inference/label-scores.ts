/** From the scores of a network, one channel a class, to labels: pure loops over slices, run in worker threads. */
import type { Grid } from '../assembly/grid.ts';
import type { Strides } from '../assembly/layout.ts';

/** Scores of every grid point, as the network or the blending of its windows gave them. */
export interface ClassScores {
  readonly grid: Grid;
  readonly data: Float32Array;
  readonly channels: number;
  /** Elements between neighbours in `data`. */
  readonly strides: Strides;
  readonly choice: LabelChoice;
  /** What scores were multiplied by, the product of one factor for each axis; absent where they were not. */
  readonly weights?: AxisWeights;
  /** Scores become 0 once they are labels: their place is used again. Rows must follow one another without gaps. */
  readonly forget?: boolean;
}

export type LabelChoice =
  /** The channel with the highest score is the label, the lower one of equals. */
  | { readonly kind: 'highest' }
  /** Channel c is label c + 1 where its score is at or above the limit: each channel a map of its own. */
  | { readonly kind: 'limits'; readonly limits: readonly number[] };

/** One factor for each index along slices, rows and columns. */
export interface AxisWeights {
  readonly slice: Float32Array;
  readonly row: Float32Array;
  readonly column: Float32Array;
}

/** How many label maps {@link labelSlices} writes. */
export function mapsOf({ choice, channels }: Pick<ClassScores, 'choice' | 'channels'>): number {
  return choice.kind === 'highest' ? 1 : channels;
}

/**
 * Labels of slices `first … last - 1`, into each map `[slices, rows, columns]`.
 * @returns false where a score is no number: the answer is worthless then, also where it is not the highest.
 */
export function labelSlices(scores: ClassScores, first: number, last: number, maps: readonly Uint8Array[]): boolean {
  const label = scores.choice.kind === 'highest' ? highestOfRow(scores) : limitsOfRow(scores, scores.choice.limits);
  const [, rows, columns] = scores.grid.shape;
  let sound = true;
  for (let k = first; k < last; k++) {
    for (let j = 0; j < rows; j++) {
      const at = (k * rows + j) * columns;
      if (!label(k, j, maps, at)) sound = false;
    }
    if (scores.forget) forgetSlice(scores, k);
  }
  return sound;
}

function forgetSlice({ data, channels, strides, grid: { shape } }: ClassScores, k: number): void {
  for (let c = 0; c < channels; c++) {
    const from = c * strides.channel + k * strides.slice;
    data.fill(0, from, from + shape[1] * shape[2]);
  }
}

/** Labels the row `[k, j, …]` at element `at` of the maps. */
type LabelRow = (k: number, j: number, maps: readonly Uint8Array[], at: number) => boolean;

/** Channel after channel over one row, which stays in the cache: the order of the axes matters little then. */
function highestOfRow({ data, channels, strides, grid }: ClassScores): LabelRow {
  const columns = grid.shape[2];
  const best = new Float32Array(columns);
  return (k, j, [labels], at) => {
    best.fill(Number.NEGATIVE_INFINITY);
    let sound = true;
    for (let c = 0; c < channels; c++) {
      let from = c * strides.channel + k * strides.slice + j * strides.row;
      for (let i = 0; i < columns; i++) {
        const score = data[from]!;
        from += strides.column;
        if (score > best[i]!) {
          best[i] = score;
          labels![at + i] = c;
        } else if (Number.isNaN(score)) sound = false;
      }
    }
    return sound;
  };
}

function limitsOfRow({ data, channels, strides, grid, weights }: ClassScores, limits: readonly number[]): LabelRow {
  const columns = grid.shape[2];
  return (k, j, maps, at) => {
    let sound = true;
    const share = weights === undefined ? 1 : weights.slice[k]! * weights.row[j]!;
    for (let c = 0; c < channels; c++) {
      const labels = maps[c]!;
      const limit = limits[c]! * share;
      let from = c * strides.channel + k * strides.slice + j * strides.row;
      for (let i = 0; i < columns; i++) {
        const score = data[from]!;
        from += strides.column;
        if (score >= limit * (weights?.column[i] ?? 1)) labels[at + i] = c + 1;
        else if (Number.isNaN(score)) sound = false;
      }
    }
    return sound;
  };
}
