/** Was there anything to search? Without it, that nothing was found says nothing. */
import { reason, type Skipped } from '../../reasons.ts';
import { answeredTensor, wrongAnswer } from '../answered-tensor.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { InferenceResponse } from '../tensor.ts';

/**
 * The first number outside its range; undefined where the detections may be told.
 * @throws WetreadError `inference-failed` where the model did not give the number
 */
export function gateDetections(response: InferenceResponse, { gate }: DetectionOutput): Skipped | undefined {
  for (const { tensor: name, element, meaning, minimum, maximum } of gate) {
    const { data } = answeredTensor(response, name);
    const value = data[element];
    if (value === undefined) throw wrongAnswer(`${name} has ${data.length} numbers, the card names number ${element}`);
    if (!(Number(value) >= minimum && Number(value) <= maximum))
      return {
        skipped: reason(
          'wrong-body-part',
          `${meaning}: ${Number(value).toFixed(1)}, expected ${minimum} to ${maximum}`,
        ),
      };
  }
  return undefined;
}
