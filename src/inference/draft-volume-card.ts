/** What a graph says of the order of its axes and of its scores, for a card that is begun from it. */
import type { GraphValue } from './graph-facts.ts';
import { openQuestion } from './open-questions.ts';

/** `[slices, rows, columns]` need no word; a batch and a channel may be added, and nothing less can be declared. */
const PLAIN_RANK = 3;
/** Labels that a card can declare. */
const LABEL_DATATYPES: readonly string[] = ['UINT8', 'INT32', 'INT64', 'FP32'];

/** Keys of `input` that the only input of a graph asks for beside those of every volume. */
export function draftLayout(values: readonly GraphValue[]): Record<string, unknown> {
  const shape = onlyShape(values);
  if (shape === undefined || shape.length <= PLAIN_RANK) return {};
  const fixed = shape.filter((size) => typeof size === 'number' && size > 1);
  const window = {
    shape: openQuestion(
      `[slices, rows, columns] of [${shape.join(', ')}], which the graph takes; or "fit" or "shape" of the input in place of windows`,
    ),
    overlap: openQuestion('Number from 0 to 0.95: least part of a window that the next one repeats'),
    blend: openQuestion('"constant" or "gaussian"'),
  };
  return { layout: layoutQuestion(shape), ...(fixed.length >= PLAIN_RANK ? { window } : {}) };
}

/** The key `encoding` of a label map, where the only output of a graph is not UINT8 `[slices, rows, columns]`. */
export function draftEncoding(values: readonly GraphValue[]): Record<string, unknown> {
  const shape = onlyShape(values);
  const datatype = values[0]?.datatype ?? 'UINT8';
  if (shape === undefined || shape.length < PLAIN_RANK || !LABEL_DATATYPES.includes(datatype)) return {};
  const layout = shape.length === PLAIN_RANK ? {} : { layout: layoutQuestion(shape) };
  if (datatype === 'FP32' && shape.length > PLAIN_RANK)
    return {
      encoding: { kind: openQuestion('"logits", "probabilities" or "sigmoid" (one channel a structure)'), ...layout },
    };
  if (datatype === 'UINT8' && shape.length === PLAIN_RANK) return {};
  return { encoding: { kind: 'labels', datatype, ...layout } };
}

function onlyShape(values: readonly GraphValue[]): GraphValue['shape'] {
  const [only, ...others] = values;
  return others.length === 0 ? only?.shape : undefined;
}

function layoutQuestion(shape: readonly (number | string)[]): string {
  return openQuestion(
    `Order of the axes [${shape.join(', ')}]: N batch, C channel, D slices, H rows, W columns; "NCDHW", or "NCWHD" of a MONAI bundle`,
  );
}
