/** Is the volume as large and as fine as the model needs it, and does it lie as the model reads it? */
import type { Point3 } from '../../arrival/study.ts';
import { angleBetween, axisStep, cross } from '../../assembly/geometry.ts';
import type { Volume } from '../../assembly/volume.ts';
import { type Reason, type ReasonCode, reason } from '../../reasons.ts';
import type { VolumeInput } from '../model-package.ts';
import { millimetres } from './text.ts';

type VolumeGate = VolumeInput['gate'];
type Placed = Pick<Volume, 'shape' | 'spacing' | 'affine'>;

export function outsideGeometry(volume: Placed, gate: VolumeGate): Reason | undefined {
  return tooFew(volume, gate) ?? tooCoarse(volume, gate) ?? wrongPlane(volume, gate) ?? tooSmall(volume, gate);
}

function tooFew({ shape: [slices] }: Placed, { minimumSlices }: VolumeGate): Reason | undefined {
  return slices < minimumSlices
    ? reason('too-few-slices', `${slices} slices, the model needs ${minimumSlices}`)
    : undefined;
}

function tooCoarse({ spacing }: Placed, { maximumSpacingMm }: VolumeGate): Reason | undefined {
  return limits(spacing, maximumSpacingMm, (mm, limit, axis) =>
    mm > limit
      ? [
          axis === 'slice' ? 'slice-too-thick' : 'outside-model-limits',
          `${axis} spacing ${millimetres(mm)}, limit ${millimetres(limit)}`,
        ]
      : undefined,
  );
}

/** Normals of the planes in the patient, LPS. */
const NORMALS: Readonly<Record<NonNullable<VolumeGate['plane']>['name'], Point3>> = {
  axial: [0, 0, 1],
  coronal: [0, 1, 0],
  sagittal: [1, 0, 0],
};

/** Of the slices themselves, whichever way they are stacked: a tilted gantry tilts its slices, not the table. */
function wrongPlane({ affine }: Placed, { plane }: VolumeGate): Reason | undefined {
  if (plane === undefined) return undefined;
  const angle = angleBetween(cross(axisStep(affine, 2), axisStep(affine, 1)), NORMALS[plane.name]);
  const degrees = Math.min(angle, 180 - angle);
  return degrees > plane.maximumDegrees
    ? reason('wrong-orientation', `${degrees.toFixed(0)}\u00b0 from ${plane.name}, limit ${plane.maximumDegrees}\u00b0`)
    : undefined;
}

function tooSmall({ shape, spacing }: Placed, { minimumExtentMm }: VolumeGate): Reason | undefined {
  const extent = shape.map((size, axis) => size * spacing[axis]!);
  return limits(extent, minimumExtentMm, (mm, limit, axis) =>
    mm < limit
      ? ['coverage-insufficient', `${millimetres(mm)} along the ${axis} axis, the model needs ${millimetres(limit)}`]
      : undefined,
  );
}

/** @param shape of the model's input, `[slices, rows, columns]` */
export function beyondInput(shape: readonly number[], maximumShape: readonly number[]): Reason | undefined {
  return limits(shape, maximumShape, (size, limit, axis) =>
    size > limit ? ['outside-model-limits', `${size} grid points along the ${axis} axis, limit ${limit}`] : undefined,
  );
}

const AXES = ['slice', 'row', 'column'] as const;

function limits(
  values: readonly number[],
  bounds: readonly number[],
  broken: (value: number, bound: number, axis: (typeof AXES)[number]) => readonly [ReasonCode, string] | undefined,
): Reason | undefined {
  for (const [axis, name] of AXES.entries()) {
    const found = broken(values[axis]!, bounds[axis]!, name);
    if (found !== undefined) return reason(...found);
  }
  return undefined;
}
