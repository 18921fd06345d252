/** May requests be joined? Only where the first axis of every tensor of the graph counts them. */
import type { GraphFacts } from './graph-facts.ts';
import type { InputRule, ModelCard } from './model-package.ts';
import { inputLayout } from './prepare.ts';

const KEY = '/runtime/batching';

/** Sentences that begin with the key of the card. */
export function batchingContradictions({ runtime, input }: ModelCard, { inputs, outputs }: GraphFacts): string[] {
  if (runtime.kind !== 'onnx' || runtime.batching === undefined) return [];
  const first = firstAxis(input);
  if (first !== 'N')
    return [`${KEY}: the first axis of the input is ${first}, not N: requests cannot be joined along it`];
  const described = [...inputs, ...outputs].flatMap(({ name, shape }) =>
    shape === undefined ? [] : [{ name, shape }],
  );
  const fixed = described.filter(({ shape }) => typeof shape[0] !== 'string');
  const names = new Set(
    described.flatMap(({ shape: [rows] }) => (typeof rows === 'string' && rows !== '' ? [rows] : [])),
  );
  return [
    ...fixed.map(
      ({ name, shape: [rows] }) =>
        `${KEY}: axis 0 of ${name} ${rows === undefined ? 'is missing' : `is fixed to ${rows}`} in the graph`,
    ),
    ...(names.size > 1 ? [`${KEY}: the first axes differ in the graph: ${[...names].join(', ')}`] : []),
  ];
}

function firstAxis(input: InputRule): string {
  switch (input.kind) {
    case 'volume':
      return inputLayout(input).charAt(0);
    case 'image':
      return input.layout.charAt(0);
    case 'slices':
    case 'pictures':
      return 'a picture';
  }
}
