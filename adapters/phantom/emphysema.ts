/** Holes of emphysema: spheres of air-like density, set at random until they make up the wanted share of the lung. */
import { DENSITY } from './chest-anatomy.ts';
import type { Lattice } from './lattice.ts';
import { uniform } from './random.ts';
import type { Paint } from './raster.ts';
import { ellipsoid } from './shapes.ts';

const SMALLEST = 4;
const LARGEST = 9;

/** @param fraction of the parenchyma, counted on the lattice, so that overlap and edges are accounted for. */
export function emphysemaPaints(lattice: Lattice, fraction: number, scale: number, seed: number): readonly Paint[] {
  const random = uniform(seed ^ 0xe3f);
  const isLung = lattice.tissues.map((tissue) => Number(tissue === 1 || tissue === 2));
  const wanted = fraction * isLung.reduce((sum, one) => sum + one, 0);
  const paints: Paint[] = [];
  let taken = 0;
  while (taken < wanted) {
    const point = Math.floor(random() * isLung.length);
    if (isLung[point] === 0) continue;
    const center = lattice.position(point);
    const radius = (SMALLEST + (LARGEST - SMALLEST) * random()) * scale;
    taken += takeSphere(isLung, lattice, point, radius);
    const solid = ellipsoid(center, [radius, radius, radius]);
    paints.push({ solid, value: DENSITY.emphysema, withinLung: true });
  }
  return paints;
}

/** Marks lattice points of the sphere as taken (0) and counts those that were still lung. */
function takeSphere(isLung: Uint8Array, lattice: Lattice, center: number, radius: number): number {
  const { matrix, spacing } = lattice;
  const reach = Math.floor(radius / spacing);
  let taken = 0;
  for (let dz = -reach; dz <= reach; dz++)
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        if ((dx * dx + dy * dy + dz * dz) * spacing * spacing > radius * radius) continue;
        const index = center + (dz * matrix + dy) * matrix + dx;
        taken += isLung[index] ?? 0;
        if (isLung[index] === 1) isLung[index] = 0;
      }
  return taken;
}
