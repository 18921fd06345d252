/**
 * The gate of a slot: may the volume of a further series stand beside the one that is read? Nothing is registered, so what
 * counts is that both lie in one frame of reference (PS3.3 C.7.4.1) and show the same place.
 */
import type { Point3 } from '../../arrival/study.ts';
import { applyAffine, axisStep, composeAffine, invertAffine, scale } from '../../assembly/geometry.ts';
import type { Volume } from '../../assembly/volume.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { CardOf } from '../model-package.ts';
import { type SeriesSlot, slotModalities } from '../slots.ts';
import { outsidePictureLimits } from './picture.ts';

/** How much of the volume that is read a further one covers at least where the card does not say, %. */
const COVERAGE_PERCENT = 95;

/** Why the volume may not fill the slot, without the name of the slot; undefined where it may. @param main what is read */
export function gateSlot(
  volume: Volume,
  main: Volume,
  slot: SeriesSlot,
  card: Pick<CardOf<'volume'>, 'intendedUse' | 'input'>,
): Reason | undefined {
  return (
    elsewhere(volume, main) ??
    wrongModality(volume, slotModalities(slot, card)) ??
    wrongUnits(volume, slot.units ?? card.input.units) ??
    outsidePictureLimits(volume.header, card.input.gate) ??
    notCovering(volume, main, slot.minimumCoveragePercent ?? COVERAGE_PERCENT)
  );
}

/** @param placed by its header or assembled; one that names no frame of reference cannot be compared with anything */
export function elsewhere(
  placed: { readonly frameOfReferenceUid?: string },
  main: Pick<Volume, 'frameOfReferenceUid'>,
): Reason | undefined {
  return placed.frameOfReferenceUid === main.frameOfReferenceUid ? undefined : reason('other-frame-of-reference');
}

function wrongModality({ modality }: Volume, modalities: readonly string[]): Reason | undefined {
  return modalities.includes(modality) ? undefined : reason('wrong-modality', modality);
}

function wrongUnits({ units }: Volume, wanted: string): Reason | undefined {
  if (units === wanted) return undefined;
  const found = units === 'none' ? 'values have no unit' : `values are in ${units}`;
  return reason('outside-model-limits', `${found}, the model reads ${wanted}`);
}

function notCovering(volume: Volume, main: Volume, minimumPercent: number): Reason | undefined {
  const percent = 100 * coveredShare(main, volume);
  return percent < minimumPercent
    ? reason('slot-not-covering', `${Math.floor(percent)} % of it, the model needs ${minimumPercent} %`)
    : undefined;
}

type Placed = Pick<Volume, 'shape' | 'affine'>;

/** Points along each axis at which covering is looked at: fine enough for a percent of an axis. */
const POINTS = 64;

/** Share of a volume, half voxels at its edges included, that lies inside another. */
export function coveredShare(volume: Placed, other: Placed): number {
  const toOther = composeAffine(invertAffine(other.affine), volume.affine);
  const [slices, rows, columns] = volume.shape.map(pointsAlong) as [Points, Points, Points];
  const step = scale(axisStep(toOther, 2), columns.step);
  let inside = 0;
  for (let k = 0; k < POINTS; k++) {
    for (let j = 0; j < POINTS; j++) {
      const first = applyAffine(toOther, [slices.first + k * slices.step, rows.first + j * rows.step, columns.first]);
      inside += countInside(first, step, other.shape);
    }
  }
  return inside / POINTS ** 3;
}

/** Indices in the middle of equal parts of an axis. */
interface Points {
  readonly first: number;
  readonly step: number;
}

function pointsAlong(size: number): Points {
  const step = size / POINTS;
  return { first: step / 2 - 0.5, step };
}

/** Of points along a line, in indices of a volume. */
function countInside(first: Point3, step: Point3, [slices, rows, columns]: Placed['shape']): number {
  let inside = 0;
  for (let i = 0; i < POINTS; i++) {
    if (
      isWithin(first[0] + i * step[0], slices) &&
      isWithin(first[1] + i * step[1], rows) &&
      isWithin(first[2] + i * step[2], columns)
    )
      inside += 1;
  }
  return inside;
}

function isWithin(index: number, size: number): boolean {
  return index >= -0.5 && index <= size - 0.5;
}
