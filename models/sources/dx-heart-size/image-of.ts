/** A picture as the pipeline gets it from an archive: one greyscale image of 12 bits, without a window. */
import type { ImageHeader } from '../../../src/arrival/study.ts';
import type { ImageFrame } from '../../../src/assembly/volume.ts';
import { nameBasedUid } from '../../../src/uid.ts';
import type { Picture } from './pictures.ts';

const DX_FOR_PRESENTATION = '1.2.840.10008.5.1.4.1.1.1.1';
const BRIGHTEST = 4095;

export function imageOf({ size, pixels }: Picture): ImageFrame {
  const lowest = pixels.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const range = pixels.reduce((most, value) => Math.max(most, value - lowest), 0) || 1;
  const stored = new Int16Array(new SharedArrayBuffer(2 * pixels.length));
  for (const [at, value] of pixels.entries()) stored[at] = Math.round(((value - lowest) / range) * BRIGHTEST);
  return { header: headerOf(size), frameNumber: 1, pixels: stored, slope: 1, intercept: 0 };
}

function headerOf(size: number): ImageHeader {
  return {
    studyInstanceUid: nameBasedUid('picture', 'study'),
    seriesInstanceUid: nameBasedUid('picture', 'series'),
    sopInstanceUid: nameBasedUid('picture', 'image'),
    sopClassUid: DX_FOR_PRESENTATION,
    modality: 'DX',
    imageType: ['ORIGINAL', 'PRIMARY'],
    rows: size,
    columns: size,
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
}
