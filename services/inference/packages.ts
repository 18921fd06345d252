/**
 * Finds model packages below the folders that are configured. Of a card, a server of graphs needs three things: name,
 * version, and the graph with its digest; what the model means is for the reader of its results to check.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checksumsOf, digestOf } from '../../adapters/model-folder/checksums.ts';
import { requireContainedGraph } from '../../adapters/model-folder/graph-file.ts';
import { requireSignature, type TrustedKey } from '../../adapters/model-folder/signature.ts';
import { verifyGraph } from '../../adapters/onnxruntime/graph.ts';
import { WetreadError } from '../../src/errors.ts';
import type { BatchRule } from './batcher.ts';
import { batchRuleIn } from './batching.ts';
import type { PackagedModel } from './models.ts';

const CARD = 'card.json';

/** By the name of the model, in place of what its card says. */
export type BatchRules = ReadonlyMap<string, BatchRule>;

interface Card {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly runtime?: { kind?: unknown; file?: unknown; sha256?: unknown; batching?: unknown };
}

/**
 * Packages in the order of the folders; one that fails is there, with the reason.
 * @throws WetreadError `config-invalid` where a folder cannot be read
 */
export async function packagesIn(
  folders: readonly string[],
  batching: BatchRules = new Map(),
  trustedKeys: readonly TrustedKey[] = [],
): Promise<readonly PackagedModel[]> {
  const homes = (await Promise.all(folders.map(packageFolders))).flat();
  const found = (await Promise.all(homes.map((home) => packageIn(home, batching, trustedKeys)))).flat();
  return found.map((model, index) => (isSecond(model, found.slice(0, index)) ? refusedAsSecond(model) : model));
}

/** The folder itself where it holds a card, else those of its folders that do. */
async function packageFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WetreadError('config-invalid', `The folder of models ${folder} cannot be read`, { cause });
  });
  if (entries.some(({ name }) => name === CARD)) return [folder];
  const below = entries.flatMap((entry) => (entry.isDirectory() ? [join(folder, entry.name)] : []));
  const holding = await Promise.all(below.map(async (inner) => ((await readdir(inner)).includes(CARD) ? [inner] : [])));
  return holding.flat().sort();
}

/** None where another server runs the model. */
async function packageIn(
  folder: string,
  batching: BatchRules,
  trustedKeys: readonly TrustedKey[],
): Promise<readonly PackagedModel[]> {
  let model: PackagedModel = { name: basename(folder), version: '0', graph: { path: '', digest: '' } };
  try {
    const card = JSON.parse(await readFile(join(folder, CARD), 'utf8')) as Card;
    if (!isRunHere(card)) return [];
    model = modelOf(folder, card);
    // The digest is that of the files as they are: a signature for it is one for the card and the graph.
    if (trustedKeys.length > 0) await requireSignature(folder, digestOf(await checksumsOf(folder)), trustedKeys);
    const rule = batching.get(model.name) ?? batchRuleIn(card.runtime?.batching);
    await verifyGraph(model.graph);
    await requireContainedGraph(folder, basename(model.graph.path));
    return [{ ...model, ...(rule && { batching: rule }) }];
  } catch (cause) {
    return [{ ...model, refused: WetreadError.from(cause, 'package-invalid') }];
  }
}

function isRunHere({ runtime }: Card): boolean {
  return (runtime?.kind ?? 'onnx') === 'onnx';
}

function modelOf(folder: string, { name, version, runtime }: Card): PackagedModel {
  const { file, sha256 } = runtime ?? {};
  if (
    typeof name !== 'string' ||
    typeof version !== 'string' ||
    typeof file !== 'string' ||
    typeof sha256 !== 'string'
  ) {
    throw new WetreadError('package-invalid', 'The card does not state name, version and graph');
  }
  if (file !== basename(file)) throw new WetreadError('package-invalid', 'The graph lies outside its package');
  return { name, version, graph: { path: join(folder, file), digest: `sha256:${sha256}` } };
}

function isSecond({ name, version }: PackagedModel, before: readonly PackagedModel[]): boolean {
  return before.some((model) => model.name === name && model.version === version);
}

/** Under a version that can be asked for, so that the refusal can be seen. */
function refusedAsSecond(model: PackagedModel): PackagedModel {
  const refused = new WetreadError('package-invalid', 'Another folder holds a model of this name and version');
  return { ...model, version: `${model.version}+second`, refused };
}
