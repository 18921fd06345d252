/**
 * What the pixels of a greyscale image are worth to a model. Every pixel is one of 65,536 values: they are worked out
 * once, in a table, and statistics are counted over the table and not over the image.
 */
import { brightnessOf } from '../../assembly/image-set.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import type { ImageInput } from '../model-package.ts';

/** A pixel's place in the tables. */
export const LOWEST_PIXEL = -32_768;
const TABLE_SIZE = 65_536;

export interface Brightness {
  /** Of pixel `i + LOWEST_PIXEL`; brighter is larger, padding is as dark as the darkest pixel. */
  readonly table: Float64Array;
  /** The values that the image has without padding, ascending, and how many pixels have each. */
  readonly values: Float64Array;
  readonly counts: Uint32Array;
}

/** @param image greyscale */
export function brightness(image: ImageFrame, { values: wanted }: Pick<ImageInput, 'values'>): Brightness {
  const histogram = new Uint32Array(TABLE_SIZE);
  for (const pixel of image.pixels) histogram[pixel - LOWEST_PIXEL]!++;
  const isPadding = paddingOf(image);
  const used = Array.from(histogram.keys()).filter((at) => histogram[at]! > 0 && !isPadding(at + LOWEST_PIXEL));
  const worth = wanted === 'voi' ? displayed(image, used) : modalityValue(image);
  const table = Float64Array.from({ length: TABLE_SIZE }, (_, at) => worth(at + LOWEST_PIXEL));
  const ascending = used.toSorted((a, b) => table[a]! - table[b]!);
  const darkest = table[ascending[0] ?? 0]!;
  for (let at = 0; at < TABLE_SIZE; at++) if (isPadding(at + LOWEST_PIXEL)) table[at] = darkest;
  return {
    table,
    values: Float64Array.from(ascending, (at) => table[at]!),
    counts: Uint32Array.from(ascending, (at) => histogram[at]!),
  };
}

/** Pixel Padding (0028,0120) is in stored values: those of the image, mirrored and shifted, are told by their rescale. */
function paddingOf(image: ImageFrame): (pixel: number) => boolean {
  const { pixelPadding, modalityLut, frames } = image.header;
  const frame = frames[image.frameNumber - 1] ?? frames[0];
  if (pixelPadding === undefined || modalityLut !== undefined || frame === undefined) return () => false;
  const stored = (pixel: number): number =>
    Math.round((pixel * image.slope + image.intercept - frame.rescaleIntercept) / frame.rescaleSlope);
  return (pixel) => stored(pixel) >= pixelPadding.low && stored(pixel) <= pixelPadding.high;
}

/** After the Modality LUT (PS3.3 C.11.1); of MONOCHROME1 turned over. */
function modalityValue(image: ImageFrame): (pixel: number) => number {
  const { slope, intercept } = brightnessOf(image);
  return (pixel) => pixel * slope + intercept;
}

/** 0 to 1 after the VOI LUT (PS3.3 C.11.2), which is stated in values before MONOCHROME1 is turned over. */
function displayed(image: ImageFrame, used: readonly number[]): (pixel: number) => number {
  const { header, slope, intercept } = image;
  const transform = voiTransform(image, used);
  const shown = (pixel: number): number => Math.min(1, Math.max(0, transform(pixel * slope + intercept)));
  return header.photometricInterpretation === 'MONOCHROME1' ? (pixel) => 1 - shown(pixel) : shown;
}

/** The image's own window, else its own table, else from its lowest to its highest value: the order in which it is shown. */
function voiTransform({ header, slope, intercept }: ImageFrame, used: readonly number[]): (value: number) => number {
  const { windowCenter: center, windowWidth: width, voiLut } = header;
  if (center !== undefined && width !== undefined && width > 0)
    return windowFunction(center, width, header.voiLutFunction);
  if (voiLut !== undefined) {
    const { firstMapped, values, bits } = voiLut;
    const last = values.length - 1;
    return (value) => values[Math.min(last, Math.max(0, Math.round(value) - firstMapped))]! / (2 ** bits - 1);
  }
  const ends = [used[0] ?? 0, used.at(-1) ?? 0].map((at) => (at + LOWEST_PIXEL) * slope + intercept);
  const low = Math.min(...ends);
  const range = Math.max(...ends) - low;
  return (value) => (range === 0 ? 0 : (value - low) / range);
}

/** PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for an output of 0 to 1. */
function windowFunction(center: number, width: number, name: string | undefined): (value: number) => number {
  if (name === 'SIGMOID') return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (name === 'LINEAR_EXACT') return (value) => (value - center) / width + 0.5;
  if (width <= 1) return (value) => (value <= center - 0.5 ? 0 : 1);
  return (value) => (value - (center - 0.5)) / (width - 1) + 0.5;
}
