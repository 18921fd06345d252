/** A tensor of a golden case with its values. */
import { goldenBytes } from '../../adapters/model-folder/golden-cases.ts';
import { fromBytes } from '../../adapters/open-inference/tensor-codec.ts';
import type { GoldenTensor } from '../../src/inference/golden.ts';
import type { Tensor } from '../../src/inference/tensor.ts';

/** @throws WetreadError `package-invalid` naming the file */
export async function loadGoldenTensor(folder: string, tensor: GoldenTensor): Promise<Tensor> {
  const { name, datatype, shape } = tensor;
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, datatype, shape, data: fromBytes(name, datatype, elements, await goldenBytes(folder, tensor)) };
}
