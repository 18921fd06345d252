/**
 * One image on its own as a stack of one plane, so that masks over it are made and measured as those of a volume are. It
 * has no place in the patient: x runs along its rows and y along its columns, from the centre of the first pixel.
 */
import type { SeriesInstanceUid } from '../uid.ts';
import { imageScale } from './image-scale.ts';
import type { Affine, ImageFrame, Raster, Volume } from './volume.ts';

export interface ImagePlane extends Raster {
  readonly image: ImageFrame;
  readonly seriesInstanceUid: SeriesInstanceUid;
}

/** What masks lie on. */
export type MaskSource = Volume | ImagePlane;

export function isImagePlane(source: MaskSource): source is ImagePlane {
  return 'image' in source;
}

/**
 * Lengths are mm where the image says how large its pixels are, else widths of a pixel. Its values are those that are
 * stored: those of a projection have no unit, and nothing is measured of them.
 *
 * @param image greyscale
 */
export function imagePlane(image: ImageFrame): ImagePlane {
  const { rows, columns, seriesInstanceUid } = image.header;
  const [betweenRows, betweenColumns] = imageScale(image)?.pixelSpacing ?? [1, 1];
  return {
    image,
    seriesInstanceUid,
    shape: [1, rows, columns],
    spacing: [1, betweenRows, betweenColumns],
    affine: planeAffine([0, 0], [betweenRows, betweenColumns]),
    voxels: image.pixels,
    slices: [{ slot: 0, slope: 1, intercept: 0 }],
  };
}

/** @param first `[row, column]` of the first point, mm. @param step from point to point, mm */
export function planeAffine(first: readonly [number, number], step: readonly [number, number]): Affine {
  return [0, 0, step[1], first[1], 0, step[0], 0, first[0], 1, 0, 0, 0, 0, 0, 0, 1];
}
