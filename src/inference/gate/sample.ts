/** A part of an image's values on a regular lattice: what statistics are computed from, at a cost that its size does not change. */
import { inGrayscale } from '../../assembly/color.ts';
import { brightnessOf } from '../../assembly/image-set.ts';
import { type ImageFrame, sliceVoxels, type Volume } from '../../assembly/volume.ts';

/** Values along each axis at most; 200,000 together, of which a percent is 2,000. */
const ALONG_SLICES = 48;
const IN_PLANE = 64;
/** A single image has its whole sample in its plane. */
const IN_IMAGE = 256;

export interface Sample {
  /** `[slices, rows, columns]` of the lattice. */
  readonly shape: readonly [number, number, number];
  /** In units of the image, row by row; NaN where a voxel carries no image. */
  readonly values: Float64Array;
}

export function sampleOfVolume(volume: Volume): Sample {
  const [slices, rows, columns] = volume.shape;
  const [alongSlices, alongRows, alongColumns] = [
    places(slices, ALONG_SLICES),
    places(rows, IN_PLANE),
    places(columns, IN_PLANE),
  ];
  const values = new Float64Array(alongSlices.length * alongRows.length * alongColumns.length);
  const { low, high } = volume.padding ?? { low: 1, high: 0 };
  let at = 0;
  for (const k of alongSlices) {
    const voxels = sliceVoxels(volume, k);
    const { slope, intercept } = volume.slices[k]!;
    for (const row of alongRows)
      for (const column of alongColumns) {
        const voxel = voxels[row * columns + column]!;
        values[at++] = voxel >= low && voxel <= high ? Number.NaN : voxel * slope + intercept;
      }
  }
  return { shape: [alongSlices.length, alongRows.length, alongColumns.length], values };
}

/** Brighter is larger; of a colour image, how bright it is. */
export function sampleOfImage(image: ImageFrame): Sample {
  const gray = inGrayscale(image);
  const { header, pixels } = gray;
  const { rows, columns } = header;
  const { slope, intercept } = brightnessOf(gray);
  const [alongRows, alongColumns] = [places(rows, IN_IMAGE), places(columns, IN_IMAGE)];
  const values = new Float64Array(alongRows.length * alongColumns.length);
  let at = 0;
  for (const row of alongRows)
    for (const column of alongColumns) values[at++] = pixels[row * columns + column]! * slope + intercept;
  return { shape: [1, alongRows.length, alongColumns.length], values };
}

/** Indices from first to last at even distances, `most` of them or all. */
function places(size: number, most: number): readonly number[] {
  const count = Math.min(size, most);
  return Array.from({ length: count }, (_, i) => Math.round((i * (size - 1)) / Math.max(1, count - 1)));
}

/** The values that carry an image, ascending. */
export function sorted({ values }: Sample): Float64Array {
  return values.filter((value) => !Number.isNaN(value)).sort();
}
