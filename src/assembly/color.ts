/**
 * Colour images (PS3.3 C.7.6.3.1.2) as models of images read them: how bright they are, or red, green and blue. Decoders
 * hand out three interleaved samples a pixel in the colour model that the image names; JPEG 2000 undoes its own.
 */
import type { ImageHeader } from '../arrival/study.ts';
import type { ImageFrame } from './volume.ts';

/** `ybr`: luminance and two colour differences over the full range of the samples, as in JPEG (ITU-R BT.601). */
export type ColorModel = 'rgb' | 'ybr';

const MODELS: Readonly<Record<string, ColorModel>> = {
  RGB: 'rgb',
  YBR_RCT: 'rgb',
  YBR_ICT: 'rgb',
  YBR_FULL: 'ybr',
  YBR_FULL_422: 'ybr',
};

/** Undefined where the samples mean something that nobody here knows. */
export function colorModelOf({ photometricInterpretation }: ImageHeader): ColorModel | undefined {
  return MODELS[photometricInterpretation];
}

/** Red, green and blue of a pixel, in the unit of its samples, with fractions and beyond their range. @param zero where a colour difference is none */
export function rgbOf(y: number, blue: number, red: number, zero: number): readonly [number, number, number] {
  const [toBlue, toRed] = [blue - zero, red - zero];
  return [y + 1.402 * toRed, y - 0.344136 * toBlue - 0.714136 * toRed, y + 1.772 * toBlue];
}

/**
 * How bright each pixel is, in the unit of its samples: Y of ITU-R BT.601, rounded.
 * @param samples three a pixel
 * @param result one a pixel
 */
export function luminance<T extends Int16Array | Uint16Array>(
  samples: ArrayLike<number>,
  model: ColorModel,
  result: T,
): T {
  for (let i = 0; i < result.length; i++) {
    const first = samples[3 * i]!;
    result[i] =
      model === 'ybr' ? first : Math.round(0.299 * first + 0.587 * samples[3 * i + 1]! + 0.114 * samples[3 * i + 2]!);
  }
  return result;
}

/**
 * The image itself where it is greyscale. A colour image has no window of its own: it is shown over the range of its
 * samples, so that brightness and each of its colours are on one scale.
 *
 * @param image greyscale, or of a known colour model
 */
export function inGrayscale(image: ImageFrame): ImageFrame {
  const model = colorModelOf(image.header);
  if (image.header.samplesPerPixel === 1 || model === undefined) return image;
  return plane(image, luminance(image.pixels, model, fresh(image.pixels.length / 3)));
}

/** Red, green and blue, each as a greyscale image; undefined where the image has no colour. */
export function colorPlanes(image: ImageFrame): readonly ImageFrame[] | undefined {
  const { header, pixels, intercept } = image;
  const model = colorModelOf(header);
  if (header.samplesPerPixel === 1 || model === undefined) return undefined;
  const planes = [0, 1, 2].map(() => fresh(pixels.length / 3));
  const [lowest, highest] = [-intercept, topOf(header) - intercept];
  const zero = 2 ** (header.bitsStored - 1) - intercept;
  for (let at = 0; at < pixels.length; at += 3) {
    const [first, second, third] = [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!];
    const colors = model === 'rgb' ? [first, second, third] : rgbOf(first, second, third, zero);
    for (const [color, values] of planes.entries())
      values[at / 3] = Math.min(highest, Math.max(lowest, Math.round(colors[color]!)));
  }
  return planes.map((values) => plane(image, values));
}

function fresh(pixels: number): Int16Array<SharedArrayBuffer> {
  return new Int16Array(new SharedArrayBuffer(2 * pixels));
}

function topOf({ bitsStored }: ImageHeader): number {
  return 2 ** bitsStored - 1;
}

function plane(image: ImageFrame, pixels: ImageFrame['pixels']): ImageFrame {
  const { pixelPadding: _padding, modalityLut: _table, voiLut: _shown, ...header } = image.header;
  const top = topOf(header);
  return {
    ...image,
    pixels,
    header: {
      ...header,
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
      windowCenter: top / 2,
      windowWidth: top,
      voiLutFunction: 'LINEAR_EXACT',
    },
  };
}
