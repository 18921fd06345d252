/** Images on their own without a file: headers as a detector writes them, pixels by a rule. */
import type { ImageHeader } from '../../src/arrival/study.ts';
import type { ImageFrame, ImageSet } from '../../src/assembly/volume.ts';
import { parseUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';

const STUDY = parseUid<StudyInstanceUid>('1.2.3');
const SERIES = parseUid<SeriesInstanceUid>('1.2.3.4');

/** @param pixel what is stored; of MONOCHROME1 as assembly leaves it, mirrored */
export function imageFrame(
  [rows, columns]: readonly [number, number],
  pixel: (row: number, column: number) => number,
  change: Partial<ImageHeader> & { readonly slope?: number; readonly intercept?: number } = {},
): ImageFrame {
  const { slope = 1, intercept = 0, ...header } = change;
  const samples = header.samplesPerPixel ?? 1;
  const pixels = new Int16Array(new SharedArrayBuffer(2 * rows * columns * samples));
  for (let at = 0; at < rows * columns; at++)
    pixels.fill(pixel(Math.floor(at / columns), at % columns), at * samples, (at + 1) * samples);
  return { header: { ...HEADER, rows, columns, ...header }, frameNumber: 1, pixels, slope, intercept };
}

export function imageSet(images: readonly ImageFrame[], modality = 'DX'): ImageSet {
  const numbered = images.map((image, at) => ({
    ...image,
    header: { ...image.header, sopInstanceUid: parseUid<SopInstanceUid>(`1.2.3.4.${at + 1}`)! },
  }));
  return { studyInstanceUid: STUDY!, seriesInstanceUid: SERIES!, modality, images: numbered, notes: [] };
}

const HEADER: ImageHeader = {
  studyInstanceUid: STUDY!,
  seriesInstanceUid: SERIES!,
  sopInstanceUid: parseUid<SopInstanceUid>('1.2.3.4.1')!,
  sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
  modality: 'DX',
  imageType: ['ORIGINAL', 'PRIMARY'],
  rows: 1,
  columns: 1,
  numberOfFrames: 1,
  samplesPerPixel: 1,
  photometricInterpretation: 'MONOCHROME2',
  planarConfiguration: 0,
  bitsAllocated: 16,
  bitsStored: 12,
  highBit: 11,
  pixelRepresentation: 0,
  frames: [{ rescaleSlope: 1, rescaleIntercept: 0 }],
};
