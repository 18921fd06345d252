/** The model packages, byte by byte, and the engine that runs them: each is run once on the smallest input. */
import type { FolderModelShelf } from '../../../adapters/model-folder/model-shelf.ts';
import type { ModelPackage } from '../../../src/inference/model-package.ts';
import { intensityStep } from '../../../src/inference/prepare.ts';
import type { InferenceEngine } from '../../../src/ports.ts';
import { type CheckResult, fail, ok, type Part, warn } from './check.ts';
import { type Address, reach } from './reach.ts';

export interface InferencePart {
  readonly shelf: () => Promise<FolderModelShelf>;
  readonly engine: InferenceEngine;
  /** Where it is a server of its own. */
  readonly address?: Address;
}

export function inferencePart({ shelf, engine, address }: InferencePart): Part {
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
      if (address !== undefined && !(await reach(address, step))) return;
      for (const model of packages) await step('run', (signal) => runOnce(engine, model, signal));
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

const SMALLEST = 16;

async function runOnce(engine: InferenceEngine, { card }: ModelPackage, signal: AbortSignal): Promise<CheckResult> {
  const count = SMALLEST ** 3;
  const { datatype, fill } = intensityStep(card.input);
  const voxels = datatype === 'INT16' ? new Int16Array(count).fill(fill) : new Float32Array(count).fill(fill);
  const input = { name: card.input.tensor, datatype, shape: [SMALLEST, SMALLEST, SMALLEST], data: voxels };
  const request = {
    model: card.name,
    version: card.version,
    inputs: [input],
    outputs: card.outputs.map(({ tensor }) => tensor),
  };
  const started = performance.now();
  const { provider } = await engine.infer(request, signal);
  return ok(
    `${card.name} ran on ${provider} in ${((performance.now() - started) / 1000).toFixed(2)} s, its start included`,
  );
}
