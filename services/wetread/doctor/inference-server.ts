/** A server of models that packages name: what it is, how tensors reach it, and whether it has what the cards say. */

import type { OpenInferenceEngine } from '../../../adapters/open-inference/engine.ts';
import type { ModelMetadata } from '../../../adapters/open-inference/metadata.ts';
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import { type ModelCard, outputTensors } from '../../../src/inference/model-package.ts';
import { type CheckResult, fail, ok, type Part, warn } from './check.ts';
import { type ModelServer, modelServerPart } from './model-server.ts';

export interface ServerPart extends ModelServer {
  readonly engine: OpenInferenceEngine;
}

export function inferenceServerPart(part: ServerPart): Part {
  const { server, engine } = part;
  return modelServerPart(
    part,
    async (signal) => spoken(server, await engine.server(signal)),
    (card, signal) => modelResult(engine, card, signal),
  );
}

function spoken(
  { protocol, tensors }: InferenceServer,
  { name, version, extensions }: Awaited<ReturnType<OpenInferenceEngine['server']>>,
): CheckResult {
  const listed = extensions.includes('binary_tensor_data');
  const binary = protocol === 'grpc' || tensors === 'binary' || (tensors === 'auto' && listed);
  const sentence = `${name} ${version}, over ${protocol}, tensors ${binary ? 'in binary' : 'as JSON'}`;
  return binary
    ? ok(sentence)
    : warn(sentence, 'JSON is slow for volumes: use protocol grpc, or tensors: binary where the server takes it.');
}

async function modelResult(engine: OpenInferenceEngine, card: ModelCard, signal: AbortSignal): Promise<CheckResult> {
  if (card.runtime.kind !== 'open-inference') return fail('The package has a graph', 'Leave its runtime to Wetread.');
  const { model = card.name, version } = card.runtime;
  const described = await engine.model(model, version, signal);
  const absent = undescribed(card, described);
  if (absent.length > 0)
    return fail(`${model} has no ${absent.join(', no ')}`, `Correct the tensors in the card of ${card.name}.`);
  const isTold = described.inputs.length > 0 && described.outputs.length > 0;
  return ok(
    `${model} is there${isTold ? ', with the tensors of the card' : '; the server does not describe its tensors'}`,
  );
}

/** Tensors of the card that the server does not list, where it lists any. */
function undescribed({ input, outputs }: ModelCard, described: ModelMetadata): readonly string[] {
  const lacks = (listed: ModelMetadata['inputs'], name: string): boolean =>
    listed.length > 0 && !listed.some((tensor) => tensor.name === name);
  const inputs = 'tensor' in input ? [input.tensor] : [];
  return [
    ...inputs.filter((name) => lacks(described.inputs, name)).map((name) => `input ${name}`),
    ...outputs
      .flatMap(outputTensors)
      .filter((name) => lacks(described.outputs, name))
      .map((name) => `output ${name}`),
  ];
}
