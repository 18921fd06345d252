/** Begins a package from an ONNX file: a folder with the graph, its external data, and a card full of questions. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WetreadError } from '../../src/errors.ts';
import { bundleCard } from '../../src/inference/bundle-card.ts';
import { bundleMetadata } from '../../src/inference/bundle-metadata.ts';
import { draftCard, shortName } from '../../src/inference/draft-card.ts';
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
export function beginPackage(file: string, home: string): Promise<BegunPackage> {
  return begin(file, home, shortName(basename(file).replace(/\.onnx$/i, '')), draftCard);
}

/** Where a MONAI bundle keeps what is read of it; its weights for PyTorch are left alone, they are pickles. */
const BUNDLE_METADATA = join('configs', 'metadata.json');
const BUNDLE_GRAPH = join('models', 'model.onnx');
const LONGEST_METADATA = 2 ** 20;

/**
 * The same from the folder of a MONAI bundle, with what its metadata says.
 * @throws WetreadError also `package-invalid` where metadata or graph are missing or not of volumes
 */
export async function beginFromBundle(bundle: string, home: string): Promise<BegunPackage> {
  const metadata = bundleMetadata(await bundleJson(join(bundle, BUNDLE_METADATA)));
  const file = join(bundle, BUNDLE_GRAPH);
  if ((await stat(file).catch(() => undefined))?.isFile() !== true)
    throw new WetreadError('package-invalid', 'The bundle holds no graph: export models/model.onnx first');
  const name = shortName(metadata.text('name') ?? basename(resolve(bundle)));
  return begin(file, home, name, (facts, graph) => bundleCard(facts, metadata, graph));
}

async function bundleJson(path: string): Promise<unknown> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new WetreadError('package-invalid', 'The folder is no MONAI bundle: it has no configs/metadata.json');
  if (found.size > LONGEST_METADATA) throw new WetreadError('package-invalid', 'configs/metadata.json is too long');
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new WetreadError('package-invalid', 'configs/metadata.json is not JSON', { cause });
  }
}

async function begin(file: string, home: string, named: string, cardOf: typeof draftCard): Promise<BegunPackage> {
  const name = named === '' ? 'model' : named;
  const { facts: graph, weights, complaints } = await readGraphFile(dirname(file), basename(file));
  if (complaints.length > 0)
    throw new WetreadError('package-invalid', `The graph is refused: ${complaints.join('; ')}`);
  const bytes = await readFile(file);
  const folder = join(home, name);
  const graphFile = `${name}.onnx`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const card = cardOf({ name, file: graphFile, sha256 }, graph);
  await mkdir(home, { recursive: true });
  await mkdir(folder).catch((cause: unknown) => {
    throw new WetreadError('conflict', `${name} is already there`, { cause });
  });
  await writeFile(join(folder, graphFile), bytes);
  for (const location of weights) {
    await mkdir(dirname(join(folder, location)), { recursive: true });
    await copyFile(join(dirname(file), location), join(folder, location));
  }
  await writeFile(join(folder, CARD), `${JSON.stringify(card, null, 2)}\n`);
  return { folder, graph };
}
