/** One window of a prepared tensor, as a tensor of its own. */
import { stridesOf, type TensorLayout, tensorShape } from '../assembly/layout.ts';
import type { WindowPlace } from './sliding-window.ts';

type Shape3 = readonly [number, number, number];

export interface PreparedTensor {
  readonly data: Int16Array | Float32Array;
  readonly layout: TensorLayout;
  /** Of the grid, `[slices, rows, columns]`. */
  readonly shape: Shape3;
  readonly channels: number;
}

/** A copy in the same layout: the innermost axis is copied in one piece. */
export function windowInput(whole: PreparedTensor, window: Shape3, [k, j, i]: WindowPlace): PreparedTensor['data'] {
  const { data, layout, shape, channels } = whole;
  const sizes = tensorShape(layout, window, channels);
  const strides = stridesOf(layout, shape, channels);
  const perAxis: Readonly<Record<string, number>> = {
    ...{ N: 0, C: strides.channel, D: strides.slice, H: strides.row, W: strides.column },
  };
  const count = sizes.reduce((product, size) => product * size, 1);
  const copy = data instanceof Int16Array ? new Int16Array(count) : new Float32Array(count);
  const run = sizes.at(-1)!;
  const start = k * strides.slice + j * strides.row + i * strides.column;
  for (let at = 0; at < count; at += run) {
    let from = start;
    let rest = at / run;
    for (let axis = sizes.length - 2; axis >= 0; axis--) {
      const size = sizes[axis]!;
      from += (rest % size) * perAxis[layout[axis]!]!;
      rest = Math.floor(rest / size);
    }
    copy.set(data.subarray(from, from + run), at);
  }
  return copy;
}
