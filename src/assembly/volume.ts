/**
 * A volume: voxels on a regular grid in the patient's frame of reference.
 *
 * Axes are `[slice, row, column]`; slices ascend along the normal of the image plane (the cross product of row and
 * column direction, PS3.3 C.7.6.2.1.1). Lengths are millimetres, coordinates LPS.
 */

import type { ImageHeader, Point3 } from '../arrival/study.ts';
import type { Reason } from '../reasons.ts';
import type { FrameOfReferenceUid, SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../uid.ts';

export interface VolumeSlice {
  readonly sopInstanceUid: SopInstanceUid;
  readonly sopClassUid: string;
  /** From 1 (0008,1160); 1 for single-frame objects. */
  readonly frameNumber: number;
  /** Instance Number (0020,0013): what viewers call the image by. */
  readonly instanceNumber?: number;
  readonly imagePositionPatient: Point3;
  /** Where the slice's voxels start: `slot * rows * columns` in {@link Volume.voxels}. */
  readonly slot: number;
  /** value in `units` = voxel × slope + intercept, per slice. */
  readonly slope: number;
  readonly intercept: number;
}

/** Row-major 4×4: `[slice, row, column, 1]` → `[x, y, z, 1]` in mm, LPS. */
export type Affine = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

export interface Volume {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly frameOfReferenceUid: FrameOfReferenceUid;
  readonly modality: string;
  /** `[slices, rows, columns]`. */
  readonly shape: readonly [number, number, number];
  readonly affine: Affine;
  /** Distance between neighbours along `[normal, row, column]`, mm: their product is a voxel's volume, tilted or not. */
  readonly spacing: readonly [number, number, number];
  /**
   * INT16, in order of arrival: slice `k` is {@link sliceVoxels}`(volume, k)`. Backed by shared memory so that workers
   * fill and read it without a copy. Unsigned 16-bit data is stored minus 32768, with the intercept raised to match.
   */
  readonly voxels: Int16Array<SharedArrayBuffer>;
  /** Ascending along the normal. */
  readonly slices: readonly VolumeSlice[];
  /** `HU` for CT; otherwise Rescale Type or Units as the images say; `none` where they are silent. */
  readonly units: string;
  /** Voxels (as in `voxels`) without image, inclusive. */
  readonly padding?: { readonly low: number; readonly high: number };
  /** Header of the slice in the middle, for technique and gates. */
  readonly header: ImageHeader;
  /** What was handled while assembling (duplicates dropped, tilt corrected …): shown, never silent. */
  readonly notes: readonly Reason[];
}

/** Stored values in planes, wherever these lie: what masks are made and measured on. */
export type Raster = Pick<Volume, 'shape' | 'affine' | 'spacing' | 'voxels' | 'padding'> & {
  readonly slices: readonly Pick<VolumeSlice, 'slot' | 'slope' | 'intercept'>[];
};

/** The voxels of slice `k` in order along the normal: a view of `rows × columns`, no copy. */
export function sliceVoxels(
  volume: Pick<Raster, 'shape' | 'voxels' | 'slices'>,
  k: number,
): Int16Array<SharedArrayBuffer> {
  const [, rows, columns] = volume.shape;
  const start = volume.slices[k]!.slot * rows * columns;
  return volume.voxels.subarray(start, start + rows * columns);
}

/** Volume of one voxel in millilitres. */
export function voxelMilliliters(volume: Pick<Volume, 'spacing'>): number {
  const [slice, row, column] = volume.spacing;
  return (slice * row * column) / 1000;
}

/** One frame that is an image of its own. */
export interface ImageFrame {
  readonly header: ImageHeader;
  /** From 1 (0008,1160); 1 for single-frame objects. */
  readonly frameNumber: number;
  /** `rows × columns`, or `rows × columns × 3` interleaved where `samplesPerPixel` is 3. */
  readonly pixels: Int16Array<SharedArrayBuffer>;
  /** value = pixel × slope + intercept. */
  readonly slope: number;
  readonly intercept: number;
}

/** 2D images (CR, DX, MG, US …): pixels as INT16 with their own rescale, greyscale polarity normalised to MONOCHROME2. */
export interface ImageSet {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly modality: string;
  readonly images: readonly ImageFrame[];
  readonly notes: readonly Reason[];
}

/** What a series is assembled to: one volume, or images that each stand on their own. */
export type Images = Volume | ImageSet;

export function isVolume(images: Images): images is Volume {
  return 'voxels' in images;
}

/** The shared memory that the pixels lie in, each buffer once. */
export function buffersOf(images: Images): readonly SharedArrayBuffer[] {
  if (isVolume(images)) return [images.voxels.buffer];
  return [...new Set(images.images.map(({ pixels }) => pixels.buffer))];
}
