/** Does the graph do what the card says? Names, types and shapes of inputs and outputs, before anything is run. */
import { axesOf, type TensorLayout } from '../assembly/layout.ts';
import { batchingContradictions } from './check-batching.ts';
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import { detectionGraphContradictions } from './heads/check-detection.ts';
import { tensorShape } from './images/prepare-image.ts';
import { fixedSizes } from './input-grid.ts';
import { encodedDatatype, encodedLayout, encodingOf } from './label-encoding.ts';
import type {
  DetectionOutput,
  InputRule,
  LabelMapOutput,
  ModelCard,
  OutputRule,
  VolumeInput,
} from './model-package.ts';
import { inputChannels, inputLayout } from './prepare.ts';

/** What the card needs a value of the graph to be. */
interface Expected {
  /** Of the card. */
  readonly key: string;
  readonly name: string;
  readonly datatype: string;
  /** One for each rank that will do; without any, every shape will. */
  readonly shapes: readonly (readonly Axis[])[];
}

/** A fixed size, or the name of one that varies from image to image. */
type Axis = number | string;

/** Sentences that begin with the key of the card; none where card and graph agree. */
export function graphContradictions(card: ModelCard, graph: GraphFacts): string[] {
  const { runtime, input, outputs } = card;
  const fed = expectedInputs(input);
  const undeclared = graph.inputs.filter(({ name }) => !fed.some((one) => one.name === name));
  return [
    ...(runtime.kind !== 'onnx' || runtime.opset === graph.opset
      ? []
      : [`/runtime/opset: the graph has ${graph.opset}`]),
    ...batchingContradictions(card, graph),
    ...fed.flatMap((one) => mismatches(one, 'input', graph.inputs)),
    ...undeclared.map(({ name }) => `/input: the graph also wants ${name}, which nothing fills`),
    ...outputs.flatMap((output, at) =>
      output.kind === 'detection'
        ? detectionGraphContradictions(output, `/outputs/${at}`, graph.outputs)
        : expectedOutputs(output, input, `/outputs/${at}`).flatMap((one) => mismatches(one, 'output', graph.outputs)),
    ),
    ...outputs.flatMap((output, at) => classesBeyond(output, `/outputs/${at}`, graph.outputs)),
  ];
}

function expectedInputs(input: InputRule): readonly Expected[] {
  const key = '/input/tensor';
  switch (input.kind) {
    case 'volume':
      return [
        {
          key,
          name: input.tensor,
          datatype: input.intensity.datatype,
          shapes: volumeShapes(input, inputLayout(input), inputChannels(input)),
        },
      ];
    case 'image':
      return [{ key, name: input.tensor, datatype: 'FP32', shapes: [tensorShape(input)] }];
    case 'slices':
    case 'pictures':
      return [];
  }
}

const AXIS_NAMES = { D: 'slices', H: 'rows', W: 'columns' } as const;

/** Of a tensor on the grid of the input, with sizes where the card fixes them; none while the layout is an open question. */
function volumeShapes(input: VolumeInput, layout: TensorLayout, channels: Axis): Expected['shapes'] {
  const [slices, rows, columns] = fixedSizes(input);
  const { D, H, W } = AXIS_NAMES;
  const sizes: Readonly<Record<string, Axis>> = { N: 1, C: channels, D: slices ?? D, H: rows ?? H, W: columns ?? W };
  return shapesOf(layout, sizes);
}

/** None where the layout has an axis that has no size. */
function shapesOf(layout: TensorLayout, sizes: Readonly<Record<string, Axis>>): Expected['shapes'] {
  const axes = axesOf(layout).flatMap((axis) => sizes[axis] ?? []);
  return axes.length === layout.length ? [axes] : [];
}

function labelShapes(output: LabelMapOutput, input: InputRule): Expected['shapes'] {
  const encoding = encodingOf(output);
  const layout = encodedLayout(encoding);
  switch (input.kind) {
    case 'volume':
      return volumeShapes(input, layout, labelChannels(encoding));
    case 'image': {
      const [rows, columns] = input.shape;
      return shapesOf(layout, { N: 1, C: labelChannels(encoding), H: rows, W: columns });
    }
    case 'slices':
    case 'pictures':
      return [];
  }
}

function labelChannels(encoding: ReturnType<typeof encodingOf>): Axis {
  if (encoding.kind === 'labels') return 1;
  return encoding.kind === 'sigmoid' ? encoding.thresholds.length : 'classes';
}

function expectedOutputs(
  output: Exclude<OutputRule, DetectionOutput>,
  input: InputRule,
  key: string,
): readonly Expected[] {
  switch (output.kind) {
    case 'label-map':
      return [
        {
          key: `${key}/tensor`,
          name: output.tensor,
          datatype: encodedDatatype(encodingOf(output)),
          shapes: labelShapes(output, input),
        },
      ];
    case 'classification':
      return [{ key: `${key}/tensor`, name: output.tensor, datatype: 'FP32', shapes: [['classes'], [1, 'classes']] }];
    case 'measurement':
    case 'embedding':
      return [
        {
          key: `${key}/tensor`,
          name: output.tensor,
          datatype: 'FP32',
          shapes: [[output.length], [1, output.length]],
        },
      ];
    case 'text':
      return [];
  }
}

/**
 * Classes that the card names and the graph does not have. Of scores every answer would be refused; a segment would be
 * looked for in vain, and stated as absent.
 */
function classesBeyond(output: OutputRule, key: string, values: readonly GraphValue[]): readonly string[] {
  const named = namedClasses(output);
  if (named === undefined) return [];
  const classes = values.find(({ name }) => name === named.tensor)?.shape?.at(named.axis);
  if (typeof classes !== 'number') return [];
  return named.classes
    .filter((number) => number >= classes)
    .map((number) => `${key}: class ${number} is not in ${named.tensor}, which has ${classes} in the graph, from 0`);
}

interface NamedClasses {
  readonly tensor: string;
  /** Of the tensor, along which its classes lie. */
  readonly axis: number;
  readonly classes: readonly number[];
}

function namedClasses(output: OutputRule): NamedClasses | undefined {
  if (output.kind === 'classification')
    return { tensor: output.tensor, axis: -1, classes: [...output.labels, ...output.gate].map(({ index }) => index) };
  if (output.kind !== 'label-map') return undefined;
  const encoding = encodingOf(output);
  // Channels of their own are counted from 1, and have a threshold each, which the card is checked for by itself.
  if (encoding.kind === 'labels' || encoding.kind === 'sigmoid') return undefined;
  const { tensor, segments, otherLabels } = output;
  const axis = encodedLayout(encoding).indexOf('C');
  return axis < 0 ? undefined : { tensor, axis, classes: [...segments, ...otherLabels].map(({ label }) => label) };
}

function mismatches(expected: Expected, kind: 'input' | 'output', values: readonly GraphValue[]): string[] {
  const { key, name, datatype, shapes } = expected;
  const value = values.find((one) => one.name === name);
  if (value === undefined) {
    const names = values.map((one) => one.name).join(', ');
    return [`${key}: the graph has no ${kind} ${name}; it has ${names === '' ? 'none' : names}`];
  }
  return [
    ...(value.datatype === datatype ? [] : [`${key}: ${name} is ${value.datatype} in the graph, not ${datatype}`]),
    ...shapeMismatches(expected, value.shape, shapes),
  ];
}

function shapeMismatches(
  { key, name }: Expected,
  shape: GraphValue['shape'],
  shapes: Expected['shapes'],
): readonly string[] {
  if (shape === undefined || shapes.length === 0) return [];
  const axes = shapes.find(({ length }) => length === shape.length);
  if (axes === undefined)
    return [
      `${key}: ${name} has rank ${shape.length} in the graph, not ${shapes.map(({ length }) => length).join(' or ')}: ${shapes.at(-1)!.join(', ')}`,
    ];
  return axes.flatMap((axis, at) => {
    const size = shape[at]!;
    if (typeof axis === 'number')
      return typeof size === 'string' || size === axis
        ? []
        : [`${key}: axis ${at} of ${name} is fixed to ${size} in the graph, not ${axis}`];
    return typeof size === 'string' || !Object.values<string>(AXIS_NAMES).includes(axis)
      ? []
      : [`${key}: axis ${at} of ${name} is fixed to ${size} in the graph; volumes vary in size`];
  });
}
