/** The order in which slices are read: from the head to the feet where they are axial. */
import type { Point3 } from '../arrival/study.ts';
import { axisStep, normalise } from '../assembly/geometry.ts';
import type { Volume } from '../assembly/volume.ts';

/** Whether the last slice along the normal is read first. */
export function isReadBackwards({ affine }: Pick<Volume, 'affine'>): boolean {
  const [x, y, z]: Point3 = normalise(axisStep(affine, 0));
  return z > Math.abs(x) && z > Math.abs(y);
}

/** Place of slice `k` of the volume in the order of reading, from 0. */
export function readingPlace(volume: Pick<Volume, 'affine' | 'shape'>, k: number): number {
  return isReadBackwards(volume) ? volume.shape[0] - 1 - k : k;
}
