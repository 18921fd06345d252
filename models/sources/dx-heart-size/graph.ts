/**
 * `heart.onnx`: two weighted sums over the pixels of a small radiograph, one for "this is a frontal chest", one for the
 * cardiothoracic ratio, each as a logit. The weights are learned (`learn.ts`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder } from '../../../adapters/onnx-writer/graph-builder.ts';
import { floats } from '../../../adapters/onnx-writer/tensor-literal.ts';

/** Rows and columns of the input. */
export const SIZE = 24;
/** The sum is 1 for a frontal chest and -1 for anything else. */
const CHEST_STEEPNESS = 6;
/** Of the ratio: where the heart counts as enlarged, and how far a ratio that was read is off (standard deviation). */
const ENLARGED = 0.5;
const RATIO_DEVIATION = 0.02;
/** A logistic curve of this steepness is nearest to a normal distribution of deviation 1. */
const LOGISTIC = 1.702;

interface Weights {
  readonly ratio: string;
  readonly chest: string;
}

export function heartGraph(): GraphBuilder {
  const { ratio, chest } = JSON.parse(readFileSync(join(import.meta.dirname, 'weights.json'), 'utf8')) as Weights;
  const steepness = LOGISTIC / RATIO_DEVIATION;
  const columns = [
    valuesOf(chest).map((weight) => weight * CHEST_STEEPNESS),
    valuesOf(ratio).map((weight) => weight * steepness),
  ];
  const offsets = columns.map((weights, at) => weights.at(-1)! - (at === 1 ? ENLARGED * steepness : 0));
  const pixels = SIZE * SIZE;
  const matrix = Array.from({ length: pixels * 2 }, (_, at) => columns[at % 2]![Math.floor(at / 2)]!);
  const graph = new GraphBuilder('dx-heart-size');
  const image = graph.input('image', 'FLOAT', [1, 1, SIZE, SIZE]);
  const flat = graph.node('Flatten', [image], { axis: 1 });
  const sums = graph.node('Gemm', [
    flat,
    graph.constant(floats(matrix, [pixels, 2])),
    graph.constant(floats(offsets, [2])),
  ]);
  graph.output(sums, 'FLOAT', [1, 2], 'scores');
  return graph;
}

function valuesOf(base64: string): readonly number[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
}
