/** Model packages from folders: card checked against its schema, every byte against the package's checksums. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WetreadError } from '../../src/errors.ts';
import type { ModelPackage } from '../../src/inference/model-package.ts';
import type { ModelShelf } from '../../src/ports.ts';
import { type Admission, OPEN_ADMISSION, requirePermitted } from './admission.ts';
import { CHECKSUM_FILE } from './checksums.ts';
import { CARD, complaintsText, inspectPackage } from './inspect.ts';
import { requireSignature, type TrustedKey } from './signature.ts';

/** A package that is not offered, and why. */
export interface RefusedPackage {
  readonly folder: string;
  readonly error: WetreadError;
}

/** A sound package, and where it lies. */
export interface ShelvedPackage {
  readonly folder: string;
  readonly package: ModelPackage;
  /** Version of a newer package of the same name: this one reads nothing. */
  readonly supersededBy?: string;
}

export interface FolderModelShelf extends ModelShelf {
  /** Every version; {@link ModelShelf.packages} has the newest of each name. */
  readonly shelved: readonly ShelvedPackage[];
  readonly refused: readonly RefusedPackage[];
}

/**
 * Loads packages, each a folder with a `card.json`, or a folder of such folders. One that fails is refused with
 * `package-invalid`, `package-untrusted` or `package-not-permitted` and does not keep the others from loading.
 */
export async function openModelShelf(
  folders: readonly string[],
  admission: Admission = OPEN_ADMISSION,
): Promise<FolderModelShelf> {
  const shelved: ShelvedPackage[] = [];
  const refused: RefusedPackage[] = [];
  for (const folder of (await Promise.all(folders.map(packageFolders))).flat()) {
    try {
      const model = await loadModelPackage(folder, admission.trustedKeys);
      requirePermitted(model.card, admission);
      refuseSecond(model, shelved);
      shelved.push({ folder, package: model });
    } catch (cause) {
      refused.push({ folder, error: WetreadError.from(cause, 'package-invalid') });
    }
  }
  const marked = shelved.map((one) => withSuccessor(one, shelved));
  const packages = marked.filter(({ supersededBy }) => supersededBy === undefined).map((one) => one.package);
  return { packages: () => packages, shelved: marked, refused };
}

function withSuccessor(one: ShelvedPackage, all: readonly ShelvedPackage[]): ShelvedPackage {
  const { name, version } = one.package.card;
  const versions = all.flatMap(({ package: { card } }) => (card.name === name ? [card.version] : []));
  const [newest] = versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return newest === undefined || newest === version ? one : { ...one, supersededBy: newest };
}

/**
 * @param trustedKeys where there are any, one of them must have signed the package
 * @throws WetreadError `package-invalid`, the message names the file, and the place in the card; `package-untrusted`
 */
export async function loadModelPackage(folder: string, trustedKeys: readonly TrustedKey[] = []): Promise<ModelPackage> {
  const { card, digest, changed, complaints, prompt, references } = await inspectPackage(folder);
  if (changed === undefined) throw invalid(folder, `${CHECKSUM_FILE} is missing`);
  // What is wrong inside a file that was changed is a consequence: it would hide the cause.
  const wrong = changed.length > 0 ? changed : complaints;
  if (card === undefined || wrong.length > 0) throw invalid(folder, complaintsText(wrong));
  const model = { card, digest, ...(prompt !== undefined && { prompt }), ...(references && { references }) };
  return trustedKeys.length === 0 ? model : { ...model, signedBy: await signerOf(folder, digest, trustedKeys) };
}

async function signerOf(folder: string, digest: string, trustedKeys: readonly TrustedKey[]): Promise<string> {
  try {
    return await requireSignature(folder, digest, trustedKeys);
  } catch (cause) {
    const { code, message } = WetreadError.from(cause);
    throw new WetreadError(code, `Model package ${basename(folder)}: ${message}`);
  }
}

async function packageFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === CARD)) return [folder];
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  const withCard = await Promise.all(below.map(async (path) => ((await readdir(path)).includes(CARD) ? [path] : [])));
  return withCard.flat().sort();
}

function refuseSecond({ card }: ModelPackage, shelved: readonly ShelvedPackage[]): void {
  const isSame = ({ package: { card: other } }: ShelvedPackage): boolean =>
    other.name === card.name && other.version === card.version;
  if (shelved.some(isSame))
    throw new WetreadError('package-invalid', `${card.name} ${card.version} is already loaded from another folder`);
}

function invalid(folder: string, what: string): WetreadError {
  return new WetreadError('package-invalid', `Model package ${basename(folder)}: ${what}`);
}
