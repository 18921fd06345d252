/** A card begun from a MONAI bundle: what metadata and graph say is filled in, what neither says stays a question. */
import { WetreadError } from '../errors.ts';
import type { BundleMetadata, BundleTensor } from './bundle-metadata.ts';
import { type DraftFacts, draftCard, draftFinding, draftSegment } from './draft-card.ts';
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import { openQuestion } from './open-questions.ts';

/** MONAI holds a volume as batch, channel, x, y, z. */
const LAYOUT = 'NCWHD';

/** @throws WetreadError `package-invalid` where the bundle does not read volumes */
export function bundleCard(facts: DraftFacts, metadata: BundleMetadata, graph: GraphFacts): Record<string, unknown> {
  const { text, input, output } = metadata;
  if (input.spatialShape.length !== 3)
    throw new WetreadError(
      'package-invalid',
      'The bundle does not read volumes: begin from its graph, models/model.onnx',
    );
  const draft = draftCard(facts, graph);
  const task = text('task');
  return {
    ...draft,
    version: versionOf(text('version')),
    title: text('name') ?? task ?? draft['title'],
    description: text('description') ?? draft['description'],
    intendedUse: [intendedUse(keysOf((draft['intendedUse'] as readonly unknown[])[0]), metadata)],
    input: { ...keysOf(draft['input']), ...inputOf(input, graph.inputs) },
    outputs: [outputOf(output, graph.outputs)],
    licence: {
      ...keysOf(draft['licence']),
      note: openQuestion(`Clearance, or that there is none; the bundle says: ${text('copyright') ?? 'no copyright'}`),
    },
    facts: { ...keysOf(draft['facts']), ...factsOf(text) },
  };
}

function versionOf(said: string | undefined): string {
  return /^\d+\.\d+\.\d+$/.test(said ?? '') ? said! : '0.1.0';
}

function intendedUse(draft: object, { text, input }: BundleMetadata): object {
  const modality = /^(CT|MR|PT|US|DX|CR|MG)/.exec(input.modality?.toUpperCase().replace('MRI', 'MR') ?? '')?.[1];
  const note = text('intended_use');
  return {
    ...draft,
    ...(text('task') === undefined ? {} : { task: text('task') }),
    ...(modality === undefined ? {} : { modality }),
    ...(note === undefined ? {} : { note }),
  };
}

function inputOf(input: BundleTensor, values: readonly GraphValue[]): object {
  const slots = slotsOf(input);
  const isHounsfield = input.format === 'hounsfield' || input.modality?.toUpperCase() === 'CT';
  return {
    tensor: tensorName(input.name, values, 'input'),
    orientation: openQuestion('"RAS", "LPS" or "as-acquired": the axcodes of Orientation in configs/inference.json'),
    layout: LAYOUT,
    ...(isHounsfield ? { units: 'HU', fill: -1024 } : {}),
    intensity: {
      datatype: 'FP32',
      channels: [{}, ...slots.map(({ name }) => ({ slot: name }))].map((of) => ({
        ...of,
        ...channelStep(input.valueRange),
      })),
    },
    ...(input.isPatch ? { window: windowOf(input.spatialShape) } : {}),
    ...(slots.length > 0 ? { series: selectionQuestion(meaningOf(input, 0)), slots } : {}),
  };
}

function channelStep([low, high]: readonly number[]): object {
  const clip = {
    kind: 'units',
    low: openQuestion('Number: the lowest value, in units (a_min of ScaleIntensityRange in configs/inference.json)'),
    high: openQuestion('Number: the highest value (a_max)'),
  };
  return low === undefined || high === undefined ? { clip } : { clip, to: { low, high } };
}

/** The images of further channels: other sequences of the study. */
function slotsOf(input: BundleTensor): readonly { readonly name: string }[] {
  const channels = Math.max(1, input.numberOfChannels ?? 1);
  return Array.from({ length: channels - 1 }, (_, at) => {
    const meaning = meaningOf(input, at + 1);
    return {
      kind: 'other-series',
      // the place makes every name another one
      name: `${wordOf(meaning)}-${at + 1}`,
      meaning,
      required: true,
      series: selectionQuestion(meaning),
    };
  });
}

function meaningOf({ channels }: BundleTensor, index: number): string {
  return channels.find((channel) => channel.index === index)?.meaning || `channel ${index}`;
}

function wordOf(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 24) || 'channel'
  );
}

function selectionQuestion(meaning: string): string {
  return openQuestion(`Which series is ${meaning}: { "where": a condition, as in a rule of a site }`);
}

function windowOf(spatialShape: BundleTensor['spatialShape']): object {
  const isFixed = spatialShape.every((size) => typeof size === 'number');
  return {
    shape: isFixed
      ? spatialShape.toReversed()
      : openQuestion('[slices, rows, columns]: roi_size of the inferer, reversed'),
    overlap: openQuestion('Number from 0 to 0.95: overlap of the inferer'),
    blend: openQuestion('"constant" or "gaussian": mode of the inferer'),
  };
}

function outputOf(output: BundleTensor, values: readonly GraphValue[]): object {
  // a channel of its own for each structure leaves none for the background
  const isMultiLabel = output.format === 'classes';
  const labels = output.channels
    .map(({ index, meaning }) => ({ label: isMultiLabel ? index + 1 : index, meaning }))
    .filter(({ label }) => label > 0);
  const segments = labels.map(({ label, meaning }, i) => draftSegment(label, i + 1, meaning));
  return {
    kind: 'label-map',
    tensor: tensorName(output.name, values, 'output'),
    encoding: encodingOf(output, values),
    segments: segments.length > 0 ? segments : [draftSegment(undefined, 1, undefined)],
    otherLabels: [],
    refine: {},
    gate: { regions: [] },
    findings:
      segments.length > 0 ? labels.map(({ meaning }, i) => draftFinding(i + 1, meaning)) : [draftFinding(1, undefined)],
  };
}

function encodingOf({ format, channels, name }: BundleTensor, values: readonly GraphValue[]): unknown {
  const value = values.find((one) => one.name === name) ?? values[0];
  switch (format ?? '') {
    case 'segmentation':
      return value?.datatype === 'FP32' && (channels.length > 2 || hasChannels(value, channels.length))
        ? { kind: 'logits', layout: LAYOUT }
        : { kind: 'labels', datatype: value?.datatype ?? 'FP32', layout: LAYOUT };
    case 'labels':
      return { kind: 'logits', layout: LAYOUT };
    case 'classes':
      return {
        kind: 'sigmoid',
        of: openQuestion('"logits" or "probabilities": does the graph end with a sigmoid?'),
        layout: LAYOUT,
        thresholds: channels.map(({ meaning }) => openQuestion(`Number: probability at which ${meaning} is there`)),
      };
    default:
      return openQuestion(`How labels stand in the output: the bundle says ${format ?? 'nothing'}`);
  }
}

/** Many bundles write `segmentation` of what has a channel for each class. */
function hasChannels({ shape }: GraphValue, count: number): boolean {
  return count > 1 && shape?.[1] === count;
}

function tensorName(name: string, values: readonly GraphValue[], kind: string): string {
  if (values.some((value) => value.name === name)) return name;
  const [only, ...others] = values;
  if (only !== undefined && others.length === 0) return only.name;
  return openQuestion(`Which ${kind} of the graph is ${name}: ${values.map((value) => value.name).join(', ')}?`);
}

/** Facts by the keys of the metadata that tell them. */
function factsOf(text: BundleMetadata['text']): Record<string, string> {
  const { method, ...told } = {
    developer: text('authors') ?? text('authorship'),
    trainingData: text('data_source'),
    outputValue: text('pred_classes'),
    performance: text('eval_metrics'),
    updates: text('changelog'),
    method: text('references'),
  };
  const all = { ...told, method: method === undefined ? undefined : `${text('description') ?? ''} ${method}`.trim() };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

function keysOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
