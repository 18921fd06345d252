/** A phantom as a volume, without files between: what tests of models read. */
import type { PhantomCt } from '../../adapters/phantom/chest-ct.ts';
import type { Point3 } from '../../src/arrival/study.ts';
import { affineOf, cross, dot, scale, subtract } from '../../src/assembly/geometry.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import { nameBasedUid } from '../../src/uid.ts';
import { CT_IMAGE_STORAGE } from './sample-report.ts';
import { frameHeader, instance } from './slices.ts';

/** @param acquire memory that the voxel workers can read in place. */
export function phantomVolume(ct: PhantomCt, acquire: (byteLength: number) => SharedArrayBuffer): Volume {
  const { rows, columns, pixelSpacing, sliceThickness, imageOrientationPatient } = ct.geometry;
  const size = rows * columns;
  const voxels = new Int16Array(acquire(ct.count * size * 2), 0, ct.count * size);
  for (let k = 0; k < ct.count; k++) voxels.set(ct.slice(k).voxels, k * size);

  // slices ascend along the normal, which points to the feet in slices seen from the head
  const along = imageOrientationPatient.slice(0, 3) as unknown as Point3;
  const down = imageOrientationPatient.slice(3) as unknown as Point3;
  const normal = cross(along, down);
  const step = subtract(ct.geometry.imagePositionPatient(1), ct.geometry.imagePositionPatient(0));
  const ascending = dot(step, normal) > 0;
  const order = Array.from({ length: ct.count }, (_, k) => (ascending ? k : ct.count - 1 - k));
  const perSlice = ascending ? step : scale(step, -1);
  const origin = ct.geometry.imagePositionPatient(order[0]!);
  const header = instance(1, [frameHeader([0, 0, 0], { row: along, column: down })]).header;
  return {
    studyInstanceUid: nameBasedUid('phantom volume', 'study'),
    seriesInstanceUid: nameBasedUid('phantom volume', 'series'),
    frameOfReferenceUid: nameBasedUid('phantom volume', 'frame of reference'),
    modality: 'CT',
    shape: [ct.count, rows, columns],
    affine: affineOf(origin, perSlice, scale(down, pixelSpacing[0]), scale(along, pixelSpacing[1])),
    spacing: [Math.abs(dot(step, normal)), pixelSpacing[0], pixelSpacing[1]],
    voxels,
    slices: order.map((slot) => ({
      sopInstanceUid: nameBasedUid('phantom volume', String(slot)),
      sopClassUid: CT_IMAGE_STORAGE,
      frameNumber: 1,
      imagePositionPatient: ct.geometry.imagePositionPatient(slot),
      slot,
      slope: 1,
      intercept: 0,
    })),
    units: 'HU',
    header: { ...header, frames: [{ ...header.frames[0]!, sliceThickness }] },
    notes: [],
  };
}
