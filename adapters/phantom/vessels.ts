/** Vessels of the lungs: trees that leave each hilum and divide until they are a millimetre thin. */

import { uniform } from './random.ts';
import { type Paint, TISSUE } from './raster.ts';
import { capsule, type Triple } from './shapes.ts';

const TRUNKS = 9;
const THINNEST = 0.9;

/** Painted within lung only, so a branch that grows out of the lung ends at its surface. */
export function vesselPaints(scale: number, seed: number): readonly Paint[] {
  const random = uniform(seed ^ 0x5eed);
  const paints: Paint[] = [];
  const grow = (from: Triple, direction: Triple, length: number, radius: number): void => {
    if (radius < THINNEST) return;
    const to = along(from, direction, length);
    const solid = capsule(scaled(from, scale), scaled(to, scale), radius * scale);
    paints.push({ solid, value: 45, tissue: TISSUE.vessel, withinLung: true });
    for (let child = 0; child < 3; child++) grow(to, bent(direction, 0.75, random), length * 0.78, radius * 0.66);
  };
  for (const side of [-1, 1])
    for (let trunk = 0; trunk < TRUNKS; trunk++) {
      const height = 1 - (2 * (trunk + 0.5)) / TRUNKS;
      grow([side * 28, 8, -32], bent([side * Math.sqrt(1 - height * height), 0, height], 0.9, random), 44, 4.4);
    }
  return paints;
}

function bent([x, y, z]: Triple, amount: number, random: () => number): Triple {
  const turn = (): number => amount * (2 * random() - 1);
  const [bx, by, bz] = [x + turn(), y + turn(), z + turn()];
  const length = Math.hypot(bx, by, bz) || 1;
  return [bx / length, by / length, bz / length];
}

function along([x, y, z]: Triple, [dx, dy, dz]: Triple, length: number): Triple {
  return [x + dx * length, y + dy * length, z + dz * length];
}

function scaled([x, y, z]: Triple, scale: number): Triple {
  return [x * scale, y * scale, z * scale];
}
