/**
 * Assembles a series of independent images (CR, DX, MG, US …) while its instances stream in, in any order.
 *
 * Pixels are INT16, greyscale with one sample, colour with three. In MONOCHROME1 the lowest value is white (PS3.3
 * C.7.6.3.1.2): such pixels are mirrored within their range, so that brighter is larger in every greyscale image, and
 * the rescale follows, so that `pixel × slope + intercept` is still the value that the header's window is stated in:
 * pixel' = low + high − pixel, slope' = −slope, intercept' = intercept + slope × (low + high).
 */
import type { ImageHeader, Series } from '../arrival/study.ts';
import type { EncodedInstance, NotRead } from '../ports.ts';
import { type Reason, reason } from '../reasons.ts';
import {
  Arrivals,
  type ArrivingFrames,
  type Frame,
  type Placed,
  rescaleOf,
  shiftOf,
  valuesPerFrame,
} from './arrivals.ts';
import { classifyImage } from './classify.ts';
import { valuesOf } from './slots.ts';
import type { ImageFrame, ImageSet } from './volume.ts';

export interface ImageSetBuilder extends ArrivingFrames {
  /**
   * Call once, when every frame is decoded. Exactly one of `images` and `skipped` is there. The set owns its memory:
   * release each buffer of `images[…].pixels` once, when none of them is read any longer.
   */
  finish(): { readonly images?: ImageSet; readonly skipped?: Reason; readonly notRead: readonly NotRead[] };
}

/** @param series as the archive announced it: its number of instances sizes the memory. */
export function imageSetBuilder(
  series: Series,
  allocate: (byteLength: number) => SharedArrayBuffer,
  release: (buffer: SharedArrayBuffer) => void,
): ImageSetBuilder {
  const arrivals = new Arrivals<Frame>(series, { allocate, release }, imageFrames);
  return {
    place: (instance) => arrivals.place(instance),
    dropped: (instance, frameIndex, because) => arrivals.dropped(instance, frameIndex, because),
    finish() {
      const frames = arrivals.frames();
      const notRead = arrivals.setAside.rows();
      const [first] = frames;
      if (first !== undefined && arrivals.excess === undefined)
        return { images: imageSetOf(first.header, frames.map(imageOf)), notRead };
      arrivals.release();
      return { skipped: arrivals.excess ?? arrivals.setAside.main() ?? reason('no-instances'), notRead };
    },
  };
}

function imageFrames({ header, frames }: EncodedInstance): readonly Frame[] | Reason {
  if (frames.length !== header.numberOfFrames) return reason('header-implausible', 'number of frames');
  const shift = shiftOf(header);
  return classifyImage(header) ?? frames.map((_, index) => ({ header, frameNumber: index + 1, shift }));
}

function imageSetOf(header: ImageHeader, images: readonly ImageFrame[]): ImageSet {
  const { studyInstanceUid, seriesInstanceUid, modality } = header;
  return { studyInstanceUid, seriesInstanceUid, modality, images, notes: [] };
}

function imageOf({ header, frameNumber, shift, slot }: Placed<Frame>): ImageFrame {
  const pixels = valuesOf(slot, valuesPerFrame(header));
  const rescale = rescaleOf(header, frameNumber, shift);
  if (header.photometricInterpretation !== 'MONOCHROME1') return { header, frameNumber, pixels, ...rescale };
  const mirror = mirrorOf(header) + 2 * shift;
  for (let index = 0; index < pixels.length; index++) pixels[index] = mirror - pixels[index]!;
  const { slope, intercept } = rescale;
  return { header, frameNumber, pixels, slope: -slope, intercept: intercept + slope * mirror };
}

/**
 * `brightness = pixel × slope + intercept`: the value of the image, of MONOCHROME1 mirrored as its pixels are, so that
 * brighter is larger in every greyscale image.
 */
export function brightnessOf(image: ImageFrame): { readonly slope: number; readonly intercept: number } {
  const { header, frameNumber, slope, intercept } = image;
  if (header.photometricInterpretation !== 'MONOCHROME1') return { slope, intercept };
  return rescaleOf(header, frameNumber, shiftOf(header));
}

/** Lowest plus highest value that can be stored, before the shift. */
function mirrorOf({ modalityLut, bitsStored, pixelRepresentation }: ImageHeader): number {
  if (modalityLut !== undefined) {
    const { low, high } = modalityLut.values.reduce(
      (range, value) => ({ low: Math.min(range.low, value), high: Math.max(range.high, value) }),
      { low: 65535, high: 0 },
    );
    return low + high;
  }
  return pixelRepresentation === 1 ? -1 : 2 ** bitsStored - 1;
}
