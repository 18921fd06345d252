/** Chests with nodules at known places: some to fit on, others, never looked at before, to be measured on. */
import type { ChestCtOptions } from '../../../adapters/phantom/chest-ct.ts';
import type { PlantedNodule } from '../../../adapters/phantom/nodules.ts';

const NODULES = { count: 6, smallestRadius: 3, largestRadius: 8 } as const;
const CHEST = { matrix: 256, slices: 120, nodules: NODULES, keepSlices: true } as const;

/** How the chests of both sets differ: noise, kernel, thickness, emphysema, tilt, size of the patient, or no nodule. */
const KINDS: Readonly<Record<string, ChestCtOptions>> = {
  plain: {},
  'noise of 40 HU': { noise: 40, noiseSmoothness: 0 },
  'thin slices': { slices: 230, sliceSpacing: 1.25 },
  'slices of 4 mm': { slices: 76, sliceSpacing: 4 },
  'emphysema of 12 %': { emphysema: 0.12 },
  'gantry tilt of 15 degrees': { slices: 150, tiltDegrees: 15 },
  'small patient': { slices: 100, scale: 0.8, fieldOfView: 320 },
  'no nodule': { nodules: { ...NODULES, count: 0 } },
};

export function fittingPhantoms(): readonly ChestCtOptions[] {
  return Object.values(KINDS).map((kind, at) => ({ ...CHEST, ...kind, seed: 101 + at }));
}

/** By what is special about them. */
export function heldOutPhantoms(): Readonly<Record<string, ChestCtOptions>> {
  return Object.fromEntries(
    Object.entries(KINDS).map(([name, kind], at) => [name, { ...CHEST, ...kind, seed: 501 + at }]),
  );
}

/** Whether a mark hits a nodule: its distance from the middle is less than the radius. @param place mm, LPS */
export function matches({ center, radius }: PlantedNodule, place: readonly number[]): boolean {
  return Math.hypot(...center.map((middle, axis) => middle - place[axis]!)) < radius;
}
