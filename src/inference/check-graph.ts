/** Does the graph do what the card says? Names, types and ranks of inputs and outputs, before anything is run. */
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import type { ModelCard } from './model-package.ts';

/** `[slices, rows, columns]`. */
const VOLUME_RANK = 3;

/** Sentences that begin with the key of the card; none where card and graph agree. */
export function graphContradictions(card: ModelCard, graph: GraphFacts): string[] {
  const { runtime, input, outputs } = card;
  const undeclared = graph.inputs.filter(({ name }) => name !== input.tensor);
  return [
    ...(runtime.kind !== 'onnx' || runtime.opset === graph.opset
      ? []
      : [`/runtime/opset: the graph has ${graph.opset}`]),
    ...mismatches('/input/tensor', 'input', input.tensor, input.intensity.datatype, graph.inputs),
    ...undeclared.map(({ name }) => `/input: the graph also wants ${name}, which nothing fills`),
    ...outputs.flatMap(({ tensor }, at) =>
      mismatches(`/outputs/${at}/tensor`, 'output', tensor, 'UINT8', graph.outputs),
    ),
  ];
}

function mismatches(
  key: string,
  kind: 'input' | 'output',
  name: string,
  datatype: string,
  values: readonly GraphValue[],
): string[] {
  const value = values.find((one) => one.name === name);
  if (value === undefined) {
    const names = values.map((one) => one.name).join(', ');
    return [`${key}: the graph has no ${kind} ${name}; it has ${names === '' ? 'none' : names}`];
  }
  const { shape } = value;
  const fixed = shape?.findIndex((size) => typeof size === 'number') ?? -1;
  return [
    ...(value.datatype === datatype ? [] : [`${key}: ${name} is ${value.datatype} in the graph, not ${datatype}`]),
    ...(shape === undefined || shape.length === VOLUME_RANK
      ? []
      : [`${key}: ${name} has rank ${shape.length} in the graph, not ${VOLUME_RANK}: slices, rows, columns`]),
    ...(shape?.length === VOLUME_RANK && fixed >= 0
      ? [`${key}: axis ${fixed} of ${name} is fixed to ${shape[fixed]} in the graph; volumes vary in size`]
      : []),
  ];
}
