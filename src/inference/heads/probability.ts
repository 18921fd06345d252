/** Scores made probabilities, and probabilities made to mean what they say. */
import { wrongAnswer } from '../answered-tensor.ts';
import type { ClassificationOutput, DetectionOutput } from '../model-package.ts';

type Activation = ClassificationOutput['activation'];
type Calibration = NonNullable<DetectionOutput['calibration']>;

/**
 * @param scores of one image, or of one candidate
 * @throws WetreadError `inference-failed` where a score gives no probability: it would pass or fail a threshold unseen
 */
export function probabilitiesFrom(scores: readonly number[], activation: Activation): readonly number[] {
  const probabilities = ACTIVATIONS[activation](scores);
  const wrong = probabilities.find((probability) => !(probability >= 0 && probability <= 1));
  if (wrong !== undefined) throw wrongAnswer(`it has a score that gives no probability: ${wrong}`);
  return probabilities;
}

const ACTIVATIONS: Readonly<Record<Activation, (scores: readonly number[]) => readonly number[]>> = {
  none: (scores) => scores,
  sigmoid: (scores) => scores.map(sigmoid),
  softmax(scores) {
    const highest = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - highest));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  },
};

/** Probabilities of exactly 0 and 1 have no logit; these have one that no threshold tells from it. */
const CERTAIN = 1e-9;

/** Platt's scaling, of the logit; as it is where the card declares none. */
export function calibrated(probability: number, calibration: Calibration | undefined): number {
  if (calibration === undefined) return probability;
  const inside = Math.min(1 - CERTAIN, Math.max(CERTAIN, probability));
  return sigmoid(calibration.slope * Math.log(inside / (1 - inside)) + calibration.intercept);
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
