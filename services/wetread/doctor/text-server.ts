/** A server of language models that packages name: whether it may be asked, and has the models that the cards name. */
import type { ChatCompletionsGenerator } from '../../../adapters/chat-completions/generator.ts';
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { type CheckResult, fail, ok, type Part, warn } from './check.ts';
import { type Address, reach } from './reach.ts';

export interface TextServerPart {
  /** Of `inference.servers`. */
  readonly name: string;
  readonly server: InferenceServer;
  readonly address: Address;
  readonly generator: Pick<ChatCompletionsGenerator, 'served'>;
  readonly cards: () => Promise<readonly ModelCard[]>;
}

export function textServerPart({ name, server, address, generator, cards }: TextServerPart): Part {
  const part = `inference.servers.${name}`;
  return {
    name: part,
    place: address.url.href,
    async examine(step) {
      if (!(await reach(address, step))) return;
      let served: readonly string[] = [];
      const answers = await step('protocol', async (signal) => {
        served = await generator.served(name, signal);
        return spoken(server, served);
      });
      if (!answers) return;
      const wanted = (await cards()).flatMap(({ runtime }) =>
        runtime.kind === 'chat-completions' && runtime.server === name ? runtime.model : [],
      );
      for (const model of new Set(wanted)) await step('model', () => Promise.resolve(modelResult(model, served)));
      if (wanted.length === 0)
        await step('model', () =>
          Promise.resolve(warn('No package names this server', `Remove ${part}, or name it in a card.`)),
        );
    },
  };
}

function spoken({ remote, imagesMayLeave }: InferenceServer, served: readonly string[]): CheckResult {
  if (remote && !imagesMayLeave)
    return fail('The server is remote, and images may not leave', 'Set remote: false where it is one of the site.');
  const where = remote ? 'outside the site: images leave, free text does not' : 'of the site';
  return ok(`${served.length === 1 ? '1 model' : `${served.length} models`}, ${where}`);
}

function modelResult(model: string, served: readonly string[]): CheckResult {
  return served.includes(model)
    ? ok(`${model} is there`)
    : fail(`${model} is not among its models`, 'Serve it under this name, or correct the model in the card.');
}
