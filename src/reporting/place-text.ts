/** Where a finding is seen, as a reader counts. Nothing is said of sides or organs: no coordinate tells them for certain. */
import type { Point3 } from '../arrival/study.ts';
import { indexOf } from '../assembly/geometry.ts';
import { type ImageSet, type Images, isVolume, type Volume } from '../assembly/volume.ts';
import type { Finding, InstanceReference, Region } from '../inference/findings.ts';
import { readingPlace } from './reading-order.ts';

/**
 * Of a located finding `slice 41 of 120 (series 3, image 80, column 210, row 330)` of a volume: the slice as the page
 * counts, the numbers of series and image as other viewers show them, the pixel of the middle, from 1; and
 * `image 2 of 3 (column 812, row 300)` of one of several images, of the only one `column 812, row 300`. Of a finding that
 * is not located, the image where it is of one of several. Otherwise undefined.
 */
export function placeText({ region, evidence: [key, ...others] }: Finding, images: Images): string | undefined {
  if (key === undefined) return undefined;
  if (isVolume(images)) return region === undefined ? undefined : placeInVolume(region, key, images);
  const number = others.length > 0 ? undefined : numberAmong(images, key);
  const pixel = region === undefined || 'center' in region ? undefined : pixelText(middleOnImage(region));
  return number === undefined || pixel === undefined ? (number ?? pixel) : `${number} (${pixel})`;
}

function placeInVolume(region: Region, key: InstanceReference, images: Volume): string {
  const { header, slices, shape } = images;
  const k = slices.findIndex(({ sopInstanceUid, frameNumber }) => isOf(key, sopInstanceUid, frameNumber));
  const { instanceNumber, frameNumber } = slices[k]!;
  const image = instanceNumber === undefined ? [] : `image ${instanceNumber}`;
  const numbers = [
    header.seriesNumber === undefined ? [] : `series ${header.seriesNumber}`,
    // the frames of a multi-frame image have one Instance Number
    key.frameNumber === undefined ? image : `frame ${frameNumber}`,
    'center' in region ? pixelText(middleInSlice(region.center, images)) : [],
  ];
  return `slice ${readingPlace(images, k) + 1} of ${shape[0]} (${numbers.flat().join(', ')})`;
}

function isOf({ sopInstanceUid, frameNumber = 1 }: InstanceReference, uid: string, frame: number): boolean {
  return uid === sopInstanceUid && frame === frameNumber;
}

/** As the draft counts the images of a series; undefined of the only one. */
function numberAmong({ images }: ImageSet, key: InstanceReference): string | undefined {
  if (images.length === 1) return undefined;
  const at = images.findIndex(({ header, frameNumber }) => isOf(key, header.sopInstanceUid, frameNumber));
  return `image ${at + 1} of ${images.length}`;
}

/** `[column, row]` in pixels, from the outer corner of the first (PS3.3 C.10.5.1.2). */
type Pixels = readonly [number, number];

/** In the slice nearest to it, whose plane the point need not lie in. */
function middleInSlice(center: Point3, images: Volume): Pixels {
  const [, row, column] = indexOf(images, center);
  return [column + 0.5, row + 0.5];
}

function middleOnImage(region: Exclude<Region, { readonly center: unknown }>): Pixels {
  switch (region.kind) {
    case 'image-point':
      return region.point;
    case 'image-box': {
      const { minimum, maximum } = region;
      return [(minimum[0] + maximum[0]) / 2, (minimum[1] + maximum[1]) / 2];
    }
  }
}

function pixelText([column, row]: Pixels): string {
  return `column ${Math.floor(column) + 1}, row ${Math.floor(row) + 1}`;
}
