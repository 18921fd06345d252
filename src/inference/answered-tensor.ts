/** What a model answered, found by its name in the card. */
import { WetreadError } from '../errors.ts';
import type { InferenceResponse, Tensor } from './tensor.ts';

/** @throws WetreadError `inference-failed` where the model gave no such output. */
export function answeredTensor({ outputs }: InferenceResponse, name: string): Tensor {
  const tensor = outputs.find((one) => one.name === name);
  if (tensor === undefined) throw wrongAnswer(`it has no output ${name}`);
  return tensor;
}

/** @param what is wrong with the answer, such as `it has no output scores` */
export function wrongAnswer(what: string): WetreadError {
  return new WetreadError('inference-failed', `The answer of the model: ${what}`);
}
