/**
 * Synthetic radiographs: phantoms of solids projected along parallel rays, brighter where more lies in the way. No
 * scatter, no magnification, no grid, no collimation.
 */
import { abdomenPaints, headPaints } from './body-parts.ts';
import { type ChestAnatomy, cardiothoracicRatio, patientPaints } from './chest-anatomy.ts';
import { phantomCt } from './chest-ct.ts';
import { normal, uniform } from './random.ts';
import type { Paint } from './raster.ts';

export interface RadiographOptions extends Partial<Pick<ChestAnatomy, 'scale' | 'heart' | 'touchingLungs'>> {
  readonly part?: 'chest' | 'head' | 'abdomen';
  /** `lateral` is seen from the left. */
  readonly view?: 'frontal' | 'lateral';
  /** Width and height of the detector, mm. */
  readonly fieldOfView?: number;
  /** Of the detector's middle from the middle of the lungs, towards the feet, mm. */
  readonly shift?: number;
  /** Rows and columns. */
  readonly matrix?: number;
  /** Standard deviation by the brightest value, such as 0.01. */
  readonly noise?: number;
  /** Of the film curve: 1 is linear. */
  readonly gamma?: number;
  readonly seed?: number;
}

export interface Radiograph {
  readonly rows: number;
  readonly columns: number;
  /** mm at the detector. */
  readonly pixelSpacing: number;
  /** 12 bits, brighter is denser; the patient's right is at the left edge of a frontal view. */
  readonly pixels: Uint16Array;
  /** Of a chest. */
  readonly cardiothoracicRatio?: number;
}

/** Rays along each axis of the detector; pixels between them are interpolated. */
const RAYS = 96;
/** Of water at the energy of a chest radiograph, per mm. */
const ATTENUATION = 0.018;
const BRIGHTEST = 4095;

export function radiograph(options: RadiographOptions = {}): Radiograph {
  const { part = 'chest', fieldOfView = 400, matrix = 512, noise = 0.005, gamma = 1, seed = 1, scale = 1 } = options;
  const anatomy: ChestAnatomy = {
    scale,
    seed,
    touchingLungs: options.touchingLungs ?? false,
    tableGap: 0,
    prone: false,
    heart: options.heart ?? 1,
  };
  const paints = { chest: () => patientPaints(anatomy), head: headPaints, abdomen: abdomenPaints }[part]();
  const center = (part === 'chest' ? -36 * scale : 0) - (options.shift ?? 0);
  const depths = raysThrough(paints, center, fieldOfView, options.view ?? 'frontal');
  const shown = filmOf(depths, gamma);
  const draw = normal(uniform(seed));
  const pixels = Uint16Array.from({ length: matrix * matrix }, (_, at) => {
    const [row, column] = [Math.floor(at / matrix), at % matrix];
    const value = interpolated(shown, ((row + 0.5) * RAYS) / matrix - 0.5, ((column + 0.5) * RAYS) / matrix - 0.5);
    return Math.min(BRIGHTEST, Math.max(0, Math.round(BRIGHTEST * (value + noise * draw()))));
  });
  return {
    rows: matrix,
    columns: matrix,
    pixelSpacing: fieldOfView / matrix,
    pixels,
    ...(part === 'chest' && { cardiothoracicRatio: cardiothoracicRatio(anatomy) }),
  };
}

/** Attenuation along every ray, from the head down. */
function raysThrough(
  paints: readonly Paint[],
  centerZ: number,
  fieldOfView: number,
  view: 'frontal' | 'lateral',
): Float64Array {
  const spacing = fieldOfView / RAYS;
  const layout = { matrix: RAYS, slices: RAYS, fieldOfView, sliceSpacing: spacing, sliceThickness: 1, noise: 0 };
  const ct = phantomCt(paints, centerZ, layout);
  const depths = new Float64Array(RAYS * RAYS);
  for (let row = 0; row < RAYS; row++) {
    const { voxels } = ct.slice(RAYS - 1 - row);
    for (const [at, hounsfield] of voxels.entries()) {
      const column = view === 'frontal' ? at % RAYS : Math.floor(at / RAYS);
      depths[row * RAYS + column]! += Math.max(0, (hounsfield + 1000) / 1000) * ATTENUATION * spacing;
    }
  }
  return depths;
}

/** 0 to 1: the logarithm of what reaches the detector, through a film curve. */
function filmOf(depths: Float64Array, gamma: number): Float64Array {
  const deepest = depths.reduce((most, depth) => Math.max(most, depth), 0);
  return depths.map((depth) => 0.02 + 0.93 * (depth / deepest) ** gamma);
}

function interpolated(values: Float64Array, row: number, column: number): number {
  const inside = (index: number): number => Math.min(RAYS - 1, Math.max(0, index));
  const [r, c] = [inside(row), inside(column)];
  const [top, left] = [Math.floor(r), Math.floor(c)];
  const [bottom, right] = [inside(top + 1), inside(left + 1)];
  const across = (line: number): number =>
    values[line * RAYS + left]! + (values[line * RAYS + right]! - values[line * RAYS + left]!) * (c - left);
  return across(top) + (across(bottom) - across(top)) * (r - top);
}
