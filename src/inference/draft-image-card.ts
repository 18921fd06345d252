/** What a graph says of itself where it reads images on their own: the parts of a card that differ from those of volumes. */
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import { openQuestion } from './open-questions.ts';

/** The one input, where it is of the rank and the fixed size that networks for images have. */
export function imageInputOf({ inputs: [input, ...others] }: GraphFacts): GraphValue | undefined {
  const isOnly = input !== undefined && others.length === 0;
  return isOnly && input.datatype === 'FP32' && layoutOf(input) !== undefined ? input : undefined;
}

interface ImageAxes {
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: number;
  readonly shape: readonly [number, number];
}

/** Channels are the axis of 1 or 3, before or after two larger ones. */
function layoutOf({ shape }: GraphValue): ImageAxes | undefined {
  if (shape?.length !== 4) return undefined;
  const [, first, second, third] = shape;
  if (isChannels(first) && typeof second === 'number' && typeof third === 'number')
    return { layout: 'NCHW', channels: first, shape: [second, third] };
  if (typeof first === 'number' && typeof second === 'number' && isChannels(third))
    return { layout: 'NHWC', channels: third, shape: [first, second] };
  return undefined;
}

function isChannels(size: number | string | undefined): size is 1 | 3 {
  return size === 1 || size === 3;
}

/** @param input see {@link imageInputOf} @param kind of the output, where it is not a question itself */
export function draftImageInput(input: GraphValue, kind: unknown): Record<string, unknown> {
  const { layout, channels, shape } = layoutOf(input)!;
  return {
    kind: 'image',
    tensor: input.name,
    layout,
    shape,
    resize: openQuestion('"stretch", "fit" (with fill around it) or "cover" (cut to the middle)'),
    values: openQuestion('"modality" (after rescale) or "voi" (0 to 1, as the image is shown)'),
    fill: openQuestion('Number: around an image that is fitted, in values; 0 for voi'),
    channels: Array.from({ length: channels }, () => CHANNEL),
    merge: KEPT_APART.has(kind)
      ? 'each'
      : openQuestion('Of several images: "maximum" keeps the most probable finding, "each" keeps all'),
    gate: {
      minimumRows: openQuestion('Whole number: a smaller image is refused'),
      minimumColumns: openQuestion('Whole number: a smaller image is refused'),
      maximumImages: openQuestion('Whole number: a series with more images is refused; each is a run'),
      refusedBodyParts: openQuestion(
        'List of Body Part Examined (0018,0015) that are refused, such as ["HAND", "FOOT"]; [] for none',
      ),
      minimumCorrelation: openQuestion('0 to 1: of neighbouring pixels; 0.6 refuses noise'),
      values: [],
    },
  };
}

/** Kinds of outputs without a most probable one: of several images, all are kept. */
const KEPT_APART: ReadonlySet<unknown> = new Set(['detection', 'label-map']);

const CHANNEL = {
  clip: {
    kind: 'units',
    low: openQuestion('Number: values below become this, in values'),
    high: openQuestion('Number: values above become this'),
  },
  to: { low: openQuestion('Number: what the lowest becomes'), high: openQuestion('Number: what the highest becomes') },
} as const;

/** The key `encoding` of labels on an image, which has no slices: the order of the axes must be said. */
export function draftImageEncoding([output]: readonly GraphValue[]): Record<string, unknown> {
  const shape = output?.shape;
  const layout = openQuestion(
    `Order of the axes${shape === undefined ? '' : ` [${shape.join(', ')}]`}: N batch, C channel, H rows, W columns; such as "NCHW" or "HW"`,
  );
  if (output?.datatype === 'FP32')
    return {
      encoding: { kind: openQuestion('"logits", "probabilities" or "sigmoid" (one channel a structure)'), layout },
    };
  return { encoding: { kind: 'labels', datatype: output?.datatype ?? 'UINT8', layout } };
}

/** Whether a value looks like one score for each class. */
export function isClassScores({ datatype, shape }: GraphValue): boolean {
  return datatype === 'FP32' && (shape?.length === 1 || shape?.length === 2);
}

export function draftClassification({ name, shape }: GraphValue): Record<string, unknown> {
  const count = shape?.at(-1);
  const labels = Array.from({ length: typeof count === 'number' ? Math.min(count, MOST_LABELS) : 1 }, (_, index) => ({
    index,
    key: openQuestion(`A short name of class ${index}: lower case, digits, -; leave the entry out if it is not told`),
    category: { value: '49755003', scheme: 'SCT', meaning: 'Morphologically abnormal structure' },
    concept: {
      value: openQuestion('Code of what is found, such as 8186001'),
      scheme: 'SCT',
      meaning: openQuestion('Its meaning, such as Cardiomegaly'),
    },
    thresholds: {
      present: openQuestion('0 to 1: from this probability on it is present'),
      absent: openQuestion('0 to 1: to this probability it is absent; between, undetermined'),
    },
  }));
  return {
    kind: count === 1 ? ONE_NUMBER : 'classification',
    tensor: name,
    activation: openQuestion('"sigmoid", "softmax" or "none" where the graph gives probabilities'),
    labels,
    gate: [],
  };
}

const ONE_NUMBER = openQuestion(
  '"classification" where the number makes a probability; one in a unit is a "measurement", with keys of its own in place of those below',
);

/** A graph of a thousand classes is not answered class by class. */
const MOST_LABELS = 32;
