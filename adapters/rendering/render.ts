/**
 * A frame as a picture for the screen (PS3.18 section 10.4.1.1.3, PS3.4 N.2): modality values, window, polarity; or
 * colour. Overlays and annotations are not drawn, pixels are taken as square.
 */
import type { ImageHeader, ModalityLut } from '../../src/arrival/study.ts';
import { type DicomDataSet, itemsOf, stringOf } from '../../src/dicom-json.ts';
import type { EncodedInstance, StoredFrame } from '../../src/ports.ts';
import type { Skipped } from '../../src/reasons.ts';
import { clamp, colorRaster, paletteRaster } from './color.ts';
import { lookupTable } from './lookup-table.ts';
import type { Raster } from './raster.ts';
import { type Brightness, fullWindow, tabulated, type Window, type WindowFunction, windowed } from './voi.ts';

type Pixels = StoredFrame['pixels'];

/**
 * @param frame as the decoder gives it: samples of a pixel together, values as stored.
 * @param window in place of the one that the image brings.
 * @returns the reason where the kind of pixel cannot be shown.
 */
export function renderFrame(
  frame: StoredFrame,
  instance: EncodedInstance,
  frameIndex: number,
  window?: Window,
): Raster | Skipped {
  const { header, dataSet } = instance;
  if (header.samplesPerPixel > 1) return colorRaster(frame, header);
  if (header.photometricInterpretation === 'PALETTE COLOR') return paletteRaster(frame, dataSet);
  const modality = modalityOf(header, frameIndex);
  const brightness = window === undefined ? ownBrightness(frame.pixels, header, dataSet, modality) : windowed(window);
  const inverse = isInverse(header, dataSet);
  const shade = (stored: number): number => {
    const value = clamp(brightness(modality(stored)));
    return inverse ? 255 - value : value;
  };
  return { width: frame.columns, height: frame.rows, channels: 1, data: shaded(frame.pixels, shade) };
}

/** Frames of up to 16 bits go through a table of all their values. */
function shaded(pixels: Pixels, shade: (stored: number) => number): Uint8Array {
  const data = new Uint8Array(pixels.length);
  if (pixels.BYTES_PER_ELEMENT === 4) {
    for (let i = 0; i < data.length; i++) data[i] = shade(pixels[i]!);
    return data;
  }
  const signed = pixels instanceof Int8Array || pixels instanceof Int16Array;
  const size = 2 ** (8 * pixels.BYTES_PER_ELEMENT);
  const table = Uint8Array.from({ length: size }, (_, i) => shade(signed && i >= size / 2 ? i - size : i));
  for (let i = 0; i < data.length; i++) data[i] = table[pixels[i]! & (size - 1)]!;
  return data;
}

/** PS3.3 C.11.1: the lookup table, or slope and intercept. */
function modalityOf(header: ImageHeader, frameIndex: number): (stored: number) => number {
  const { modalityLut } = header;
  if (modalityLut !== undefined) return (stored) => tableValue(modalityLut, stored);
  const { rescaleSlope, rescaleIntercept } = header.frames[frameIndex] ?? { rescaleSlope: 1, rescaleIntercept: 0 };
  return (stored) => stored * rescaleSlope + rescaleIntercept;
}

function tableValue({ firstMapped, values }: ModalityLut, stored: number): number {
  return values[Math.max(0, Math.min(values.length - 1, stored - firstMapped))]!;
}

/** The image's own window, else its own table, else everything that the frame holds. */
function ownBrightness(
  pixels: Pixels,
  header: ImageHeader,
  dataSet: DicomDataSet,
  modality: (stored: number) => number,
): Brightness {
  const { windowCenter: center, windowWidth: width } = header;
  if (center !== undefined && width !== undefined && width > 0) {
    return windowed({ center, width, function: windowFunction(dataSet) });
  }
  const [item] = itemsOf(dataSet, '00283010');
  const table = item && lookupTable(item, '00283002', '00283006');
  if (table !== undefined) return tabulated(table);
  const [low, high] = extent(pixels, header);
  return windowed(fullWindow(Math.min(modality(low), modality(high)), Math.max(modality(low), modality(high))));
}

function windowFunction(dataSet: DicomDataSet): WindowFunction {
  const stated = stringOf(dataSet, '00281056');
  return stated === 'SIGMOID' ? 'sigmoid' : stated === 'LINEAR_EXACT' ? 'linear-exact' : 'linear';
}

/** Least and greatest stored value, padding left out. */
function extent(pixels: Pixels, { pixelPadding }: ImageHeader): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of pixels as ArrayLike<number> & Iterable<number>) {
    if (pixelPadding !== undefined && value >= pixelPadding.low && value <= pixelPadding.high) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Presentation LUT Shape (2050,0020) says it where it is given, and the polarity of the pixels otherwise. */
function isInverse(header: ImageHeader, dataSet: DicomDataSet): boolean {
  const shape = stringOf(dataSet, '20500020');
  return shape === undefined ? header.photometricInterpretation === 'MONOCHROME1' : shape === 'INVERSE';
}
