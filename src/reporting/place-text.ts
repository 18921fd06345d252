/** Where a located finding is seen best, as a reader counts. */
import { type Images, isVolume } from '../assembly/volume.ts';
import type { Finding } from '../inference/findings.ts';
import { readingPlace } from './reading-order.ts';

/** "slice 41 of 120", in the order of the page; undefined of a finding that has no region, and of the only image. */
export function placeText({ region, evidence: [key] }: Finding, images: Images): string | undefined {
  if (region === undefined || key === undefined) return undefined;
  const { sopInstanceUid, frameNumber = 1 } = key;
  const isKey = (one: { readonly frameNumber: number }, uid: string): boolean =>
    uid === sopInstanceUid && one.frameNumber === frameNumber;
  if (isVolume(images)) {
    const k = images.slices.findIndex((slice) => isKey(slice, slice.sopInstanceUid));
    return `slice ${readingPlace(images, k) + 1} of ${images.slices.length}`;
  }
  const at = images.images.findIndex((image) => isKey(image, image.header.sopInstanceUid));
  return images.images.length === 1 ? undefined : `image ${at + 1} of ${images.images.length}`;
}
