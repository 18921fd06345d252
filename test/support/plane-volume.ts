/** Volumes of a function of the place in the patient, however they lie: what resampling and covering are checked with. */
import type { Point3 } from '../../src/arrival/study.ts';
import { add, affineOf, applyAffine, cross, scale } from '../../src/assembly/geometry.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import { nameBasedUid } from '../../src/uid.ts';
import { frameHeader, instance } from './slices.ts';

type Triple = readonly [number, number, number];

export interface PlaneVolume {
  /** `[slices, rows, columns]`. */
  readonly shape: Triple;
  readonly spacing: Triple;
  /** How far it is turned, about the axis from feet to head and then about its own rows. */
  readonly degrees: number;
  readonly center: Point3;
  readonly value?: (point: Point3) => number;
  readonly change?: Partial<Volume>;
}

/** @param acquire memory that the voxel workers can read in place, where they are to */
export function planeVolume(
  { shape, spacing, degrees, center, value = () => 0, change = {} }: PlaneVolume,
  acquire: (byteLength: number) => SharedArrayBuffer = (byteLength) => new SharedArrayBuffer(byteLength),
): Volume {
  const angle = (degrees * Math.PI) / 180;
  const row: Point3 = [Math.cos(angle), Math.sin(angle), 0];
  const column: Point3 = [-Math.sin(angle) * Math.cos(angle), Math.cos(angle) ** 2, Math.sin(angle)];
  const steps = [scale(cross(row, column), spacing[0]), scale(column, spacing[1]), scale(row, spacing[2])] as const;
  const origin = steps.reduce((from, step, axis) => add(from, scale(step, -(shape[axis]! - 1) / 2)), center);
  const affine = affineOf(origin, ...steps);
  const [slices, rows, columns] = shape;
  const voxels = new Int16Array(acquire(slices * rows * columns * 2), 0, slices * rows * columns);
  for (let k = 0; k < slices; k++)
    for (let j = 0; j < rows; j++)
      for (let i = 0; i < columns; i++)
        voxels[(k * rows + j) * columns + i] = Math.round(value(applyAffine(affine, [k, j, i])));
  return {
    studyInstanceUid: nameBasedUid('plane volume', 'study'),
    seriesInstanceUid: nameBasedUid('plane volume', JSON.stringify([shape, spacing, degrees, center])),
    frameOfReferenceUid: nameBasedUid('plane volume', 'frame of reference'),
    modality: 'MR',
    shape,
    affine,
    spacing,
    voxels,
    slices: Array.from({ length: slices }, (_, k) => ({
      sopInstanceUid: nameBasedUid('plane volume', String(k)),
      sopClassUid: '1.2.840.10008.5.1.4.1.1.4',
      frameNumber: 1,
      imagePositionPatient: applyAffine(affine, [k, 0, 0]),
      slot: k,
      slope: 1,
      intercept: 0,
    })),
    units: 'none',
    header: instance(1, [frameHeader(origin, { row, column })], { modality: 'MR' }).header,
    notes: [],
    ...change,
  };
}
