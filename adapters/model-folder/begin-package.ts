/** Begins a package from an ONNX file: a folder with the graph, its external data, and a card full of questions. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { WetreadError } from '../../src/errors.ts';
import { draftCard } from '../../src/inference/draft-card.ts';
import type { GraphFacts } from '../../src/inference/graph-facts.ts';
import { readGraphFile } from './graph-file.ts';
import { CARD } from './inspect.ts';

export interface BegunPackage {
  readonly folder: string;
  readonly graph: GraphFacts;
}

/**
 * Makes `home`/NAME, NAME from the name of the file.
 * @throws WetreadError `package-invalid` where the graph is refused, `conflict` where the folder is there
 */
export async function beginPackage(file: string, home: string): Promise<BegunPackage> {
  const { facts: graph, weights, complaints } = await readGraphFile(dirname(file), basename(file));
  if (complaints.length > 0)
    throw new WetreadError('package-invalid', `The graph is refused: ${complaints.join('; ')}`);
  const bytes = await readFile(file);
  const name = nameFrom(file);
  const folder = join(home, name);
  await mkdir(home, { recursive: true });
  await mkdir(folder).catch((cause: unknown) => {
    throw new WetreadError('conflict', `${name} is already there`, { cause });
  });
  const graphFile = `${name}.onnx`;
  await writeFile(join(folder, graphFile), bytes);
  for (const location of weights) {
    await mkdir(dirname(join(folder, location)), { recursive: true });
    await copyFile(join(dirname(file), location), join(folder, location));
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const card = draftCard({ name, file: graphFile, sha256 }, graph);
  await writeFile(join(folder, CARD), `${JSON.stringify(card, null, 2)}\n`);
  return { folder, graph };
}

/** As the schema of cards wants it. */
function nameFrom(file: string): string {
  const name = basename(file)
    .replace(/\.onnx$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'model' : name;
}
