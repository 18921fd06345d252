/**
 * What the pixels of a greyscale image are worth to a model. Every pixel is one of 65,536 values: they are worked out
 * once, in a table, and statistics are counted over the table and not over the image.
 */
import { brightnessOf } from '../../assembly/image-set.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import type { ImageInput } from '../model-package.ts';
import { countStored, STORED_VALUES, type ValueCounts } from '../value-counts.ts';

/** Added to a pixel, its place in a table. */
export const FIRST_PLACE = STORED_VALUES / 2;

export interface Brightness {
  /** Of pixel `place - FIRST_PLACE`; brighter is larger, padding is as dark as the darkest pixel. */
  readonly table: Float64Array;
  /** Of the whole image without its padding. */
  readonly counts: ValueCounts;
}

/** @param image greyscale */
export function brightness(image: ImageFrame, { values: wanted }: Pick<ImageInput, 'values'>): Brightness {
  const histogram = new Uint32Array(STORED_VALUES);
  countStored(image.pixels, histogram, undefined);
  const isPadding = paddingOf(image);
  const used = Array.from(histogram.keys()).filter((place) => histogram[place]! > 0 && !isPadding(place - FIRST_PLACE));
  const worth = wanted === 'voi' ? displayed(image, used) : modalityValue(image);
  const table = Float64Array.from({ length: STORED_VALUES }, (_, place) => worth(place - FIRST_PLACE));
  const counts = countsOf(table, histogram, used);
  for (let place = 0; place < table.length; place++)
    if (isPadding(place - FIRST_PLACE)) table[place] = counts.values[0]!;
  return { table, counts };
}

/** Two pixels that are worth the same, such as all that a window makes white, count as one value. */
function countsOf(table: Float64Array, histogram: Uint32Array, used: readonly number[]): ValueCounts {
  const byValue = Map.groupBy(used, (place) => table[place]!);
  if (byValue.size === 0) return { values: Float64Array.of(0), counts: Float64Array.of(1), total: 1 };
  const values = Float64Array.from(byValue.keys()).sort();
  const counts = values.map((value) => byValue.get(value)!.reduce((sum, place) => sum + histogram[place]!, 0));
  return { values, counts, total: counts.reduce((sum, count) => sum + count, 0) };
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
  const ends = [used[0] ?? 0, used.at(-1) ?? 0].map((place) => (place - FIRST_PLACE) * slope + intercept);
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
