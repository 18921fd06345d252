/** `wetread models`: the packages of a site, and the way of a new one from an ONNX file to a packed package. */
import { stat } from 'node:fs/promises';
import { beginFromBundle, beginPackage } from '../../../adapters/model-folder/begin-package.ts';
import { inspectPackage } from '../../../adapters/model-folder/inspect.ts';
import { packPackage, unpackPackage } from '../../../adapters/model-folder/packed-package.ts';
import { keyIdOf, readSigningKey, readTrustedKey, type TrustedKey } from '../../../adapters/model-folder/signature.ts';
import { WetreadError } from '../../../src/errors.ts';
import { begunText, inspectionText } from './model-text.ts';
import { type CommandOptions, siteConfig } from './options.ts';
import { requireFolder } from './paths.ts';

type Action = (what: string | undefined, options: CommandOptions, second: string | undefined) => Promise<number>;

/** What needs the whole of a site is loaded when it is called for. */
const ACTIONS: Readonly<Record<string, Action>> = {
  list: async (what, options) => {
    if (what !== undefined) throw mistake('models list takes nothing; use models show NAME');
    return (await import('./installed-models.ts')).listModels(options);
  },
  show: async (what, options) => {
    const name = required(what, 'models show needs the NAME of a model');
    return (await import('./installed-models.ts')).showModel(name, options);
  },
  check: async (what, options) => check(required(what, 'models check needs a FOLDER'), options),
  test: async (what, options) => (await import('./installed-models.ts')).testModels(what, options),
  pack: async (what, options) => packFolder(required(what, 'models pack needs a FOLDER'), options),
  reference: async (what, _, folder) => {
    const home = required(what, 'models reference needs the folder of a PACKAGE');
    const studies = required(folder, 'models reference needs a FOLDER of studies');
    return (await import('./reference.ts')).printReference(home, studies);
  },
  add: async (what, options) => add(required(what, 'models add needs a FILE'), options),
};

export async function models(options: CommandOptions): Promise<number> {
  const [name = '', what, second, ...others] = options.words;
  const action = ACTIONS[name];
  if (action === undefined || others.length > 0 || (second !== undefined && name !== 'reference'))
    throw mistake(`models needs one of ${Object.keys(ACTIONS).join(', ')}, and at most one word behind it`);
  return await action(what, options, second);
}

async function check(folder: string, { json }: CommandOptions): Promise<number> {
  await requireFolder(folder);
  const { card, digest, changed, complaints, golden } = await inspectPackage(folder);
  const wrong = [...(changed ?? []), ...complaints];
  const found = {
    ...(card === undefined ? {} : { name: card.name, version: card.version }),
    digest,
    sealed: changed !== undefined,
    goldenCases: golden.map(({ name }) => name),
    complaints: wrong,
  };
  print(json === true ? JSON.stringify(found, null, 2) : inspectionText(found));
  return wrong.length === 0 ? 0 : 1;
}

async function packFolder(folder: string, { out, sign }: CommandOptions): Promise<number> {
  const archive = required(out, 'models pack needs --out FILE');
  await requireFolder(folder);
  const key = sign === undefined ? undefined : await readSigningKey(sign);
  const { card, digest } = await packPackage(folder, archive, key);
  const signed = key === undefined ? '' : `\nsigned by ${keyIdOf(key)}`;
  return print(`${card.name} ${card.version} is packed\n${digest}${signed}`);
}

async function add(file: string, { to, config }: CommandOptions): Promise<number> {
  const home = required(to, 'models add needs --to FOLDER');
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() === true) return print(begunText(await beginFromBundle(file, home)));
  if (found?.isFile() !== true) throw mistake('FILE does not exist');
  if (/\.onnx$/i.test(file)) return print(begunText(await beginPackage(file, home)));
  if (!/\.(tar\.gz|tgz)$/i.test(file))
    throw mistake('models add takes a graph (.onnx), a packed package (.tar.gz) or the folder of a MONAI bundle');
  const { card, digest, signedBy, folder } = await unpackPackage(file, home, await trustedKeysOf(config));
  const signed = signedBy === undefined ? '' : `\nsigned by ${signedBy}`;
  return print(`${card.name} ${card.version} is in ${folder}\n${digest}${signed}`);
}

/** Where a site is named, what it would refuse to load is not installed. */
async function trustedKeysOf(file: string | undefined): Promise<readonly TrustedKey[]> {
  return file === undefined ? [] : Promise.all(siteConfig({ words: [], config: file }).trustedKeys.map(readTrustedKey));
}

function required(value: string | undefined, message: string): string {
  if (value === undefined) throw mistake(message);
  return value;
}

function mistake(text: string): WetreadError {
  return new WetreadError('request-invalid', `${text}; see wetread --help`);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
