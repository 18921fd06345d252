/** From one image to the model's input, as the card declares it. */
import { colorPlanes, inGrayscale } from '../../assembly/color.ts';
import type { LinearStep } from '../../assembly/grid.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import { applied, linearStep } from '../channel-steps.ts';
import { type CardOf, type ImageInput, outputTensors } from '../model-package.ts';
import type { InferenceRequest, Tensor } from '../tensor.ts';
import { type Brightness, brightness } from './brightness.ts';
import { type Placement, placementOf, resized } from './resize.ts';

/** An image in the model's size, before its intensity steps. */
export interface PreparedImage {
  readonly placement: Placement;
  /** `placement.shape`, row by row, in the card's `values`. */
  readonly plane: Float32Array;
  readonly brightness: Brightness;
  /** Red, green and blue of a colour image, as `plane`, where the card reads them. */
  readonly colors?: readonly Float32Array[];
}

/** @param image greyscale, or colour as the card takes it */
export function prepareImage(image: ImageFrame, input: ImageInput): PreparedImage {
  const { rows, columns } = image.header;
  const placement = placementOf([rows, columns], input.shape, input.resize, aspectOf(image));
  const gray = inGrayscale(image);
  const worth = brightness(gray, input);
  const colors = input.color === 'rgb' ? colorPlanes(image) : undefined;
  return {
    placement,
    plane: resized(gray, worth.table, placement),
    brightness: worth,
    ...(colors && { colors: colors.map((color) => resized(color, brightness(color, input).table, placement)) }),
  };
}

/** Height of a pixel by its width. */
export function aspectOf({ header, frameNumber }: ImageFrame): number {
  const [height, width] = header.frames[frameNumber - 1]?.pixelSpacing ?? header.imagerPixelSpacing ?? [1, 1];
  return height / width;
}

export function imageRequest(card: CardOf<'image'>, prepared: PreparedImage): InferenceRequest {
  return {
    model: card.name,
    version: card.version,
    inputs: [imageTensor(card.input, prepared)],
    outputs: card.outputs.flatMap(outputTensors),
  };
}

function imageTensor(input: ImageInput, prepared: PreparedImage): Tensor {
  const { tensor, layout, shape, channels } = input;
  const [rows, columns] = shape;
  const data = new Float32Array(channels.length * rows * columns);
  const [betweenPixels, betweenChannels] = layout === 'NHWC' ? [channels.length, 1] : [1, rows * columns];
  for (const [channel, step] of channels.entries()) {
    const source = prepared.colors?.[channel] ?? prepared.plane;
    const plane = filled(input, prepared.placement, source, linearStep(step, prepared.brightness.counts));
    for (let i = 0; i < plane.length; i++) data[i * betweenPixels + channel * betweenChannels] = plane[i]!;
  }
  return { name: tensor, datatype: 'FP32', shape: tensorShape(input), data };
}

export function tensorShape({ layout, shape: [rows, columns], channels }: ImageInput): readonly number[] {
  switch (layout) {
    case 'NCHW':
      return [1, channels.length, rows, columns];
    case 'NHWC':
      return [1, rows, columns, channels.length];
    case 'HW':
      return [rows, columns];
  }
}

/** The whole shape: the image where it lies, `fill` around it, all of it through the step. */
function filled(
  { shape, fill }: ImageInput,
  placement: Placement,
  plane: Float32Array,
  step: LinearStep,
): Float32Array {
  const result = new Float32Array(shape[0] * shape[1]).fill(applied(step, fill));
  const [height, width] = placement.shape;
  for (let row = 0; row < height; row++) {
    const start = (row + placement.to[0]) * shape[1] + placement.to[1];
    for (let column = 0; column < width; column++) result[start + column] = applied(step, plane[row * width + column]!);
  }
  return result;
}
