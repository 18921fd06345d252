/**
 * What an image looks like in a few numbers: intensity, tissue shares, and how the body lies in it. Cheap enough to be
 * computed of every image before a model runs; a package's reference ranges say which values its model was made for.
 */
import type { ImageFrame, Volume } from '../../assembly/volume.ts';
import { bodyStatistics } from './body.ts';
import type { Statistics } from './reference-ranges.ts';
import { type Sample, sampleOfImage, sampleOfVolume, sorted } from './sample.ts';

/** Values that CT can mean anything by: padding below, metal above. */
const HU_LOW = -1024;
const HU_HIGH = 3071;

/** @param taken of the volume, where it is there already */
export function statisticsOfVolume(volume: Volume, taken: Sample = sampleOfVolume(volume)): Statistics {
  const sample = volume.units === 'HU' ? clipped(taken) : taken;
  const { shape, spacing, affine, units } = volume;
  return {
    ...intensityStatistics(sample, units),
    ...bodyStatistics(sample, spacingOf(sample, shape, spacing), units, affine),
    extentSliceMm: shape[0] * spacing[0],
    extentRowMm: shape[1] * spacing[1],
    extentColumnMm: shape[2] * spacing[2],
  };
}

/** Of one image; its values have no unit that two devices share, so they are told as shares of their own range. */
export function statisticsOfImage(image: ImageFrame): Statistics {
  const sample = normalised(sampleOfImage(image));
  const { rows, columns, frames, imagerPixelSpacing } = image.header;
  const spacing = frames[0]?.pixelSpacing ?? imagerPixelSpacing;
  const [row, column] = spacing ?? [1, 1];
  return {
    ...intensityStatistics(sample, 'none'),
    ...bodyStatistics(sample, spacingOf(sample, [1, rows, columns], [1, row, column]), 'none', undefined),
    ...(spacing === undefined ? {} : { extentRowMm: rows * row, extentColumnMm: columns * column }),
  };
}

function clipped({ shape, values }: Sample): Sample {
  return { shape, values: values.map((value) => Math.min(HU_HIGH, Math.max(HU_LOW, value))) };
}

/** The 1st percentile becomes 0, the 99th becomes 1. */
function normalised(sample: Sample): Sample {
  const ascending = sorted(sample);
  const low = percentileOf(ascending, 1);
  const range = Math.max(percentileOf(ascending, 99) - low, Number.MIN_VALUE);
  return {
    shape: sample.shape,
    values: sample.values.map((value) => Math.min(2, Math.max(-1, (value - low) / range))),
  };
}

/** mm between neighbours of the lattice, `[slice, row, column]`. */
function spacingOf(
  sample: Sample,
  shape: readonly number[],
  spacing: readonly number[],
): readonly [number, number, number] {
  const [slice, row, column] = shape.map((size, axis) => (spacing[axis]! * size) / sample.shape[axis]!);
  return [slice!, row!, column!];
}

function intensityStatistics(sample: Sample, units: string): Statistics {
  const ascending = sorted(sample);
  const mean = ascending.reduce((sum, value) => sum + value, 0) / ascending.length;
  const variance = ascending.reduce((sum, value) => sum + (value - mean) ** 2, 0) / ascending.length;
  return {
    mean,
    standardDeviation: Math.sqrt(variance),
    percentile1: percentileOf(ascending, 1),
    median: percentileOf(ascending, 50),
    percentile99: percentileOf(ascending, 99),
    ...(units === 'HU' ? tissueShares(ascending) : {}),
  };
}

/** The marks between tissues, HU. */
function tissueShares(ascending: Float64Array): Statistics {
  const percentBelow = (mark: number): number => (100 * countBelow(ascending, mark)) / ascending.length;
  return {
    airPercent: percentBelow(-500),
    softPercent: percentBelow(250) - percentBelow(-150),
    bonePercent: 100 - percentBelow(250),
  };
}

function percentileOf(ascending: Float64Array, percent: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor((percent / 100) * ascending.length))] ?? 0;
}

function countBelow(ascending: Float64Array, mark: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < mark) low = middle + 1;
    else high = middle;
  }
  return low;
}
