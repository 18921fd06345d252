/** Nodules at known places: balls of soft tissue in the lungs, some of them on a vessel. */
import type { Lattice } from './lattice.ts';
import { uniform } from './random.ts';
import { type Paint, TISSUE } from './raster.ts';
import { ellipsoid, type Triple } from './shapes.ts';

export interface NoduleOptions {
  readonly count: number;
  /** mm. */
  readonly smallestRadius: number;
  readonly largestRadius: number;
}

export interface PlantedNodule {
  /** mm, LPS. */
  readonly center: Triple;
  /** mm. */
  readonly radius: number;
  readonly side: 'right' | 'left';
}

/** HU: between water and muscle, as solid nodules have without contrast agent. */
const SOLID = 30;
/** mm of lung, or of vessels in it, around a nodule: it touches neither the chest wall nor the diaphragm. */
const MARGIN = 4;
/** Places tried for each: a phantom may be too small for so many. */
const TRIES = 10_000;

/** Set at random, apart from each other. @param lattice of the chest without them */
export function plantNodules(
  lattice: Lattice,
  { count, smallestRadius, largestRadius }: NoduleOptions,
  seed: number,
): readonly PlantedNodule[] {
  const random = uniform(seed ^ 0xb0d);
  const planted: PlantedNodule[] = [];
  for (let attempt = 0; attempt < count * TRIES && planted.length < count; attempt++) {
    const point = Math.floor(random() * lattice.tissues.length);
    const tissue = lattice.tissues[point];
    if (tissue !== TISSUE.rightLung && tissue !== TISSUE.leftLung) continue;
    const center = lattice.position(point);
    const radius = smallestRadius + (largestRadius - smallestRadius) * random();
    const isApart = planted.every((other) => distance(other.center, center) > 2 * (other.radius + radius));
    if (!isApart || !isWithin(lattice, point, tissue, radius + MARGIN)) continue;
    planted.push({ center, radius, side: tissue === TISSUE.rightLung ? 'right' : 'left' });
  }
  if (planted.length < count) throw new Error(`No place for ${count} nodules`);
  return planted;
}

export function nodulePaints(nodules: readonly PlantedNodule[]): readonly Paint[] {
  return nodules.map(({ center, radius }) => {
    return { solid: ellipsoid(center, [radius, radius, radius]), value: SOLID, tissue: TISSUE.other };
  });
}

function isWithin({ tissues, matrix, spacing }: Lattice, center: number, lung: number, radius: number): boolean {
  const reach = Math.ceil(radius / spacing);
  for (let dz = -reach; dz <= reach; dz++)
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        if (Math.hypot(dx, dy, dz) * spacing > radius) continue;
        const tissue = tissues[center + (dz * matrix + dy) * matrix + dx];
        if (tissue !== lung && tissue !== TISSUE.vessel) return false;
      }
  return true;
}

function distance(a: Triple, b: Triple): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
