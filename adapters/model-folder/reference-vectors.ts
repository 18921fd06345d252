/** Files of reference vectors that the embeddings of a package are compared with. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { validateReferenceVectors } from '../../contracts/generated/validators.js';
import { referenceContradictions } from '../../src/inference/heads/check-numbers.ts';
import type { ModelCard, ReferenceVectors } from '../../src/inference/model-package.ts';
import { parseJson } from './schema-errors.ts';

export interface LoadedReferences {
  /** By the name of their file; undefined where the card names none. */
  readonly references?: Readonly<Record<string, ReferenceVectors>>;
  readonly complaints: readonly string[];
}

/** @param names files of the package, all of which its checksums cover */
export async function loadReferences(
  folder: string,
  names: readonly string[],
  { outputs }: ModelCard,
): Promise<LoadedReferences> {
  const embeddings = outputs.filter((output) => output.kind === 'embedding');
  if (embeddings.length === 0) return { complaints: [] };
  const references: Record<string, ReferenceVectors> = {};
  const complaints: string[] = [];
  for (const output of embeddings) {
    const file = output.references;
    if (!names.includes(file)) {
      complaints.push(`${file} is missing`);
      continue;
    }
    const { value, errors } = parseJson(await readFile(join(folder, file), 'utf8'), validateReferenceVectors);
    complaints.push(...errors.map(({ text }) => `${file}: ${text}`));
    if (value === undefined) continue;
    references[file] = value;
    complaints.push(...referenceContradictions(output, value));
  }
  return { references, complaints };
}
