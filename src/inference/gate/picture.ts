/** What an image's header says of the picture itself: what it shows, what is written on it, what was lost of it. */
import type { ImageHeader } from '../../arrival/study.ts';
import { type Reason, reason } from '../../reasons.ts';

/** The part of a card's gate that every kind of image has. */
export interface PictureLimits {
  readonly refusedBodyParts: readonly string[];
  readonly maximumLossyRatio?: number;
  readonly burnedInText?: 'refused' | 'accepted';
}

export function outsidePictureLimits(header: ImageHeader, limits: PictureLimits): Reason | undefined {
  return wrongBodyPart(header, limits) ?? burnedIn(header, limits) ?? tooLossy(header, limits);
}

/** Only a tag that contradicts counts; one that is absent or unknown is judged by the pixels. */
function wrongBodyPart(
  { bodyPartExamined = '' }: ImageHeader,
  { refusedBodyParts }: PictureLimits,
): Reason | undefined {
  const named = bodyPartExamined.toUpperCase().replace(/[^A-Z]/g, '');
  return refusedBodyParts.includes(named) ? reason('wrong-body-part', `Body Part Examined is ${named}`) : undefined;
}

function burnedIn(
  { burnedInAnnotation }: ImageHeader,
  { burnedInText = 'refused' }: PictureLimits,
): Reason | undefined {
  return burnedInAnnotation === 'YES' && burnedInText === 'refused' ? reason('burned-in-text') : undefined;
}

/**
 * Text in pixels may be the patient's name: marked images never go to a language model, whatever its card accepts.
 * @param unmarkedToo whether images may go that often carry text and do not say whether they do
 */
export function mayCarryText({ burnedInAnnotation, modality }: ImageHeader, unmarkedToo: boolean): Reason | undefined {
  if (burnedInAnnotation === 'YES') return reason('burned-in-text');
  if (unmarkedToo || burnedInAnnotation === 'NO' || TEXTLESS.has(modality)) return undefined;
  return reason(
    'burned-in-text',
    `perhaps, as images of ${modality} often carry text and these do not say that they have none`,
  );
}

/** Modalities whose machines write the image and no text into it: of these alone, silence (0028,0301) is believed. */
const TEXTLESS: ReadonlySet<string> = new Set(['CT', 'MR', 'PT', 'CR', 'DX', 'MG', 'IO', 'PX']);

/** Once lossy, always lossy (PS3.3 C.7.6.1.1.5): `01` stays when an image is decompressed. */
function tooLossy(header: ImageHeader, { maximumLossyRatio }: PictureLimits): Reason | undefined {
  const { lossyImageCompression, lossyImageCompressionRatio: ratio } = header;
  if (lossyImageCompression !== '01') return undefined;
  if (maximumLossyRatio === undefined) return reason('lossy-compression', 'the model reads images without loss only');
  if (ratio === undefined)
    return reason('lossy-compression', `by an unknown ratio, the model reads up to ${maximumLossyRatio}`);
  return ratio > maximumLossyRatio
    ? reason('lossy-compression', `by a ratio of ${ratio.toFixed(1)}, the model reads up to ${maximumLossyRatio}`)
    : undefined;
}
