/** Looks at a package as a stranger's: everything that speaks against it, at once, before anything of it is run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChatCompletionsRuntime } from '../../contracts/generated/types.ts';
import { validateModelCard } from '../../contracts/generated/validators.js';
import { WetreadError } from '../../src/errors.ts';
import { contradictions } from '../../src/inference/check-card.ts';
import { graphContradictions } from '../../src/inference/check-graph.ts';
import type { GraphFacts } from '../../src/inference/graph-facts.ts';
import type { ModelCard, ModelPackage } from '../../src/inference/model-package.ts';
import { beyondOpenQuestions, openQuestions } from '../../src/inference/open-questions.ts';
import { promptComplaints } from '../../src/inference/prompt.ts';
import { CHECKSUM_FILE, type Checksums, checksumsOf, differences, digestOf, parseChecksums } from './checksums.ts';
import { forbiddenFiles } from './forbidden-files.ts';
import { goldenCases, type NamedCase } from './golden-cases.ts';
import { readGraphFile } from './graph-file.ts';
import { loadReferences } from './reference-vectors.ts';
import { parseJson } from './schema-errors.ts';

export const CARD = 'card.json';

export interface Inspection {
  readonly sums: Checksums;
  /** `sha256:…` over every file, as they are now. */
  readonly digest: string;
  /** Files that differ from the checksums; undefined where the package has none yet. */
  readonly changed: readonly string[] | undefined;
  /** What is wrong with the files themselves; each names its file, and the place in it. */
  readonly complaints: readonly string[];
  /** Where it satisfies its schema. */
  readonly card?: ModelCard;
  /** Of embeddings, by the name of their file. */
  readonly references?: NonNullable<ModelPackage['references']>;
  /** Template that the card names. */
  readonly prompt?: string;
  readonly golden: readonly NamedCase[];
}

/** @throws WetreadError `package-invalid` where the folder holds anything but files and folders. */
export async function inspectPackage(folder: string): Promise<Inspection> {
  const sums = await checksumsOf(folder);
  const names = [...sums.keys()];
  const forbidden = await forbiddenFiles(folder, names);
  const declared = await readFile(join(folder, CHECKSUM_FILE), 'utf8').catch(() => undefined);
  const { card, comparable, complaints } = await inspectCard(folder);
  const graphs = await inspectGraphs(folder, names);
  const own = comparable?.runtime.kind === 'onnx' ? graphs.facts.get(comparable.runtime.file) : undefined;
  const golden = await goldenCases(folder, names, own);
  const { references, ...loaded } = card === undefined ? { complaints: [] } : await loadReferences(folder, names, card);
  const prompt =
    comparable?.runtime.kind === 'chat-completions' ? await inspectPrompt(folder, comparable.runtime) : undefined;
  return {
    sums,
    digest: digestOf(sums),
    changed: declared === undefined ? undefined : differences(sums, parseChecksums(declared)),
    complaints: [
      ...forbidden,
      ...complaints,
      ...graphs.complaints,
      ...(comparable === undefined ? [] : cardAndGraph(comparable, sums, own)),
      ...golden.complaints,
      ...loaded.complaints,
      ...(prompt?.complaints ?? []),
    ],
    ...(card === undefined ? {} : { card }),
    ...(references && { references }),
    ...(prompt?.text === undefined ? {} : { prompt: prompt.text }),
    golden: golden.cases,
  };
}

/** Keys without whose answers nothing can be said about the tensors of a graph. */
const SHAPES_TENSORS =
  /^\/(input\/(tensor|layout|window|shape|depth|fit|multipleOf)|outputs\/\d+\/(kind|tensor|encoding))(\/|$)/;

interface CardInspection {
  readonly complaints: readonly string[];
  readonly card?: ModelCard;
  /** What is compared with the graph: the card, or one in which only questions about other things are open. */
  readonly comparable?: ModelCard;
}

async function inspectCard(folder: string): Promise<CardInspection> {
  const text = await readFile(join(folder, CARD), 'utf8').catch(() => undefined);
  if (text === undefined) return { complaints: [`${CARD} is missing`] };
  const { value: card, unchecked, errors } = parseJson(text, validateModelCard);
  const open = openQuestions(unchecked);
  const wrong = beyondOpenQuestions(errors, open);
  const complaints = [
    ...open.map(({ key, question }) => `${key} is open: ${question}`),
    ...wrong.map((error) => error.text),
    ...(card === undefined ? [] : contradictions(card)),
  ].map((what) => `${CARD}: ${what}`);
  if (card !== undefined) return { complaints, card, comparable: card };
  const isComparable = wrong.length === 0 && !open.some(({ key }) => SHAPES_TENSORS.test(key));
  return { complaints, ...(isComparable ? { comparable: unchecked as ModelCard } : {}) };
}

interface Graphs {
  readonly facts: ReadonlyMap<string, GraphFacts>;
  readonly complaints: readonly string[];
}

/** Every graph of the folder, also those that the card does not name: a runtime may be pointed at any. */
async function inspectGraphs(folder: string, names: readonly string[]): Promise<Graphs> {
  const facts = new Map<string, GraphFacts>();
  const complaints: string[] = [];
  for (const name of names.filter((one) => one.toLowerCase().endsWith('.onnx'))) {
    try {
      const graph = await readGraphFile(folder, name);
      facts.set(name, graph.facts);
      complaints.push(...graph.complaints.map((what) => `${name}: ${what}`));
    } catch (cause) {
      complaints.push(WetreadError.from(cause, 'package-invalid').message);
    }
  }
  return { facts, complaints };
}

/** A card that is only begun has some eighty. */
const MOST_COMPLAINTS = 5;

/** For one sentence: the first complaints, and how many there are besides. */
export function complaintsText(complaints: readonly string[]): string {
  const told = complaints.slice(0, MOST_COMPLAINTS).join('; ');
  const others = complaints.length - MOST_COMPLAINTS;
  return others > 0 ? `${told}; and ${others} more, which wetread models check lists` : told;
}

interface Prompt {
  readonly text?: string;
  readonly complaints: readonly string[];
}

async function inspectPrompt(folder: string, { prompt: file }: ChatCompletionsRuntime): Promise<Prompt> {
  const text = await readFile(join(folder, file), 'utf8').catch(() => undefined);
  if (text === undefined) return { complaints: [`${file} is missing`] };
  return { text, complaints: promptComplaints(text).map((what) => `${file}: ${what}`) };
}

/** The graph's own checksum in the card lets a server that knows nothing of packages check what it loads. */
function cardAndGraph(card: ModelCard, sums: Checksums, graph: GraphFacts | undefined): readonly string[] {
  if (card.runtime.kind !== 'onnx') return [];
  const { file, sha256 } = card.runtime;
  const actual = sums.get(file);
  if (actual === undefined) return [`${file} is missing`];
  const wrong = actual === sha256 ? [] : [`/runtime/sha256 is not that of ${file}`];
  return [...wrong, ...(graph === undefined ? [] : graphContradictions(card, graph))].map((what) => `${CARD}: ${what}`);
}
