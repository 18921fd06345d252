/**
 * The vocabulary of the graph: masks, dilation, visibility, growth. A mask is FLOAT 0 or 1 and a label map FLOAT 0, 1,
 * 2 …, both of shape `[1, 1, slices, rows, columns]`: onnxruntime pools FLOAT eight times faster than UINT8 (docs/decisions).
 */
import type { GraphBuilder, Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { elementTypeNumber, floats, int64s } from '../../../adapters/onnx-writer/tensor-literal.ts';

export const AXIS = { slice: 2, row: 3, column: 4 } as const;
export type Axis = (typeof AXIS)[keyof typeof AXIS];

/** Windows in voxels along `[slice, row, column]`, or `[row, column]` where slices are the batch. */
type Window = readonly number[];

export class Morphology {
  readonly graph: GraphBuilder;

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  /** The same vocabulary for the body of a Loop or Scan. */
  subgraph(name: string): Morphology {
    return new Morphology(this.graph.subgraph(name));
  }

  number(value: number): Value {
    return this.graph.constant(floats([value], []));
  }

  index(...values: readonly number[]): Value {
    return this.graph.constant(int64s(values));
  }

  toMask(condition: Value): Value {
    return this.graph.node('Cast', [condition], { to: elementTypeNumber('FLOAT') });
  }

  toCondition(mask: Value): Value {
    return this.graph.node('Cast', [mask], { to: elementTypeNumber('BOOL') });
  }

  below(values: Value, limit: number): Value {
    return this.toMask(this.graph.node('Less', [values, this.number(limit)]));
  }

  above(values: Value, limit: number): Value {
    return this.toMask(this.graph.node('Greater', [values, this.number(limit)]));
  }

  not(mask: Value): Value {
    return this.graph.node('Sub', [this.number(1), mask]);
  }

  and(...masks: readonly Value[]): Value {
    return masks.reduce((left, right) => this.graph.node('Mul', [left, right]));
  }

  or(...masks: readonly Value[]): Value {
    return this.graph.node('Max', masks);
  }

  /** The largest value in a window around every voxel; outside the volume counts for nothing. */
  dilate(values: Value, window: Window): Value {
    const half = window.map((size) => (size - 1) / 2);
    return this.graph.node('MaxPool', [values], { kernel_shape: window, pads: [...half, ...half] });
  }

  erode(mask: Value, window: Window): Value {
    return this.not(this.dilate(this.not(mask), window));
  }

  /** Removes what is thinner than the window. */
  open(mask: Value, window: Window): Value {
    return this.dilate(this.erode(mask, window), window);
  }

  /** How much a value stands out from its line: the value less what is left of it when narrower peaks are cut off. */
  prominence(values: Value, window: Window): Value {
    const negated = this.graph.node('Neg', [values]);
    const lowered = this.graph.node('Neg', [this.dilate(negated, window)]);
    return this.graph.node('Sub', [values, this.dilate(lowered, window)]);
  }

  /** The mean in a window around every voxel, as far as it lies in the volume. */
  smooth(values: Value, window: Window): Value {
    const half = window.map((size) => (size - 1) / 2);
    return this.graph.node('AveragePool', [values], { kernel_shape: window, pads: [...half, ...half] });
  }

  /** Voxels between the first and the last voxel of the mask on their line along an axis. */
  between(mask: Value, axis: Axis): Value {
    const fromStart = this.toMask(this.positions(mask, axis));
    const toEnd = this.graph.node('Sub', [this.toMask(this.size(mask, axis)), fromStart]);
    const farthest = (distance: Value): Value =>
      this.graph.node('ReduceMax', [this.and(mask, distance), this.index(axis)]);
    const after = this.toMask(this.graph.node('Less', [toEnd, farthest(toEnd)]));
    const before = this.toMask(this.graph.node('Less', [fromStart, farthest(fromStart)]));
    return this.and(after, before);
  }

  /** Index along an axis, INT64, shaped to broadcast against a volume. */
  positions(like: Value, axis: Axis): Value {
    const size = this.size(like, axis);
    const zero = this.graph.constant(int64s([0], []));
    const one = this.graph.constant(int64s([1], []));
    const range = this.graph.node('Range', [zero, this.graph.node('Squeeze', [size]), one]);
    const axes = [0, 1, 2, 3, 4].filter((other) => other !== axis);
    return this.graph.node('Unsqueeze', [range, this.index(...axes)]);
  }

  size(values: Value, axis: Axis): Value {
    return this.graph.node('Shape', [values], { start: axis, end: axis + 1 });
  }

  sum(values: Value): Value {
    return this.graph.node('ReduceSum', [values], { keepdims: 0 });
  }

  /** The mean of the values within a mask; 0 where the mask is empty. */
  mean(values: Value, mask: Value): Value {
    return this.graph.node('Div', [this.sum(this.and(values, mask)), this.or(this.sum(mask), this.number(1))]);
  }

  /**
   * Labels spread to neighbours inside a mask, all at the same pace; where two arrive at once the larger wins. Ends
   * when nothing changes or after `rounds`. What the subgraph uses from outside is captured by name.
   */
  spread(labels: Value, mask: Value, rounds: number): Value {
    const body = this.subgraph('spread');
    body.graph.parameter('INT64', []);
    body.graph.parameter('BOOL', []);
    const before = body.graph.parameter('FLOAT');
    const arrived = body.and(body.dilate(before, [3, 3, 3]), mask);
    const after = body.graph.node('Where', [body.toCondition(before), before, arrived]);
    const changed = body.graph.node('Not', [body.graph.node('Equal', [body.sum(before), body.sum(after)])]);
    body.graph.output(changed, 'BOOL', []);
    body.graph.output(after, 'FLOAT');
    const limit = this.graph.constant(int64s([rounds], []));
    return this.graph.node('Loop', [limit, undefined, labels], { body: { graph: body.graph.build() } });
  }
}
