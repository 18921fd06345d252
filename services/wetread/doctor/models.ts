/** The model packages, byte by byte, and the engine that runs them: each is run once on the smallest input. */
import type { FolderModelShelf } from '../../../adapters/model-folder/model-shelf.ts';
import { WetreadError } from '../../../src/errors.ts';
import { type ModelCard, type ModelPackage, reads } from '../../../src/inference/model-package.ts';
import { sampleRequest } from '../../../src/inference/prepare.ts';
import { requireModels } from '../../../src/inference/rules/parse-rules.ts';
import type { Rule } from '../../../src/inference/rules/rule.ts';
import type { InferenceEngine } from '../../../src/ports.ts';
import { type CheckResult, fail, ok, type Part, warn } from './check.ts';
import { type Address, reach } from './reach.ts';

export interface InferencePart {
  readonly shelf: () => Promise<FolderModelShelf>;
  readonly rules: readonly Rule[];
  /** For the packages that the shelf holds. */
  readonly engine: (cards: readonly ModelCard[]) => Promise<InferenceEngine>;
  /** Where it is a server of its own. */
  readonly address?: Address;
}

export function inferencePart({ shelf, rules, engine, address }: InferencePart): Part {
  return {
    name: 'inference',
    place: address?.url.href ?? 'a process of Wetread itself',
    async examine(step) {
      let packages: readonly ModelPackage[] = [];
      await step('packages', async () => {
        const opened = await shelf();
        packages = opened.packages();
        return packagesResult(opened);
      });
      if (rules.length > 0) await step('rules', async () => rulesResult(rules, packages));
      if (address !== undefined && !(await reach(address, step))) return;
      let opened: InferenceEngine | undefined;
      await step('servers', async () => {
        opened = await engine(packages.map(({ card }) => card));
        return ok('Every package can be run where its card says');
      });
      if (opened === undefined) return;
      for (const model of packages) await step('run', (signal) => runOnce(opened!, model, signal));
    },
  };
}

function packagesResult(shelf: FolderModelShelf): CheckResult {
  const names = shelf.packages().map(({ card }) => `${card.name} ${card.version}`);
  const [first] = shelf.refused;
  if (first !== undefined)
    return fail(first.error.message, 'Install the package again; studies that it might read are parked.');
  if (names.length === 0)
    return warn('No model package is installed', 'Name a folder in `models`; every study is not-selected.');
  return ok(`${names.join(', ')}: as their checksums say`);
}

/** A rule whose model is not there keeps the server from starting. */
function rulesResult(rules: readonly Rule[], packages: readonly ModelPackage[]): CheckResult {
  try {
    requireModels(rules, packages);
    return ok('Every model that they name is there');
  } catch (cause) {
    const { message } = WetreadError.from(cause);
    return fail(message, 'Correct the name, or add the folder of its package to `models`.');
  }
}

async function runOnce(engine: InferenceEngine, { card }: ModelPackage, signal: AbortSignal): Promise<CheckResult> {
  if (!reads(card, 'volume')) return ok(`${card.name} reads ${card.input.kind}: tried by \`wetread models test\``);
  const request = sampleRequest(card);
  const started = performance.now();
  const { provider } = await engine.infer(request, signal);
  return ok(
    `${card.name} ran on ${provider} in ${((performance.now() - started) / 1000).toFixed(2)} s, its start included`,
  );
}
