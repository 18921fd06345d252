/** Vectors that models made of a study: a document of their own, so that neither draft nor findings carry them. */
import type { StudyEmbedding } from '../../contracts/generated/types.ts';
import type { Reading } from '../inference/reading.ts';

/** `embedding.json`; undefined where no model gave a vector. */
export function embeddingDocument(
  studyInstanceUid: string,
  readings: readonly Pick<Reading, 'findings' | 'embeddings'>[],
): StudyEmbedding | undefined {
  const [first, ...others] = readings.flatMap(({ findings: { algorithm, seriesInstanceUid }, embeddings = [] }) =>
    embeddings.map(({ tensor, vector: [head, ...tail], sopInstanceUid }) => ({
      algorithm,
      seriesInstanceUid,
      tensor,
      ...(sopInstanceUid === undefined ? {} : { sopInstanceUid }),
      vector: [head!, ...tail] as [number, ...number[]],
    })),
  );
  return first && { schemaVersion: 1, studyInstanceUid, embeddings: [first, ...others] };
}
