/** The numbers of an output that has one value for each place, such as a regression or an embedding. */
import { WetreadError } from '../../errors.ts';
import type { InferenceResponse } from '../tensor.ts';

/**
 * @param length of the tensor, `[length]` or `[1, length]`
 * @throws WetreadError `inference-failed` where name, datatype or shape is not what the card declares
 */
export function vectorOf(
  { outputs }: InferenceResponse,
  { tensor: name, length }: { readonly tensor: string; readonly length: number },
): readonly number[] {
  const tensor = outputs.find((one) => one.name === name);
  if (tensor === undefined) throw failed(`has no output ${name}`);
  const { data, shape, datatype } = tensor;
  if (!(data instanceof Float32Array)) throw failed(`${name} is ${datatype}, declared FP32`);
  const isVector = shape.length === 1 || (shape.length === 2 && shape[0] === 1);
  if (!isVector || shape.at(-1) !== length || data.length !== length)
    throw failed(`${name} has shape [${shape.join(', ')}], declared [${length}]`);
  return Array.from(data);
}

export function failed(what: string): WetreadError {
  return new WetreadError('inference-failed', `The answer of the model ${what}`);
}
