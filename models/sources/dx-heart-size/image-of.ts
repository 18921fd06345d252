/** A picture as the pipeline gets it from an archive: one greyscale image of 12 bits, without a window. */
import type { ImageFrame } from '../../../src/assembly/volume.ts';
import { imageFrame } from '../../../test/support/image-frames.ts';
import type { Picture } from './pictures.ts';

const BRIGHTEST = 4095;

export function imageOf({ size, pixels }: Picture): ImageFrame {
  const lowest = pixels.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const range = pixels.reduce((most, value) => Math.max(most, value - lowest), 0) || 1;
  const stored = (value: number): number => Math.round(((value - lowest) / range) * BRIGHTEST);
  return imageFrame([size, size], (row, column) => stored(pixels[row * size + column]!));
}
