/** The packages that a site's configuration names: what they are, why one is refused, and whether they still answer as they must. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { complaintsText, type Inspection, inspectPackage } from '../../../adapters/model-folder/inspect.ts';
import type { FolderModelShelf, ShelvedPackage } from '../../../adapters/model-folder/model-shelf.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { type GoldenResult, runGolden } from '../golden-run.ts';
import { askOnce } from '../text-run.ts';
import { openSiteShelf, wireInferenceOf } from '../wiring/models.ts';
import { wireTextGenerator } from '../wiring/text.ts';
import { goldenText, listText, modelText } from './model-text.ts';
import { type CommandOptions, siteConfig } from './options.ts';
import { stopSignal } from './stop.ts';

export async function listModels(options: CommandOptions): Promise<number> {
  const { shelved, refused } = await openSiteShelf(siteConfig(options));
  const found = {
    models: shelved.map(({ package: { card, digest }, supersededBy }) => {
      const { name, version, title, intendedUse, licence, onlyByRule = false } = card;
      const about = { name, version, ...(supersededBy !== undefined && { supersededBy }), title, intendedUse };
      return { ...about, onlyByRule, clinicalUse: licence.clinicalUse, digest };
    }),
    refused: refused.map(({ folder, error }) => ({ folder: basename(folder), reason: error.message })),
  };
  process.stdout.write(`${options.json === true ? JSON.stringify(found, null, 2) : listText(found)}\n`);
  return refused.length === 0 ? 0 : 1;
}

export async function showModel(name: string, options: CommandOptions): Promise<number> {
  const found = named(await openSiteShelf(siteConfig(options)), name);
  const texts = found.map(({ package: model, supersededBy }) => modelText(model, supersededBy));
  process.stdout.write(
    `${
      options.json === true
        ? JSON.stringify(
            found.map(({ package: model }) => model),
            null,
            2,
          )
        : texts.join('\n\n')
    }\n`,
  );
  return 0;
}

/** Every version of a name. @throws WetreadError `not-found`, or why the package of that folder is refused */
function named({ shelved, refused }: FolderModelShelf, name: string): readonly ShelvedPackage[] {
  const found = shelved.filter(({ package: { card } }) => card.name === name);
  if (found.length > 0) return found;
  const error = refused.find(({ folder }) => basename(folder) === name)?.error;
  throw error ?? new WetreadError('not-found', 'The configuration names no model of that name');
}

/** @param what name of a model, or a folder with a package that is not installed; undefined for every model. */
export async function testModels(what: string | undefined, options: CommandOptions): Promise<number> {
  const config = siteConfig(options);
  const isFolder = what !== undefined && (await stat(what).catch(() => undefined))?.isDirectory() === true;
  const folders = isFolder ? [what] : foldersOf(await openSiteShelf(config), what);
  const signal = stopSignal();
  const packages = await Promise.all(folders.map(soundPackage));
  await using stack = new AsyncDisposableStack();
  const cards = packages.map(({ card }) => card);
  const engine = await wireInferenceOf(config, folders, cards, stack);
  const results: GoldenResult[] = [];
  const generator = stack.adopt(await wireTextGenerator(config), (opened) => opened.close());
  for (const { folder, golden, ...model } of packages) {
    for (const each of golden) results.push(await runGolden(engine, model.card, folder, each, signal));
    const asked = await askOnce(generator, model, signal);
    if (golden.length === 0) results.push(asked ?? withoutCases(model.card));
  }
  process.stdout.write(`${options.json === true ? JSON.stringify(results, null, 2) : goldenText(results)}\n`);
  return results.every(({ holds }) => holds) ? 0 : 1;
}

interface SoundPackage extends Pick<Inspection, 'golden' | 'prompt'> {
  readonly folder: string;
  readonly card: ModelCard;
}

/** @throws WetreadError `package-invalid` */
async function soundPackage(folder: string): Promise<SoundPackage> {
  const { card, complaints, changed = [], golden, prompt } = await inspectPackage(folder);
  const wrong = [...changed, ...complaints];
  if (card === undefined || wrong.length > 0) throw new WetreadError('package-invalid', complaintsText(wrong));
  return { folder, card, golden, ...(prompt !== undefined && { prompt }) };
}

function foldersOf(shelf: FolderModelShelf, name: string | undefined): readonly string[] {
  const refused = name === undefined ? shelf.refused[0] : undefined;
  if (refused !== undefined) throw refused.error;
  return (name === undefined ? shelf.shelved : named(shelf, name)).map(({ folder }) => folder);
}

/** A package that nobody can test has not been tested. */
function withoutCases({ name, version }: { readonly name: string; readonly version: string }): GoldenResult {
  return { model: name, version, case: '-', holds: false, outputs: [], fault: 'it has no golden cases' };
}
