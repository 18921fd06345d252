/** What an instance is within its series, told from its header alone: images are read, everything else is set aside. */
import type { ImageHeader } from '../arrival/study.ts';
import { type Reason, type ReasonCode, reason } from '../reasons.ts';

/** Modalities (PS3.3 C.7.3.1.1.1) whose series are slices of a volume. */
const VOLUME_MODALITIES: ReadonlySet<string> = new Set(['CT', 'MR', 'PT']);

/** Modalities whose series are independent images: projections, ultrasound, photographs. */
const IMAGE_MODALITIES: ReadonlySet<string> = new Set([
  'CR',
  'DX',
  'MG',
  'US',
  'XA',
  'RF',
  'IO',
  'PX',
  'RG',
  'XC',
  'ES',
  'OP',
  'GM',
]);

/** How series of a modality are assembled; undefined where nothing is known about reading it. */
export function assemblyOf(modality: string): 'volume' | 'image-set' | undefined {
  if (VOLUME_MODALITIES.has(modality)) return 'volume';
  return IMAGE_MODALITIES.has(modality) ? 'image-set' : undefined;
}

/** Storage SOP classes of slices: CT, MR and PET, with their enhanced and legacy converted forms (PS3.4 B.5). */
const SLICE_SOP_CLASSES: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.1.1.2',
  '1.2.840.10008.5.1.4.1.1.2.1',
  '1.2.840.10008.5.1.4.1.1.2.2',
  '1.2.840.10008.5.1.4.1.1.4',
  '1.2.840.10008.5.1.4.1.1.4.1',
  '1.2.840.10008.5.1.4.1.1.4.3',
  '1.2.840.10008.5.1.4.1.1.4.4',
  '1.2.840.10008.5.1.4.1.1.128',
  '1.2.840.10008.5.1.4.1.1.128.1',
  '1.2.840.10008.5.1.4.1.1.130',
]);

/** Secondary Capture and its multi-frame forms (PS3.4 B.5): what somebody saw on a screen. */
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

/** Words of Image Type (0008,0008), value 3 and later, and what they say about the image. First match decides. */
const IMAGE_TYPE_WORDS: readonly { readonly word: RegExp; readonly code: ReasonCode }[] = [
  // Philips DOSE_INFO; Siemens "CT_SOM5 PROT", the patient protocol; Canon and others DOSE REPORT
  { word: /^DOSE[_ ]|^CT_SOM\d+ PROT$/, code: 'dose-sheet' },
  // GE SCREEN SAVE; Philips PATIENT_INFO in its exam summary
  { word: /^SCREEN ?(SAVE|SHOT|CAPTURE)$|^PATIENT_INFO$/, code: 'screenshot' },
  // PS3.3 C.8.2.1.1.1, C.8.15.2.1.1 and C.8.16.1.1: LOCALIZER; the others are vendors' names for it
  { word: /^(LOCALIZER|SCOUT|TOPOGRAM|SURVIEW|REF_SURVIEW)$/, code: 'localizer' },
  // PS3.3 C.8.3.1.1.1 PROJECTION IMAGE; maximum, minimum and rendered views as vendors name them
  { word: /^(PROJECTION IMAGE|MIP|MINIP|MAX_IP|MIN_IP|CSA MIP|VRT|SSD|VOLUME_RENDER|VOLREN)$/, code: 'derived-image' },
];

/** Series Description of dose pages that scanners store as ordinary images. */
const DOSE_DESCRIPTION = /\bdose (report|info|sheet|record|summary)\b|^patient protocol$/i;

/** Volume Based Calculation Technique (0008,9207), PS3.3 C.8.16.2.1.3, where values are no longer those of a slice. */
const PROJECTED: ReadonlySet<string> = new Set(['MAX_IP', 'MIN_IP', 'VOLUME_RENDER', 'SURFACE_RENDER', 'CURVED_MPR']);

/** Why an instance is none to read, by how series of its modality are assembled; undefined where it is one. */
export function classify(header: ImageHeader): Reason | undefined {
  return assemblyOf(header.modality) === 'image-set' ? classifyImage(header) : classifySlice(header);
}

/** Why an instance of a CT, MR or PET series is not one of its slices; undefined where it is one. */
export function classifySlice(header: ImageHeader): Reason | undefined {
  const words = laterWords(header.imageType);
  const said = saidByImageType(header.imageType);
  if (said === 'dose-sheet' || DOSE_DESCRIPTION.test(header.seriesDescription ?? '')) return reason('dose-sheet');
  if (isSecondaryCapture(header.sopClassUid) || header.burnedInAnnotation === 'YES') return reason('screenshot');
  if (said !== undefined) return reason(said, words.join(' '));
  if (!SLICE_SOP_CLASSES.has(header.sopClassUid)) return reason('pixel-format-unsupported', 'not a slice by SOP class');
  if (isProjected(header.volumeBasedCalculationTechnique)) return reason('derived-image');
  if (header.samplesPerPixel !== 1 || !header.photometricInterpretation.startsWith('MONOCHROME')) {
    return reason('color-image');
  }
  // Siemens puts the slices of a time point side by side into one image; its header describes none of them
  if (words.includes('MOSAIC')) return reason('pixel-format-unsupported', 'mosaic of slices');
  return storageReason(header);
}

/** Why an instance of a projection, ultrasound or photograph series is not read; undefined where it is. */
export function classifyImage(header: ImageHeader): Reason | undefined {
  if (isSecondaryCapture(header.sopClassUid)) return reason('screenshot');
  if (header.photometricInterpretation === 'PALETTE COLOR') {
    return reason('pixel-format-unsupported', 'palette colour');
  }
  if (header.samplesPerPixel !== 1 && header.samplesPerPixel !== 3) {
    return reason('pixel-format-unsupported', `${header.samplesPerPixel} samples per pixel`);
  }
  return storageReason(header);
}

/** What Image Type (0008,0008) says an image is, where it is no slice of a volume. */
export function saidByImageType(imageType: readonly string[]): ReasonCode | undefined {
  const words = laterWords(imageType);
  return IMAGE_TYPE_WORDS.find(({ word }) => words.some((each) => word.test(each)))?.code;
}

/** Value 3 and later: what the first two say, original or derived, primary or secondary, is no kind of image. */
function laterWords(imageType: readonly string[]): readonly string[] {
  return imageType.slice(2).map((word) => word.trim().toUpperCase());
}

/** Whether values are no longer those of one slice. */
export function isProjected(volumeBasedCalculationTechnique: string | undefined): boolean {
  return PROJECTED.has(volumeBasedCalculationTechnique ?? '');
}

export function isSecondaryCapture(sopClassUid: string): boolean {
  return sopClassUid === SECONDARY_CAPTURE || sopClassUid.startsWith(`${SECONDARY_CAPTURE}.`);
}

/** Voxels and pixels are INT16: more than 16 bits stored does not fit. */
function storageReason({ bitsAllocated, bitsStored }: ImageHeader): Reason | undefined {
  const bits = Math.max(bitsAllocated > 16 ? bitsAllocated : 0, bitsStored);
  return bits > 16 ? reason('pixel-format-unsupported', `${bits} bits`) : undefined;
}
