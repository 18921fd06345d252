/** The embedding head: the likeness of a vector to reference vectors becomes findings; the vector stays with the study. */

import { code, NO_UNITS } from '../../codes.ts';
import { WetreadError } from '../../errors.ts';
import { wrongAnswer } from '../answered-tensor.ts';
import { SIMILARITY_KEY } from '../declared-findings.ts';
import { conceptOf } from '../finding-concept.ts';
import type { Finding, InstanceReference } from '../findings.ts';
import { rounded } from '../measures.ts';
import type { EmbeddingOutput, ModelPackage, ReferenceVectors } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import { vectorOf } from './vector.ts';

type LikenessFinding = EmbeddingOutput['findings'][number];

const COSINE_SIMILARITY = code('COSSIM', '99WETREAD', 'Cosine similarity to reference');
type Presence = NonNullable<Finding['presence']>;

/** More digits would differ between machines. */
const DECIMALS = 4;

/**
 * @param evidence the image that the vector is of; empty for a volume
 * @throws WetreadError `inference-failed` where name, datatype or shape is not what the card declares, or where the vector
 * has no direction
 */
export function embedding(
  response: InferenceResponse,
  output: EmbeddingOutput,
  references: ModelPackage['references'],
  evidence: readonly InstanceReference[],
): OutputReading {
  const vector = normalised(vectorOf(response, output));
  if (vector === undefined) throw wrongAnswer(`${output.tensor} holds a vector without a direction`);
  const [image] = evidence;
  const known = references?.[output.references] ?? { schemaVersion: 1, vectors: {} };
  return {
    findings: output.findings.map((rule) => findingOf(rule, cosineSimilarity(vector, rule, known), evidence)),
    embedding: { tensor: output.tensor, vector, ...(image && { sopInstanceUid: image.sopInstanceUid }) },
    parameters: Object.fromEntries(
      output.findings.map(({ key, thresholds: { present, absent } }) => [
        `threshold-${key}`,
        `present from ${present}, absent below ${absent}`,
      ]),
    ),
  };
}

function findingOf(rule: LikenessFinding, similarity: number, evidence: readonly InstanceReference[]): Finding {
  const value = rounded(similarity, DECIMALS);
  return {
    key: rule.key,
    ...conceptOf(rule),
    presence: presenceOf(rule, value),
    measurements: [{ key: SIMILARITY_KEY, concept: COSINE_SIMILARITY, unit: NO_UNITS, value }],
    evidence: [...evidence],
  };
}

function presenceOf({ thresholds: { present, absent } }: LikenessFinding, similarity: number): Presence {
  if (similarity >= present) return 'present';
  return similarity < absent ? 'absent' : 'undetermined';
}

function cosineSimilarity(
  vector: readonly number[],
  { reference: name }: LikenessFinding,
  { vectors }: ReferenceVectors,
): number {
  const reference = normalised(vectors[name] ?? []);
  // a package is checked for it when it is loaded
  if (reference?.length !== vector.length) throw new WetreadError('internal', `No reference vector ${name} that fits`);
  return vector.reduce((sum, value, at) => sum + value * reference[at]!, 0);
}

/** Of length 1; undefined of a vector that has no direction. */
export function normalised(vector: readonly number[]): readonly number[] | undefined {
  const length = Math.hypot(...vector);
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : undefined;
}
