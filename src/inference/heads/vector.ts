/** The numbers of an output that has one value for each place, such as a regression or an embedding. */
import { answeredTensor, wrongAnswer } from '../answered-tensor.ts';
import type { InferenceResponse } from '../tensor.ts';

/**
 * @param length of the tensor, `[length]` or `[1, length]`
 * @throws WetreadError `inference-failed` where name, datatype or shape is not what the card declares
 */
export function vectorOf(
  response: InferenceResponse,
  { tensor: name, length }: { readonly tensor: string; readonly length: number },
): readonly number[] {
  const { data, shape, datatype } = answeredTensor(response, name);
  if (!(data instanceof Float32Array)) throw wrongAnswer(`${name} is ${datatype}, declared FP32`);
  const isVector = shape.length === 1 || (shape.length === 2 && shape[0] === 1);
  if (!isVector || shape.at(-1) !== length || data.length !== length)
    throw wrongAnswer(`${name} has shape [${shape.join(', ')}], declared [${length}]`);
  return Array.from(data);
}
