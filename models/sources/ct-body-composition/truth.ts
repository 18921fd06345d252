/** What the synthetic chest is made of, counted on planes of its own: free of blur, noise, slices and the model's grid. */
import { type ChestAnatomy, chestPaints, DENSITY } from '../../../adapters/phantom/chest-anatomy.ts';
import { newRaster, paintSlice } from '../../../adapters/phantom/raster.ts';

/** No density: outside the body. */
const OUTSIDE = 9999;
/** Table, foam, blanket and the air under it are painted first. */
const SURROUNDINGS = 4;
const AIR_LIMIT = -400;

export interface TissueTruth {
  readonly bone: number;
  readonly fat: number;
  readonly softTissue: number;
  readonly gas: number;
}

/** Millilitres between two heights, mm. @param step of the lattice, mm */
export function tissueTruth(anatomy: ChestAnatomy, from: number, to: number, step: number): TissueTruth {
  const paints = chestPaints(anatomy).slice(SURROUNDINGS);
  const matrix = Math.round(440 / step);
  const raster = newRaster(matrix);
  const half = ((matrix - 1) / 2) * step;
  const counts = { bone: 0, fat: 0, softTissue: 0, gas: 0 };
  const planes = Math.round((to - from) / step);
  for (let plane = 0; plane < planes; plane++) {
    const z = from + (plane + 0.5) * step;
    paintSlice(raster, { origin: [-half, -half, z], down: [0, 1, 0], spacing: step, matrix }, paints, OUTSIDE);
    for (const value of raster.values) {
      const tissue = tissueOf(value);
      if (tissue !== undefined) counts[tissue] += step ** 3 / 1000;
    }
  }
  return counts;
}

function tissueOf(value: number): keyof TissueTruth | undefined {
  if (value === OUTSIDE) return undefined;
  if (value === DENSITY.bone) return 'bone';
  if (value === DENSITY.fat) return 'fat';
  return value < AIR_LIMIT ? 'gas' : 'softTissue';
}
