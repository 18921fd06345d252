/** Model packages in words: a card as a person reads it before a model is allowed to read patients. */

import type { BegunPackage } from '../../../adapters/model-folder/begin-package.ts';
import type { ImpressionRule } from '../../../contracts/generated/types.ts';
import { FACT_NAMES, type FactName } from '../../../src/inference/draft-card.ts';
import type { GraphValue } from '../../../src/inference/graph-facts.ts';
import type { ModelCard, ModelPackage } from '../../../src/inference/model-package.ts';
import type { GoldenResult } from '../golden-run.ts';
import { findingLines, inputLines, limitLines, outputLines } from './model-interface-text.ts';
import { pictureLimits, useLimits } from './model-scope-text.ts';
import { countText } from './progress.ts';
import { wrapped } from './wrapped.ts';

type IntendedUse = ModelCard['intendedUse'][number];

export interface ListedModels {
  readonly models: readonly (Pick<ModelCard, 'name' | 'version' | 'title'> & {
    /** Version of the package that reads in its place. */
    readonly supersededBy?: string;
    readonly intendedUse: readonly IntendedUse[];
    readonly onlyByRule: boolean;
    readonly clinicalUse: string;
    readonly digest: string;
  })[];
  readonly refused: readonly { readonly folder: string; readonly reason: string }[];
}

export function listText({ models, refused }: ListedModels): string {
  const lines = [
    ...models.flatMap(({ name, version, supersededBy, title, intendedUse, onlyByRule, clinicalUse, digest }) => [
      `${name} ${version}  ${supersededBy === undefined ? 'ready' : `reads nothing beside ${supersededBy}`}: ${title}`,
      ...intendedUse.map((use) => `  reads ${useText(use)}`),
      ...(onlyByRule ? [`  ${BY_RULE}`] : []),
      `  clinical use ${clinicalUse}`,
      `  ${digest}`,
    ]),
    ...refused.flatMap(({ folder, reason }) => [`${folder}  refused`, `  ${reason}`]),
  ];
  return printable((lines.length === 0 ? ['The configuration names no model'] : lines).flatMap(wrapped));
}

const BY_RULE = 'reads nothing unless a rule of the configuration names it';

function useText({ task, modality, bodyPart, sliceThicknessMm: limits }: IntendedUse): string {
  const slices = limits === undefined ? '' : `, slices of ${limits.minimum} to ${limits.maximum} mm`;
  return `${modality} of ${bodyPart.meaning}${slices}: ${task}`;
}

/** @param supersededBy version of the package that reads in its place */
export function modelText({ card, digest, signedBy }: ModelPackage, supersededBy?: string): string {
  const { licence, resources } = card;
  const lines = [
    `${card.title} (${card.name} ${card.version})`,
    card.description,
    digest,
    ...(supersededBy === undefined ? [] : [`reads nothing: version ${supersededBy} is installed too`]),
    signedBy === undefined ? 'signature not checked: the configuration names no trustedKeys' : `signed by ${signedBy}`,
    '',
    'Intended use',
    ...card.intendedUse.flatMap(intendedUseLines),
    ...(card.onlyByRule === true ? [`  ${BY_RULE}`] : []),
    '',
    'Limits',
    ...limitLines(card),
    ...pictureLimits(card.input),
    '',
    'Input and output',
    ...interfaceLines(card),
    '',
    'Findings',
    ...card.outputs.flatMap(findingLines),
    '',
    'Beside every result',
    ...card.caveats.map((caveat) => `  - ${caveatText(caveat)}`),
    '',
    'The draft',
    ...reportLines(card),
    '',
    'Licence',
    `  ${licence.id}; clinical use: ${licence.clinicalUse}. ${licence.note}`,
    ...resourceLines(resources),
    '',
    'Facts',
    ...factLines(card.facts),
  ];
  return printable(lines.flatMap(wrapped));
}

const CONTRAST: Readonly<Record<IntendedUse['contrast'], string>> = {
  with: 'with contrast agent',
  without: 'without contrast agent',
  any: 'with or without contrast agent',
};

function intendedUseLines(use: IntendedUse): string[] {
  const { contrast, patients, note } = use;
  return [
    `  - ${useText(use)}`,
    `    ${CONTRAST[contrast]}; ${patients}`,
    ...useLimits(use).map((limit) => `    ${limit}`),
    ...(note === undefined ? [] : [`    ${note}`]),
  ];
}

function resourceLines({ memoryMib, acceleratorMemoryMib, datatype, variants }: ModelCard['resources']): string[] {
  return [
    `  Memory: ${memoryMib} MiB${acceleratorMemoryMib === undefined ? '' : `, ${acceleratorMemoryMib} MiB of the accelerator`}`,
    ...(datatype === undefined ? [] : [`  Weights: ${datatype}`]),
    ...(variants ?? []).map((one) => `  Also as ${one.package}: ${one.datatype}, ${one.memoryMib} MiB`),
  ];
}

function interfaceLines({ runtime, input, outputs }: ModelCard): string[] {
  const always = runtime.deterministic
    ? 'the same input gives the same answer'
    : 'the same input may give another answer';
  return [`  ${runtimeText(runtime)}; ${always}`, ...inputLines(input), ...outputs.flatMap(outputLines)];
}

function runtimeText(runtime: ModelCard['runtime']): string {
  switch (runtime.kind) {
    case 'onnx':
      return `${runtime.file}, operator set ${runtime.opset}`;
    case 'open-inference':
      return `run by the server ${runtime.server}, which the configuration names`;
    case 'chat-completions':
      return `${runtime.model}, asked of the server ${runtime.server}, which the configuration names`;
  }
}

function caveatText(caveat: ModelCard['caveats'][number]): string {
  if (typeof caveat === 'string') return caveat;
  switch (caveat.when) {
    case 'kernel-not-recorded':
      return `Where no kernel is recorded: ${caveat.text}`;
    case 'contrast-recorded':
      return `Where a contrast agent is recorded: ${caveat.text}`;
    case 'slice-thickness-above':
      return `Where slices are thicker than ${caveat.millimeters} mm: ${caveat.text}`;
  }
}

function reportLines({ report }: ModelCard): string[] {
  if (report === undefined) return ['  declares nothing: findings are told, no impression is drawn'];
  const { title, procedure, impression, scope } = report;
  return [
    `  ${title} (${procedure.value} ${procedure.scheme})`,
    ...impression.map((rule) => `  ${conditionText(rule)}: ${rule.text}`),
    `  always: ${scope}`,
  ];
}

function conditionText({ finding, measure, minimum, below, presence }: ImpressionRule): string {
  return [
    finding,
    ...(presence === undefined ? [] : [presence]),
    ...(measure === undefined ? [] : [measure]),
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(below === undefined ? [] : [`below ${below}`]),
  ].join(' ');
}

function wordsOf(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What the card answers, each by itself; what it does not mention, in one line. */
function factLines(facts: ModelCard['facts']): readonly string[] {
  const missing = FACT_NAMES.filter((name) => facts[name] === undefined).map((name) => wordsOf(name).toLowerCase());
  return [
    ...FACT_NAMES.flatMap((name) => {
      const fact = facts[name];
      return fact === undefined ? [] : [`  ${wordsOf(name)}: ${factText(fact)}`];
    }),
    ...(missing.length === 0 ? [] : [`  Not mentioned by the card: ${missing.join(', ')}`]),
  ];
}

function factText(fact: NonNullable<ModelCard['facts'][FactName]>): string {
  return typeof fact === 'string' ? fact : `unknown: ${fact.reason}`;
}

export interface CheckedPackage {
  readonly name?: string;
  readonly version?: string;
  readonly digest: string;
  readonly sealed: boolean;
  readonly goldenCases: readonly string[];
  readonly complaints: readonly string[];
}

export function inspectionText({ name, version, digest, sealed, goldenCases, complaints }: CheckedPackage): string {
  if (complaints.length > 0) return printable([...complaints, `${countsText(complaints)}: the package is refused`]);
  const cases = goldenCases.length === 0 ? 'no golden cases' : `golden cases: ${goldenCases.join(', ')}`;
  return printable([
    `${name} ${version} holds together; ${cases}`,
    digest,
    ...(sealed ? [] : ['It has no checksums yet: wetread models pack writes them']),
  ]);
}

/** Questions are work that is left, not mistakes. */
function countsText(complaints: readonly string[]): string {
  const open = complaints.filter((complaint) => /^card\.json: \S+ is open: /.test(complaint)).length;
  const others = complaints.length - open;
  return [
    ...(open === 0 ? [] : [countText(open, 'open question', 'open questions')]),
    ...(others === 0 ? [] : [countText(others, 'complaint', 'complaints')]),
  ].join(' and ');
}

export function goldenText(results: readonly GoldenResult[]): string {
  const lines = results.flatMap(({ model, version, case: name, holds, provider, outputs, fault }) => [
    `${holds ? '✓' : '✗'} ${model} ${version}  ${name}${provider === undefined ? '' : `, on ${provider}`}`,
    ...outputs.map((one) => `    ${one.output}: ${one.mismatch ?? differenceText(one)}`),
    ...(fault === undefined ? [] : [`    ${fault}`]),
  ]);
  return printable(lines);
}

function differenceText({ elements, differing, largestDifference }: GoldenResult['outputs'][number]): string {
  return `${differing} of ${elements} values differ, by ${largestDifference} at most`;
}

export function begunText({ folder, graph }: BegunPackage): string {
  return printable([
    `${folder} is begun`,
    ...graph.inputs.map((value) => `  in: ${valueText(value)}`),
    ...graph.outputs.map((value) => `  out: ${valueText(value)}`),
    'Answer what stands behind OPEN in its card.json; wetread models check says what is missing',
  ]);
}

function valueText({ name, datatype, shape }: GraphValue): string {
  return `${name} ${datatype} ${shape === undefined ? 'of unknown rank' : `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`}`;
}

/** Cards and graphs come from others and go to a terminal. */
function printable(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/\p{Cc}/gu, '�')).join('\n');
}
