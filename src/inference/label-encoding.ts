/** How labels stand in a tensor, by the card: checked, and turned to labels or to scores that become labels. */
import type { Grid } from '../assembly/grid.ts';
import { isPlain, PLAIN_LAYOUT, type Strides, stridesOf, type TensorLayout, tensorShape } from '../assembly/layout.ts';
import { answeredTensor, wrongAnswer } from './answered-tensor.ts';
import type { ClassScores, LabelChoice } from './label-scores.ts';
import type { CoarseLabels, LabelMapOutput } from './model-package.ts';
import type { InferenceResponse, Tensor } from './tensor.ts';

type Encoding = NonNullable<LabelMapOutput['encoding']>;
export type LabelsEncoding = Extract<Encoding, { readonly kind: 'labels' }>;
export type ScoresEncoding = Exclude<Encoding, LabelsEncoding>;

const PLAIN_LABELS: LabelsEncoding = { kind: 'labels', datatype: 'UINT8' };

export function encodingOf({ encoding }: LabelMapOutput): Encoding {
  return encoding ?? PLAIN_LABELS;
}

/** Which datatype the tensor has. */
export function encodedDatatype(encoding: Encoding): LabelsEncoding['datatype'] {
  return encoding.kind === 'labels' ? encoding.datatype : 'FP32';
}

export function encodedLayout(encoding: Encoding): TensorLayout {
  return encoding.layout ?? PLAIN_LAYOUT;
}

/** @throws WetreadError `inference-failed` where datatype, shape or a label is not what the card declares. */
export function labelsOf(
  response: InferenceResponse,
  { tensor: name }: LabelMapOutput,
  encoding: LabelsEncoding,
  grid: Grid,
): CoarseLabels {
  const layout = encodedLayout(encoding);
  const { data } = checkedTensor(response, name, encoding.datatype, tensorShape(layout, grid.shape, 1));
  const strides = stridesOf(layout, grid.shape, 1);
  if (data instanceof Uint8Array && isPlain(strides, grid.shape)) return { grid, labels: shared(data) };
  return { grid, labels: gathered(data, strides, grid, name) };
}

/** @throws WetreadError `inference-failed` where datatype or shape is not what the card declares. */
export function scoresOf(
  response: InferenceResponse,
  { tensor: name }: LabelMapOutput,
  encoding: ScoresEncoding,
  grid: Grid,
): ClassScores {
  const layout = encodedLayout(encoding);
  const found = answeredTensor(response, name);
  const channels = found.shape[layout.indexOf('C')] ?? 0;
  const { data } = checkedTensor(response, name, 'FP32', tensorShape(layout, grid.shape, channels));
  const choice = choiceOf(encoding);
  if (choice.kind === 'limits' && choice.limits.length !== channels)
    throw wrongAnswer(`${name} has ${channels} channels, the card ${choice.limits.length} thresholds`);
  if (channels > MOST_CHANNELS)
    throw wrongAnswer(`${name} has ${channels} channels, at most ${MOST_CHANNELS} are labels`);
  return { grid, data: data as Float32Array, channels, strides: stridesOf(layout, grid.shape, channels), choice };
}

/** A label is a byte. */
const MOST_CHANNELS = 255;

function choiceOf(encoding: ScoresEncoding): LabelChoice {
  if (encoding.kind !== 'sigmoid') return { kind: 'highest' };
  const { of, thresholds } = encoding;
  return { kind: 'limits', limits: of === 'probabilities' ? thresholds : thresholds.map((p) => Math.log(p / (1 - p))) };
}

const ARRAYS = { UINT8: Uint8Array, INT32: Int32Array, INT64: BigInt64Array, FP32: Float32Array } as const;

function checkedTensor(
  response: InferenceResponse,
  name: string,
  declared: keyof typeof ARRAYS,
  wanted: readonly number[],
): Tensor {
  const tensor = answeredTensor(response, name);
  const { datatype, shape, data } = tensor;
  if (datatype !== declared || !(data instanceof ARRAYS[declared]))
    throw wrongAnswer(`${name} is ${datatype}, declared ${declared}`);
  if (shape.join() !== wanted.join() || data.length !== wanted.reduce((product, size) => product * size, 1))
    throw wrongAnswer(`${name} has shape [${shape.join(', ')}], declared [${wanted.join(', ')}]`);
  return tensor;
}

/** Labels of any datatype, in any order, as bytes in the order of a volume. */
function gathered(data: Tensor['data'], strides: Strides, { shape }: Grid, name: string): CoarseLabels['labels'] {
  const [slices, rows, columns] = shape;
  const labels = new Uint8Array(new SharedArrayBuffer(slices * rows * columns));
  let at = 0;
  for (let k = 0; k < slices; k++) {
    for (let j = 0; j < rows; j++) {
      let from = k * strides.slice + j * strides.row;
      for (let i = 0; i < columns; i++) {
        const label = Number(data[from]);
        from += strides.column;
        // What a byte does not hold as it is, is none.
        labels[at] = label;
        if (labels[at++] !== label) throw wrongAnswer(`${name} holds ${label}, which is no label`);
      }
    }
  }
  return labels;
}

/** In shared memory, so that workers read the labels without a copy each. */
function shared(data: Uint8Array): Uint8Array<SharedArrayBuffer> {
  if (data.buffer instanceof SharedArrayBuffer) return data as Uint8Array<SharedArrayBuffer>;
  const copy = new Uint8Array(new SharedArrayBuffer(data.length));
  copy.set(data);
  return copy;
}

/** Only labels that the card declares. @throws WetreadError `inference-failed` */
export function checkLabels({ labels }: CoarseLabels, output: LabelMapOutput): void {
  const declared = new Set([0, ...[...output.segments, ...output.otherLabels].map(({ label }) => label)]);
  const present = new Uint8Array(256);
  for (let i = 0; i < labels.length; i++) present[labels[i]!] = 1;
  const unknown = present.findIndex((seen, label) => seen === 1 && !declared.has(label));
  if (unknown >= 0) throw wrongAnswer(`${output.tensor} holds the label ${unknown}, which the card does not declare`);
}
