/**
 * What a MONAI bundle says of itself (`configs/metadata.json`, MONAI Bundle specification). Nothing about its form is
 * taken for granted: every key may be missing, and many bundles leave some out.
 */
import { WetreadError } from '../errors.ts';

export interface BundleTensor {
  readonly name: string;
  /** `hounsfield`, `magnitude`, `segmentation` (one channel of labels), `labels` (one-hot), `classes` (multi-label), … */
  readonly format: string | undefined;
  readonly modality: string | undefined;
  /** By channel; for `segmentation` by label. */
  readonly channels: readonly { readonly index: number; readonly meaning: string }[];
  readonly numberOfChannels: number | undefined;
  /** Numbers, or expressions such as `16*n`; MONAI's order, x first. */
  readonly spatialShape: readonly (number | string)[];
  /** Two numbers, or none. */
  readonly valueRange: readonly number[];
  readonly isPatch: boolean;
}

export interface BundleMetadata {
  /** Of plain keys, such as `description`. */
  readonly text: (key: string) => string | undefined;
  readonly input: BundleTensor;
  readonly output: BundleTensor;
}

/** @throws WetreadError `package-invalid` where it does not describe exactly one input and one output */
export function bundleMetadata(metadata: unknown): BundleMetadata {
  const top = keysOf(metadata);
  const { inputs, outputs } = keysOf(top['network_data_format']);
  return { text: (key) => textOf(top[key]), input: onlyTensor('input', inputs), output: onlyTensor('output', outputs) };
}

function onlyTensor(kind: string, tensors: unknown): BundleTensor {
  const [first, ...others] = Object.entries(keysOf(tensors));
  if (first === undefined || others.length > 0)
    throw new WetreadError(
      'package-invalid',
      `The metadata does not describe one ${kind}: begin from the graph itself`,
    );
  const [name, described] = first;
  const said = keysOf(described);
  const channels = Object.entries(keysOf(said['channel_def'])).map(([index, meaning]) => ({
    index: Number(index),
    meaning: textOf(meaning) ?? '',
  }));
  return {
    name,
    format: textOf(said['format']),
    modality: textOf(said['modality']),
    channels: channels.filter(({ index }) => Number.isInteger(index)).sort((a, b) => a.index - b.index),
    numberOfChannels: typeof said['num_channels'] === 'number' ? said['num_channels'] : undefined,
    spatialShape: listOf(said['spatial_shape']).filter((one) => typeof one === 'number' || typeof one === 'string'),
    valueRange: listOf(said['value_range']).filter((one) => typeof one === 'number'),
    isPatch: said['is_patch_data'] === true || said['is_patch_data'] === 'true',
  };
}

function keysOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Lists and tables of texts and numbers, such as `references` and `eval_metrics`, as one line. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return joined(value.map(textOf), ' ');
  if (typeof value !== 'object' || value === null) return undefined;
  return joined(
    Object.entries(value).map(([key, inner]) => `${key}: ${textOf(inner) ?? 'not stated'}`),
    '; ',
  );
}

function joined(texts: readonly (string | undefined)[], between: string): string | undefined {
  const said = texts.filter((text) => text !== undefined);
  return said.length === 0 ? undefined : said.join(between);
}
