/** The first run of a graph allocates and tunes: it is made before anybody waits for it. */
import type { GraphInterface, TensorSpec } from '../../adapters/onnxruntime/graph.ts';
import type { SessionProcess } from '../../adapters/onnxruntime/session-process.ts';
import { byteLengthOf, fromBytes } from '../../adapters/open-inference/tensor-codec.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { textElements } from '../../src/inference/text-elements.ts';
import type { PackagedModel } from './models.ts';

/** One run on zeros, or empty texts, of the size that the graph says; a size that may vary is 1. */
export async function warmUp(sessions: SessionProcess, { graph }: PackagedModel, face: GraphInterface): Promise<void> {
  const outputs = face.outputs.map(({ name }) => name);
  await sessions.run(graph, face.inputs.map(zeros), outputs, new AbortController().signal);
}

function zeros({ name, datatype, shape }: TensorSpec): Tensor {
  const sizes = shape.map((size) => Math.abs(size));
  const elements = sizes.reduce((product, size) => product * size, 1);
  const bytes = byteLengthOf(datatype, elements);
  const data = bytes === undefined ? textElements(Array<string>(elements).fill('')) : new Uint8Array(bytes);
  return { name, datatype, shape: sizes, data: fromBytes(name, datatype, elements, data) };
}
