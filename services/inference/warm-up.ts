/**
 * The first run of a graph allocates and tunes: it is made before anybody waits for it. The golden case of the package
 * is run where there is one, so that a provider that computes something else is found before a patient is read.
 */
import { dirname } from 'node:path';
import { checksumsOf } from '../../adapters/model-folder/checksums.ts';
import { goldenCases, type NamedCase } from '../../adapters/model-folder/golden-cases.ts';
import type { GraphInterface, TensorSpec } from '../../adapters/onnxruntime/graph.ts';
import type { SessionProcess } from '../../adapters/onnxruntime/session-process.ts';
import { byteLengthOf, fromBytes } from '../../adapters/open-inference/tensor-codec.ts';
import { WetreadError } from '../../src/errors.ts';
import { compareTensor } from '../../src/inference/golden.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { textElements } from '../../src/inference/text-elements.ts';
import { loadGoldenTensor } from './golden-tensor.ts';
import type { PackagedModel } from './models.ts';

/**
 * @returns whether the output was that of a golden case; else the run was one on zeros, or failed on sizes that were a guess
 * @throws WetreadError `package-invalid` where it is another than the golden case says
 */
export async function warmUp(
  sessions: SessionProcess,
  { graph }: PackagedModel,
  face: GraphInterface,
): Promise<'golden' | 'zeros' | 'none'> {
  const folder = dirname(graph.path);
  const [golden] = await casesIn(folder);
  if (golden === undefined) return onZeros(sessions, graph, face);
  const { inputs, outputs } = golden.case;
  const given = await Promise.all(inputs.map((tensor) => loadGoldenTensor(folder, tensor)));
  const answers = await run(
    sessions,
    graph,
    given,
    outputs.map(({ tensor }) => tensor.name),
  );
  for (const [index, { tensor, tolerance }] of outputs.entries()) {
    const { holds } = compareTensor(await loadGoldenTensor(folder, tensor), answers[index], tolerance);
    if (!holds)
      throw new WetreadError(
        'package-invalid',
        `Golden case ${golden.name}: output ${tensor.name} on ${face.provider} is not what the package says`,
      );
  }
  return 'golden';
}

/** A network that halves its input five times cannot take a size of 1: that says nothing of what it is asked later. */
async function onZeros(
  sessions: SessionProcess,
  graph: PackagedModel['graph'],
  { inputs, outputs }: GraphInterface,
): Promise<'zeros' | 'none'> {
  const isGuess = inputs.some(({ shape }) => shape.includes(-1));
  try {
    await run(
      sessions,
      graph,
      inputs.map(zeros),
      outputs.map(({ name }) => name),
    );
    return 'zeros';
  } catch (cause) {
    if (isGuess && WetreadError.from(cause).code === 'inference-failed') return 'none';
    throw cause;
  }
}

async function casesIn(folder: string): Promise<readonly NamedCase[]> {
  const { cases, complaints } = await goldenCases(folder, [...(await checksumsOf(folder)).keys()]);
  if (complaints[0] !== undefined) throw new WetreadError('package-invalid', complaints[0]);
  return cases;
}

function run(
  sessions: SessionProcess,
  graph: PackagedModel['graph'],
  inputs: readonly Tensor[],
  outputs: readonly string[],
): Promise<readonly Tensor[]> {
  return sessions.run(graph, inputs, outputs, new AbortController().signal);
}

/** Of the size that the graph says; a size that may vary is 1. Texts are empty. */
function zeros({ name, datatype, shape }: TensorSpec): Tensor {
  const sizes = shape.map((size) => Math.abs(size));
  const elements = sizes.reduce((product, size) => product * size, 1);
  const bytes = byteLengthOf(datatype, elements);
  const data = bytes === undefined ? textElements(Array<string>(elements).fill('')) : new Uint8Array(bytes);
  return { name, datatype, shape: sizes, data: fromBytes(name, datatype, elements, data) };
}
