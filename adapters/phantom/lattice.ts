/** The chest sampled on a fine lattice of its own, independent of any slices: what volumes are counted on. */
import { newRaster, type Paint, paintSlice } from './raster.ts';
import type { Triple } from './shapes.ts';

export interface Lattice {
  /** {@link TISSUE} per point, `layers × matrix × matrix`. */
  readonly tissues: Uint8Array;
  readonly matrix: number;
  readonly spacing: number;
  position(point: number): Triple;
}

/** @param scale of the patient: the lattice spans the lungs with room around them. */
export function sampleLattice(paints: readonly Paint[], scale: number, spacing: number): Lattice {
  const [halfWidth, bottom, top] = [170 * scale, -180 * scale, 110 * scale];
  const matrix = Math.ceil((2 * halfWidth) / spacing);
  const layers = Math.ceil((top - bottom) / spacing);
  const tissues = new Uint8Array(layers * matrix * matrix);
  const raster = newRaster(matrix);
  for (let layer = 0; layer < layers; layer++) {
    const origin: Triple = [-halfWidth, -halfWidth, bottom + layer * spacing];
    paintSlice(raster, { origin, down: [0, 1, 0], spacing, matrix }, paints, 0);
    tissues.set(raster.tissues, layer * matrix * matrix);
  }
  const position = (point: number): Triple => [
    -halfWidth + (point % matrix) * spacing,
    -halfWidth + (Math.floor(point / matrix) % matrix) * spacing,
    bottom + Math.floor(point / (matrix * matrix)) * spacing,
  ];
  return { tissues, matrix, spacing, position };
}

/** Millilitres of one tissue. */
export function milliliters({ tissues, spacing }: Lattice, tissue: number): number {
  let points = 0;
  for (const one of tissues) if (one === tissue) points++;
  return (points * spacing ** 3) / 1000;
}
