/** The classification head: scores of a whole image or volume to findings that are present, absent or undetermined. */
import { reason, type Skipped } from '../../reasons.ts';
import { answeredTensor, wrongAnswer } from '../answered-tensor.ts';
import { conceptOf } from '../finding-concept.ts';
import type { Finding, InstanceReference } from '../findings.ts';
import type { ClassificationOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import { calibrated, probabilitiesFrom } from './probability.ts';

type ClassLabel = ClassificationOutput['labels'][number];

/** More digits would differ between machines, and pretend a precision that no classifier has. */
const DECIMALS = 4;

/**
 * @param evidence the image that the scores are of; empty for a volume
 * @returns the reason where a class that must be there is not probable enough
 * @throws WetreadError `inference-failed` where name, datatype, shape or a value is not what the card declares
 */
export function classification(
  response: InferenceResponse,
  output: ClassificationOutput,
  evidence: readonly InstanceReference[],
): OutputReading | Skipped {
  const probabilities = probabilitiesOf(scoresOf(response, output), output);
  for (const { index, meaning, minimum } of output.gate) {
    const probability = probabilities[index]!;
    if (probability < minimum)
      return {
        skipped: reason('wrong-body-part', `${meaning}: probability ${probability.toFixed(2)}, at least ${minimum}`),
      };
  }
  return {
    findings: output.labels.map((label) => findingOf(label, probabilities[label.index]!, evidence)),
    parameters: Object.fromEntries(
      output.labels.map(({ key, thresholds: { present, absent } }) => [
        `threshold-${key}`,
        `present from ${present}, absent to ${absent}`,
      ]),
    ),
  };
}

function scoresOf(response: InferenceResponse, { tensor: name, labels, gate }: ClassificationOutput): Float32Array {
  const { data, shape, datatype } = answeredTensor(response, name);
  if (!(data instanceof Float32Array)) throw wrongAnswer(`${name} is ${datatype}, declared FP32`);
  const count = shape.at(-1) ?? 0;
  if (shape.length < 1 || shape.length > 2 || (shape.length === 2 && shape[0] !== 1) || data.length !== count)
    throw wrongAnswer(`${name} has shape [${shape.join(', ')}], declared [1, n] or [n]`);
  const wanted = Math.max(...[...labels, ...gate].map(({ index }) => index));
  if (wanted >= count) throw wrongAnswer(`${name} has ${count} scores, the card names number ${wanted}`);
  if (!data.every(Number.isFinite)) throw wrongAnswer(`${name} holds a score that is no number`);
  return data;
}

/** Before the calibration of single labels. */
function probabilitiesOf(
  scores: Float32Array,
  { activation, temperature = 1 }: ClassificationOutput,
): readonly number[] {
  return probabilitiesFrom(
    Array.from(scores, (score) => score / temperature),
    activation,
  );
}

function findingOf(label: ClassLabel, score: number, evidence: readonly InstanceReference[]): Finding {
  const probability = Number(calibrated(score, label.calibration).toFixed(DECIMALS));
  return {
    key: label.key,
    ...conceptOf(label),
    presence: presenceOf(probability, label.thresholds),
    probability,
    measurements: [],
    evidence: [...evidence],
  };
}

function presenceOf(
  probability: number,
  { present, absent }: ClassLabel['thresholds'],
): NonNullable<Finding['presence']> {
  if (probability >= present) return 'present';
  return probability <= absent ? 'absent' : 'undetermined';
}
