/** What servers of models that packages name have in common, whatever they speak. */
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { imagesStay } from '../wiring/inference.ts';
import { type CheckResult, fail, type Part, type Step, warn } from './check.ts';
import { type Address, reach } from './reach.ts';

export interface ModelServer {
  /** Of `inference.servers`. */
  readonly name: string;
  readonly server: InferenceServer;
  readonly address: Address;
  readonly cards: () => Promise<readonly ModelCard[]>;
}

/**
 * @param speaks what the server is, where it answers in its protocol
 * @param has for each card that names it, whether it has what the card says
 */
export function modelServerPart(
  { name, server, address, cards }: ModelServer,
  speaks: (signal: AbortSignal) => Promise<CheckResult>,
  has: (card: ModelCard, signal: AbortSignal) => Promise<CheckResult>,
): Part {
  const part = `inference.servers.${name}`;
  const examineCards = async (step: Step): Promise<void> => {
    const here = (await cards()).filter(({ runtime }) => runtime.kind !== 'onnx' && runtime.server === name);
    for (const card of here) await step('model', (signal) => has(card, signal));
    if (here.length > 0) return;
    await step('model', async () => warn('No package names this server', `Remove ${part}, or name it in a card.`));
  };
  return {
    name: part,
    place: address.url.href,
    async examine(step) {
      if (!(await reach(address, step))) return;
      const answers = await step('protocol', async (signal) => {
        const said = await asked(part, speaks, signal);
        return imagesStay(server) && said.status !== 'fail' ? staysAt(part) : said;
      });
      if (answers) await examineCards(step);
    },
  };
}

/** Whatever it answered, it is not what packages need; the key says where the site can mend it. */
async function asked(
  part: string,
  speaks: (signal: AbortSignal) => Promise<CheckResult>,
  signal: AbortSignal,
): Promise<CheckResult> {
  try {
    return await speaks(signal);
  } catch (cause) {
    const { message } = WetreadError.from(cause);
    return fail(message, `Correct ${part}.url or ${part}.credentials; the log of that server says more.`);
  }
}

function staysAt(part: string): CheckResult {
  const fix = `Set ${part}.remote: false where it is one of the site, or imagesMayLeave: true.`;
  return fail('The server is remote, and images may not leave', fix);
}
