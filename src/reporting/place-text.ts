/** Where a finding is seen, as a reader counts. */
import { type Images, isVolume } from '../assembly/volume.ts';
import type { Finding } from '../inference/findings.ts';
import { readingPlace } from './reading-order.ts';

/**
 * "slice 41 of 120", in the order of the page, of a located finding; "image 2 of 3" of every finding that is of one of
 * several images. Otherwise undefined.
 */
export function placeText({ region, evidence: [key, ...others] }: Finding, images: Images): string | undefined {
  if (key === undefined) return undefined;
  const { sopInstanceUid, frameNumber = 1 } = key;
  const isKey = (one: { readonly frameNumber: number }, uid: string): boolean =>
    uid === sopInstanceUid && one.frameNumber === frameNumber;
  if (isVolume(images)) {
    if (region === undefined) return undefined;
    const k = images.slices.findIndex((slice) => isKey(slice, slice.sopInstanceUid));
    return `slice ${readingPlace(images, k) + 1} of ${images.slices.length}`;
  }
  if (others.length > 0 || images.images.length === 1) return undefined;
  const at = images.images.findIndex((image) => isKey(image, image.header.sopInstanceUid));
  return `image ${at + 1} of ${images.images.length}`;
}
