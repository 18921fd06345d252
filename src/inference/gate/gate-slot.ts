/**
 * The gate of a slot: may the volume of a further series stand beside the one that is read? Nothing is registered, so what
 * counts is that both lie in one frame of reference (PS3.3 C.7.4.1) and show the same place.
 */
import { applyAffine, composeAffine, invertAffine } from '../../assembly/geometry.ts';
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
  const [slices, rows, columns] = volume.shape.map(pointsAlong) as [number[], number[], number[]];
  let inside = 0;
  for (const k of slices) {
    for (const j of rows) {
      for (const i of columns) if (isInside(applyAffine(toOther, [k, j, i]), other)) inside += 1;
    }
  }
  return inside / POINTS ** 3;
}

/** Indices in the middle of equal parts of an axis. */
function pointsAlong(size: number): number[] {
  return Array.from({ length: POINTS }, (_, at) => ((at + 0.5) / POINTS) * size - 0.5);
}

function isInside(index: readonly [number, number, number], { shape }: Placed): boolean {
  return index.every((at, axis) => at >= -0.5 && at <= shape[axis]! - 0.5);
}
