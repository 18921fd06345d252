/** The Image Pixel Module (PS3.3 C.7.6.3), checked before anything is allocated by it. */
import { type DicomDataSet, itemsOf, numberOf, numbersOf, stringOf } from '../dicom-json.ts';
import { reason, type Skipped } from '../reasons.ts';
import type { ImageHeader, ModalityLut, VoiLut } from './study.ts';

export type PixelHeader = Pick<
  ImageHeader,
  | 'rows'
  | 'columns'
  | 'numberOfFrames'
  | 'samplesPerPixel'
  | 'photometricInterpretation'
  | 'planarConfiguration'
  | 'bitsAllocated'
  | 'bitsStored'
  | 'highBit'
  | 'pixelRepresentation'
>;

/** Tags that this file reads at the top level. */
export const PIXEL_HEADER_TAGS: readonly string[] = [
  '00280002',
  '00280004',
  '00280006',
  '00280008',
  '00280010',
  '00280011',
  '00280100',
  '00280101',
  '00280102',
  '00280103',
  '00280120',
  '00280121',
  '00283000',
  '00283010',
];

/** Longer than any cine; a bound for what a hostile header can make us allocate. */
const MAXIMUM_FRAMES = 1 << 20;

export function readPixelHeader(dataSet: DicomDataSet): PixelHeader | Skipped {
  const rows = numberOf(dataSet, '00280010');
  const columns = numberOf(dataSet, '00280011');
  const bitsAllocated = numberOf(dataSet, '00280100');
  if (rows === undefined || columns === undefined || bitsAllocated === undefined) {
    return { skipped: reason('no-pixel-data', 'rows, columns or bits allocated are missing') };
  }
  const bitsStored = numberOf(dataSet, '00280101') ?? bitsAllocated;
  const header = {
    rows,
    columns,
    numberOfFrames: framesOf(dataSet),
    samplesPerPixel: numberOf(dataSet, '00280002') ?? 1,
    photometricInterpretation: stringOf(dataSet, '00280004') ?? 'MONOCHROME2',
    planarConfiguration: numberOf(dataSet, '00280006') ?? 0,
    bitsAllocated,
    bitsStored,
    highBit: numberOf(dataSet, '00280102') ?? bitsStored - 1,
    pixelRepresentation: numberOf(dataSet, '00280103') === 1 ? (1 as const) : (0 as const),
  };
  const flaw = flawOf(header);
  return flaw === undefined ? header : { skipped: reason('header-implausible', flaw) };
}

/** NaN where Number of Frames is there but is no number; some writers send 0 for one frame. */
function framesOf(dataSet: DicomDataSet): number {
  const value = dataSet['00280008']?.Value?.[0];
  if (value === undefined || value === null) return 1;
  const frames = numberOf(dataSet, '00280008') ?? Number.NaN;
  return frames === 0 ? 1 : frames;
}

function flawOf(header: PixelHeader): string | undefined {
  const { rows, columns, numberOfFrames, samplesPerPixel, bitsAllocated, bitsStored, highBit } = header;
  if (!isCount(rows, 65_535) || !isCount(columns, 65_535)) return 'rows or columns are out of range';
  if (!isCount(numberOfFrames, MAXIMUM_FRAMES)) return 'Number of Frames is not a usable number';
  if (samplesPerPixel !== 1 && samplesPerPixel !== 3) return `${samplesPerPixel} samples per pixel`;
  if (![1, 8, 16, 32].includes(bitsAllocated)) return `${bitsAllocated} bits allocated`;
  if (bitsAllocated === 1 && samplesPerPixel !== 1) return 'colour in one bit';
  if (!isCount(bitsStored, bitsAllocated)) return `${bitsStored} bits stored in ${bitsAllocated}`;
  if (!isCount(highBit + 1, bitsAllocated) || highBit + 1 < bitsStored) return `high bit ${highBit}`;
  return undefined;
}

function isCount(value: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= maximum;
}

/** Bits of one native frame: `YBR_FULL_422` shares its chroma between two pixels (PS3.3 C.7.6.3.1.2). */
export function nativeFrameBits(header: PixelHeader): number {
  return header.rows * header.columns * (isChromaShared(header) ? 2 : header.samplesPerPixel) * header.bitsAllocated;
}

/** True for native `YBR_FULL_422`, the one layout whose samples are not all there. */
export function isChromaShared(header: PixelHeader): boolean {
  return header.photometricInterpretation === 'YBR_FULL_422' && header.samplesPerPixel === 3;
}

/**
 * Pixel Padding Value (0028,0120) to Range Limit (0028,0121), in stored values. Writers mix up US and SS here, so values
 * are brought into the range that Pixel Representation gives.
 */
export function pixelPaddingOf(dataSet: DicomDataSet, pixels: PixelHeader): ImageHeader['pixelPadding'] {
  const value = numberOf(dataSet, '00280120');
  if (value === undefined) return undefined;
  const ends = [value, numberOf(dataSet, '00280121') ?? value].map((end) => asStored(end, pixels));
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** A 16-bit value read with the wrong sign, read with the right one. */
function asStored(value: number, pixels: PixelHeader): number {
  if (pixels.pixelRepresentation === 1 && value > 0x7fff && value <= 0xffff) return value - 0x10000;
  if (pixels.pixelRepresentation === 0 && value < 0 && value >= -0x8000) return value + 0x10000;
  return value;
}

/** Modality LUT Sequence (PS3.3 C.11.1); a table that is shorter than its descriptor says ends where its data end. */
export function modalityLutOf(dataSet: DicomDataSet, pixels: PixelHeader): ModalityLut | undefined {
  const item = itemsOf(dataSet, '00283000')[0];
  const descriptor = item === undefined ? [] : numbersOf(item, '00283002');
  if (item === undefined || descriptor.length !== 3) return undefined;
  const entries = descriptor[0] === 0 ? 0x10000 : descriptor[0]!;
  const values = lutValues(item, entries);
  if (values.length === 0) return undefined;
  return { firstMapped: asStored(descriptor[1]!, pixels), values: values.slice(0, entries) };
}

/** VOI LUT Sequence (PS3.3 C.11.2); undefined where an entry has no usable number of bits. */
export function voiLutOf(dataSet: DicomDataSet): VoiLut | undefined {
  const item = itemsOf(dataSet, '00283010')[0];
  const [length, firstMapped, bits] = item === undefined ? [] : numbersOf(item, '00283002');
  if (item === undefined || firstMapped === undefined || bits === undefined || bits < 8 || bits > 16) return undefined;
  const entries = length === 0 ? 0x10000 : length!;
  const values = lutValues(item, entries);
  return values.length === 0 ? undefined : { firstMapped, bits, values: values.slice(0, entries) };
}

/** LUT Data (0028,3006), US as numbers or OW as bytes; tables of 8-bit entries may be packed. */
function lutValues(item: DicomDataSet, entries: number): Uint16Array {
  const base64 = item['00283006']?.InlineBinary;
  if (base64 === undefined) return Uint16Array.from(numbersOf(item, '00283006'));
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  if (bytes.length < entries * 2) return Uint16Array.from(bytes);
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 8));
}
