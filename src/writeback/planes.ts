/** The planes of a volume as its images state them (PS3.3 C.7.6.2), not as resampling would make them. */
import type { Point3 } from '../arrival/study.ts';
import type { Volume } from '../assembly/volume.ts';
import { WetreadError } from '../errors.ts';

export interface Planes {
  readonly imageOrientationPatient: readonly [number, number, number, number, number, number];
  /** `[between rows, between columns]`, mm (PS3.3 10.7.1.3). */
  readonly pixelSpacing: readonly [number, number];
  /** mm; the distance between planes where the images state no thickness. */
  readonly sliceThickness: number;
  /** Between neighbouring planes, along their normal, mm: under gantry tilt less than the way from centre to centre. */
  readonly spacingBetweenSlices: number;
}

/** @throws WetreadError `internal` for a volume without geometry, which assembly never makes */
export function planesOf(volume: Volume): Planes {
  const frame = volume.header.frames[0];
  const { imageOrientationPatient, pixelSpacing } = frame ?? {};
  if (imageOrientationPatient === undefined || pixelSpacing === undefined)
    throw new WetreadError('internal', 'A volume has neither orientation nor pixel spacing');
  const spacingBetweenSlices = spacingAlongNormal(volume, imageOrientationPatient);
  const sliceThickness = frame?.sliceThickness ?? spacingBetweenSlices;
  return { imageOrientationPatient, pixelSpacing, sliceThickness, spacingBetweenSlices };
}

function spacingAlongNormal(volume: Volume, orientation: Planes['imageOrientationPatient']): number {
  const first = volume.slices[0]?.imagePositionPatient;
  const last = volume.slices.at(-1)?.imagePositionPatient;
  if (first === undefined || last === undefined || volume.slices.length < 2) return volume.spacing[0];
  const [rx, ry, rz, cx, cy, cz] = orientation;
  const normal: Point3 = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
  const along = normal.reduce((sum, n, axis) => sum + n * (last[axis]! - first[axis]!), 0);
  // A nanometre is below every scanner's precision; rounding there keeps 2.5 from becoming 2.4999999999999996.
  return Math.round((Math.abs(along) / (volume.slices.length - 1)) * 1e6) / 1e6;
}
