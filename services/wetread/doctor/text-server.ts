/** A server of language models that packages name: whether it may be asked, and has the models that the cards name. */
import type { ChatCompletionsGenerator } from '../../../adapters/chat-completions/generator.ts';
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { type CheckResult, fail, ok, type Part } from './check.ts';
import { type ModelServer, modelServerPart } from './model-server.ts';

export interface TextServerPart extends ModelServer {
  readonly generator: Pick<ChatCompletionsGenerator, 'served'>;
}

export function textServerPart(part: TextServerPart): Part {
  const { name, server, generator } = part;
  let served: readonly string[] = [];
  return modelServerPart(
    part,
    async (signal) => {
      served = await generator.served(name, signal);
      return spoken(server, served);
    },
    async ({ runtime }) => modelResult(runtime, served),
  );
}

function spoken({ remote }: InferenceServer, served: readonly string[]): CheckResult {
  const where = remote ? 'outside the site: images leave, free text does not' : 'of the site';
  return ok(`${served.length === 1 ? '1 model' : `${served.length} models`}, ${where}`);
}

function modelResult(runtime: ModelCard['runtime'], served: readonly string[]): CheckResult {
  if (runtime.kind !== 'chat-completions')
    return fail(
      'The package is run by another kind of server',
      'Correct the runtime in the card, or the kind of the server.',
    );
  const { model } = runtime;
  return served.includes(model)
    ? ok(`${model} is there`)
    : fail(`${model} is not among its models`, 'Serve it under this name, or correct the model in the card.');
}
