/** Model packages from folders: card checked against its schema, every byte against the package's checksums. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { WetreadError } from '../../src/errors.ts';
import { contradictions } from '../../src/inference/check-card.ts';
import type { ModelCard, ModelPackage } from '../../src/inference/model-package.ts';
import type { ModelShelf } from '../../src/ports.ts';
import { CHECKSUM_FILE, type Checksums, checksumsOf, difference, digestOf, parseChecksums } from './checksums.ts';

const CARD = 'card.json';

/** A package that is not offered, and why. */
export interface RefusedPackage {
  readonly folder: string;
  readonly error: WetreadError;
}

export interface FolderModelShelf extends ModelShelf {
  readonly refused: readonly RefusedPackage[];
}

/**
 * Loads packages, each a folder with a `card.json`, or a folder of such folders. One that fails is refused with
 * `package-invalid` and does not keep the others from loading.
 */
export async function openModelShelf(folders: readonly string[]): Promise<FolderModelShelf> {
  const loaded: ModelPackage[] = [];
  const refused: RefusedPackage[] = [];
  for (const folder of (await Promise.all(folders.map(packageFolders))).flat()) {
    try {
      const model = await loadModelPackage(folder);
      refuseSecond(model, loaded);
      loaded.push(model);
    } catch (cause) {
      refused.push({ folder, error: WetreadError.from(cause, 'package-invalid') });
    }
  }
  return { packages: () => loaded, refused };
}

/** @throws WetreadError `package-invalid`; the message names the file, and the place in the card. */
export async function loadModelPackage(folder: string): Promise<ModelPackage> {
  const actual = await checksumsOf(folder);
  const text = await readFile(join(folder, CHECKSUM_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) throw invalid(folder, `${CHECKSUM_FILE} is missing`);
  const different = difference(actual, parseChecksums(text));
  if (different !== undefined) throw invalid(folder, different);
  const card = parseCard(folder, await readFile(join(folder, CARD), 'utf8'));
  requireGraph(folder, card, actual);
  return { card, digest: digestOf(actual) };
}

async function packageFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === CARD)) return [folder];
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  const withCard = await Promise.all(below.map(async (path) => ((await readdir(path)).includes(CARD) ? [path] : [])));
  return withCard.flat().sort();
}

function parseCard(folder: string, text: string): ModelCard {
  let card: unknown;
  try {
    card = JSON.parse(text);
  } catch (cause) {
    throw invalid(folder, `${CARD} is not JSON`, cause);
  }
  if (!validateModelCard(card)) {
    const errors = validateModelCard.errors ?? [];
    throw invalid(folder, `${CARD}: ${errors.map(describe).join('; ')}`);
  }
  const contradicting = contradictions(card);
  if (contradicting.length > 0) throw invalid(folder, `${CARD}: ${contradicting.join('; ')}`);
  return card;
}

function describe(error: { instancePath: string; message?: string; params: Record<string, unknown> }): string {
  const extra = error.params['additionalProperty'];
  const name = typeof extra === 'string' ? ` (${extra})` : '';
  return `${error.instancePath === '' ? '/' : error.instancePath} ${error.message ?? 'is invalid'}${name}`;
}

/** The graph's own checksum in the card lets a server that knows nothing of packages check what it loads. */
function requireGraph(folder: string, { graph }: ModelCard, sums: Checksums): void {
  const actual = sums.get(graph.file);
  if (actual === undefined) throw invalid(folder, `${graph.file} is missing`);
  if (actual !== graph.sha256) throw invalid(folder, `${CARD}: /graph/sha256 is not that of ${graph.file}`);
}

function refuseSecond({ card }: ModelPackage, loaded: readonly ModelPackage[]): void {
  if (loaded.some((other) => other.card.name === card.name && other.card.version === card.version))
    throw new WetreadError('package-invalid', `${card.name} ${card.version} is already loaded from another folder`);
}

function invalid(folder: string, what: string, cause?: unknown): WetreadError {
  return new WetreadError('package-invalid', `Model package ${basename(folder)}: ${what}`, { cause });
}
