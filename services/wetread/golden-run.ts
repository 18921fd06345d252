/** Runs golden cases where the site would run the package: in the inference process that the configuration names. */
import type { NamedCase } from '../../adapters/model-folder/golden-cases.ts';
import { WetreadError } from '../../src/errors.ts';
import { type Comparison, compareTensor } from '../../src/inference/golden.ts';
import type { ModelCard } from '../../src/inference/model-package.ts';
import type { InferenceEngine } from '../../src/ports.ts';
import { loadGoldenTensor } from '../inference/golden-tensor.ts';

export interface GoldenResult {
  readonly model: string;
  readonly version: string;
  readonly case: string;
  readonly holds: boolean;
  /** Execution provider that ran it. */
  readonly provider?: string;
  readonly outputs: readonly Comparison[];
  /** Why there are no outputs. */
  readonly fault?: string;
}

/** A case that cannot be run is one that does not hold; the others are run. */
export async function runGolden(
  engine: InferenceEngine,
  { name: model, version }: Pick<ModelCard, 'name' | 'version'>,
  folder: string,
  golden: NamedCase,
  signal: AbortSignal,
): Promise<GoldenResult> {
  const about = { model, version, case: golden.name };
  const { inputs, outputs } = golden.case;
  try {
    const given = await Promise.all(inputs.map((tensor) => loadGoldenTensor(folder, tensor)));
    const wanted = outputs.map(({ tensor }) => tensor.name);
    const response = await engine.infer({ model, version, inputs: given, outputs: wanted }, signal);
    const comparisons = await Promise.all(
      outputs.map(async ({ tensor, tolerance }) => {
        const actual = response.outputs.find(({ name }) => name === tensor.name);
        return compareTensor(await loadGoldenTensor(folder, tensor), actual, tolerance);
      }),
    );
    const holds = comparisons.every((comparison) => comparison.holds);
    return { ...about, holds, provider: response.provider, outputs: comparisons };
  } catch (cause) {
    if (signal.aborted) throw cause;
    const { code, message } = WetreadError.from(cause);
    return { ...about, holds: false, outputs: [], fault: `${message} [${code}]` };
  }
}
