/** From a data set, read from a file or sent as DICOMweb metadata, to the header that assembly works with. */
import { type DicomDataSet, itemsOf, numberOf, numbersOf, stringOf, stringsOf } from '../dicom-json.ts';
import { isSkipped, type Skipped } from '../reasons.ts';
import type { FrameOfReferenceUid } from '../uid.ts';
import {
  FRAME_HEADER_TAGS,
  functionalGroup,
  positive,
  positivePair,
  readFrameHeaders,
  rescaleTypeOf,
} from './frame-headers.ts';
import { readInstanceUids, uidOf } from './instance-uids.ts';
import { patientAgeYears } from './patient-age.ts';
import {
  modalityLutOf,
  PIXEL_HEADER_TAGS,
  type PixelHeader,
  pixelPaddingOf,
  readPixelHeader,
  voiLutOf,
} from './pixel-header.ts';
import type { ImageHeader } from './study.ts';
import { present, STUDY_HEADER_TAGS } from './study-header.ts';

/** Every tag at the top level that {@link readImageHeader} and `readStudyHeader` look at: a reader need not convert more. */
export const HEADER_TAGS: ReadonlySet<string> = new Set([
  ...STUDY_HEADER_TAGS,
  ...PIXEL_HEADER_TAGS,
  ...FRAME_HEADER_TAGS,
  '00080005',
  '00080008',
  '00080016',
  '00080018',
  '00080060',
  '00080070',
  '0008103E',
  '00089207',
  '00081090',
  '00101010',
  '00180010',
  '00180012',
  '00180015',
  '00180088',
  '00181120',
  '00181164',
  '00181210',
  '00185100',
  '00185101',
  '0020000E',
  '00200011',
  '00200012',
  '00200013',
  '00200020',
  '00200052',
  '00200060',
  '00200062',
  '00280301',
  '00281050',
  '00281051',
  '00281054',
  '00281056',
  '00282110',
  '00282112',
  '00541001',
]);

/**
 * @returns the header, or `uid-missing`, `no-pixel-data` (Rows, Columns or Bits Allocated absent), `header-implausible`
 * (outside what PS3.3 C.7.6.3 allows or Wetread bounds) or `data-set-invalid` (functional groups that do not fit).
 */
export function readImageHeader(dataSet: DicomDataSet): ImageHeader | Skipped {
  const uids = readInstanceUids(dataSet);
  if (isSkipped(uids)) return uids;
  const pixels = readPixelHeader(dataSet);
  if (isSkipped(pixels)) return pixels;
  const frames = readFrameHeaders(dataSet, pixels.numberOfFrames);
  if (isSkipped(frames)) return frames;
  return {
    ...uids,
    modality: stringOf(dataSet, '00080060') ?? '',
    // Some servers send the values as one string.
    imageType: stringsOf(dataSet, '00080008').flatMap((value) => value.split('\\')),
    ...pixels,
    frames,
    ...present({
      instanceNumber: numberOf(dataSet, '00200013'),
      acquisitionNumber: numberOf(dataSet, '00200012'),
      seriesNumber: numberOf(dataSet, '00200011'),
      seriesDescription: stringOf(dataSet, '0008103E'),
      frameOfReferenceUid: uidOf(dataSet, '00200052') as FrameOfReferenceUid | undefined,
    }),
    ...valueAttributes(dataSet, pixels),
    ...acquisitionAttributes(dataSet),
  };
}

/** What stored values mean. */
function valueAttributes(dataSet: DicomDataSet, pixels: PixelHeader): Partial<ImageHeader> {
  const window = functionalGroup(dataSet, '00289132') ?? dataSet;
  return present({
    pixelPadding: pixelPaddingOf(dataSet, pixels),
    modalityLut: modalityLutOf(dataSet, pixels),
    rescaleType: rescaleTypeOf(dataSet),
    volumeBasedCalculationTechnique: stringOf(dataSet, '00089207'),
    windowCenter: numberOf(window, '00281050'),
    windowWidth: numberOf(window, '00281051'),
    voiLutFunction: stringOf(window, '00281056'),
    voiLut: voiLutOf(dataSet),
    burnedInAnnotation: stringOf(dataSet, '00280301'),
    lossyImageCompression: stringOf(dataSet, '00282110'),
    lossyImageCompressionRatio: lossyRatioOf(dataSet),
  });
}

/** Of rows and columns, in the letters of bipeds (PS3.3 C.7.6.1.1.1); undefined where it says anything else. */
function patientOrientationOf(dataSet: DicomDataSet): readonly [string, string] | undefined {
  const [alongRows, alongColumns, ...others] = stringsOf(dataSet, '00200020').flatMap((value) => value.split('\\'));
  const isKnown = [alongRows, alongColumns].every((letters) => /^[RLAPHF]{1,3}$/.test(letters ?? ''));
  return isKnown && others.length === 0 ? [alongRows!, alongColumns!] : undefined;
}

/** How the image was made, and of what. */
function acquisitionAttributes(dataSet: DicomDataSet): Partial<ImageHeader> {
  const measures = functionalGroup(dataSet, '00289110') ?? dataSet;
  const anatomy = functionalGroup(dataSet, '00209071');
  return present({
    gantryDetectorTilt: numberOf(dataSet, '00181120'),
    spacingBetweenSlices: positive(numberOf(measures, '00180088')),
    imagerPixelSpacing: positivePair(numbersOf(dataSet, '00181164')),
    bodyPartExamined: stringOf(dataSet, '00180015'),
    viewPosition: stringOf(dataSet, '00185101'),
    patientOrientation: patientOrientationOf(dataSet),
    imageLaterality:
      (anatomy === undefined ? undefined : stringOf(anatomy, '00209072')) ??
      stringOf(dataSet, '00200062') ??
      stringOf(dataSet, '00200060'),
    convolutionKernel: kernelOf(dataSet),
    contrastBolusAgent: contrastOf(dataSet),
    manufacturer: stringOf(dataSet, '00080070'),
    manufacturerModelName: stringOf(dataSet, '00081090'),
    patientPosition: stringOf(dataSet, '00185100'),
    patientAgeYears: patientAgeYears(dataSet),
    patientSex: stringOf(dataSet, '00100040'),
  });
}

/** One ratio for each compression that lost something (PS3.3 C.7.6.1.1.5.2): together they multiply. */
function lossyRatioOf(dataSet: DicomDataSet): number | undefined {
  const ratios = numbersOf(dataSet, '00282112').filter((ratio) => ratio > 0);
  return ratios.length === 0 ? undefined : ratios.reduce((product, ratio) => product * ratio, 1);
}

/** Convolution Kernel (0018,1210), several values as `I30f\3`; in enhanced CT it lies in CT Reconstruction (0018,9314). */
function kernelOf(dataSet: DicomDataSet): string | undefined {
  const reconstruction = functionalGroup(dataSet, '00189314') ?? dataSet;
  const kernel = stringsOf(reconstruction, '00181210').join('\\');
  return kernel === '' ? undefined : kernel;
}

/** Contrast/Bolus Agent (0018,0010), or the meaning of the code in its sequence (0018,0012). */
function contrastOf(dataSet: DicomDataSet): string | undefined {
  const agent = itemsOf(dataSet, '00180012')[0];
  return stringOf(dataSet, '00180010') ?? (agent === undefined ? undefined : stringOf(agent, '00080104'));
}
