/** `wetread models`: the packages of a site, and the way of a new one from an ONNX file to a packed package. */
import { stat } from 'node:fs/promises';
import { beginPackage } from '../../../adapters/model-folder/begin-package.ts';
import { inspectPackage } from '../../../adapters/model-folder/inspect.ts';
import { packPackage, unpackPackage } from '../../../adapters/model-folder/packed-package.ts';
import { WetreadError } from '../../../src/errors.ts';
import { begunText, inspectionText } from './model-text.ts';
import type { CommandOptions } from './options.ts';
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

async function packFolder(folder: string, { out }: CommandOptions): Promise<number> {
  const archive = required(out, 'models pack needs --out FILE');
  await requireFolder(folder);
  const { card, digest } = await packPackage(folder, archive);
  return print(`${card.name} ${card.version} is packed\n${digest}`);
}

async function add(file: string, { to }: CommandOptions): Promise<number> {
  const home = required(to, 'models add needs --to FOLDER');
  if ((await stat(file).catch(() => undefined))?.isFile() !== true) throw mistake('FILE does not exist');
  if (/\.onnx$/i.test(file)) return print(begunText(await beginPackage(file, home)));
  if (!/\.(tar\.gz|tgz)$/i.test(file)) throw mistake('models add takes a graph (.onnx) or a packed package (.tar.gz)');
  const { card, digest, folder } = await unpackPackage(file, home);
  return print(`${card.name} ${card.version} is in ${folder}\n${digest}`);
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
