/**
 * A synthetic chest CT with known truth: body, ribs, two lungs, trachea and airways, vessels, emphysema of a known
 * fraction, bowel gas, blanket, table, partial volume and noise. Slices are made one by one, when they are asked for.
 */
import { type ChestAnatomy, chestPaints, DENSITY } from './chest-anatomy.ts';
import { emphysemaPaints } from './emphysema.ts';
import { milliliters, sampleLattice } from './lattice.ts';
import { type NoduleOptions, nodulePaints, type PlantedNodule, plantNodules } from './nodules.ts';
import { RowNoise } from './random.ts';
import { blur, newRaster, type Paint, type Plane, paintSlice, type Raster, TISSUE } from './raster.ts';
import type { Triple } from './shapes.ts';

export interface ChestCtOptions extends Partial<ChestAnatomy> {
  readonly slices?: number;
  /** mm between slices; slice thickness is the same unless given. */
  readonly sliceSpacing?: number;
  readonly sliceThickness?: number;
  readonly matrix?: number;
  /** mm. */
  readonly fieldOfView?: number;
  /** Gantry tilt: slices lean, the table does not. */
  readonly tiltDegrees?: number;
  /** Standard deviation in HU. */
  readonly noise?: number;
  /** 0 sharp kernel (white noise) to 1 soft kernel. */
  readonly noiseSmoothness?: number;
  /** Share of the parenchyma that is emphysema, 0 to 1. */
  readonly emphysema?: number;
  readonly nodules?: NoduleOptions;
  /** How rows and columns lie on the patient; `mirrored` slices are seen from the head. */
  readonly orientation?: 'supine' | 'prone' | 'mirrored';
  /** Keeps slices that were made, for whoever goes over them more than once; otherwise none is kept. */
  readonly keepSlices?: boolean;
}

/** What a perfect reading of one lung, or both, gives. */
export interface LungTruth {
  /**
   * Millilitres of parenchyma: lung without airways (lumen and wall) and without vessels, counted on a lattice of
   * its own over the whole organ, free of slices, blur and noise.
   */
  readonly milliliters: number;
  /** HU, and percent: over pixels whose centre lies in parenchyma, with the blur and noise that the image has. */
  readonly meanHu: number;
  readonly perc15Hu: number;
  readonly laa950Percent: number;
}

export interface ChestTruth {
  readonly right: LungTruth;
  readonly left: LungTruth;
  readonly both: LungTruth;
}

export interface CtGeometry {
  readonly rows: number;
  readonly columns: number;
  readonly pixelSpacing: readonly [number, number];
  readonly sliceThickness: number;
  readonly spacingBetweenSlices: number;
  readonly imageOrientationPatient: readonly [number, number, number, number, number, number];
  /** Centre of the first pixel of slice `k`; slices ascend towards the head. */
  imagePositionPatient(k: number): Triple;
}

export interface PhantomSlice {
  /** HU, `rows × columns`. */
  readonly voxels: Int16Array;
  /** {@link TISSUE} at the centre of every pixel. */
  readonly tissues: Uint8Array;
}

export interface PhantomCt {
  readonly geometry: CtGeometry;
  readonly count: number;
  readonly tiltDegrees: number;
  slice(k: number): PhantomSlice;
  /** HU, from the feet to the head; each made when it is asked for. */
  readonly slices: Iterable<Int16Array>;
}

export interface ChestCt extends PhantomCt {
  /** Worked out on first use, by going over all slices. */
  readonly truth: ChestTruth;
  readonly nodules: readonly PlantedNodule[];
}

/** Slices are averaged from planes at most this far apart, mm. */
const PLANE_DISTANCE = 1.3;
/** Blur of the scanner in the plane, mm (standard deviation). */
const BLUR = 0.5;
const LOWEST_HU = -1024;

export function chestCt(options: ChestCtOptions = {}): ChestCt {
  const scale = options.scale ?? 1;
  const seed = options.seed ?? 1;
  const anatomy: ChestAnatomy = {
    scale,
    seed,
    touchingLungs: options.touchingLungs ?? false,
    tableGap: options.tableGap ?? 6,
    prone: options.orientation === 'prone',
  };
  const solid = chestPaints(anatomy);
  const paints = withEmphysema(solid, options.emphysema ?? 0, scale, seed);
  const nodules = options.nodules ? plantNodules(sampleLattice(solid, scale, 2 * scale), options.nodules, seed) : [];
  const ct = phantomCt([...paints, ...nodulePaints(nodules)], -36 * scale, options);
  let truth: ChestTruth | undefined;
  return {
    ...ct,
    nodules,
    get truth() {
      truth ??= chestTruth(ct, [...paints, ...nodulePaints(nodules)], scale);
      return truth;
    },
  };
}

/** Slices of any list of paints, centred on a height. */
export function phantomCt(paints: readonly Paint[], centerZ: number, options: ChestCtOptions): PhantomCt {
  const sliceSpacing = options.sliceSpacing ?? 2.5;
  const count = options.slices ?? 120;
  const matrix = options.matrix ?? 512;
  const spacing = (options.fieldOfView ?? 400) / matrix;
  const tiltDegrees = options.tiltDegrees ?? 0;
  const tilt = (tiltDegrees * Math.PI) / 180;
  const layout: Layout = {
    matrix,
    spacing,
    down: [0, Math.cos(tilt), Math.sin(tilt)],
    sliceSpacing,
    sliceThickness: options.sliceThickness ?? sliceSpacing,
    first: centerZ - ((count - 1) / 2) * sliceSpacing,
    orientation: options.orientation ?? 'supine',
  };
  const seed = options.seed ?? 1;
  const noise = new RowNoise(seed, options.noise ?? 15, options.noiseSmoothness ?? 0.5);
  const render = (k: number): PhantomSlice => renderSlice(paints, layout, k, noise);
  const slice = options.keepSlices === true ? kept(render) : render;
  return {
    geometry: geometryOf(layout),
    count,
    tiltDegrees,
    slice,
    slices: {
      *[Symbol.iterator]() {
        for (let k = 0; k < count; k++) yield slice(k).voxels;
      },
    },
  };
}

function kept(render: (k: number) => PhantomSlice): (k: number) => PhantomSlice {
  const slices = new Map<number, PhantomSlice>();
  return (k) => {
    const slice = slices.get(k) ?? render(k);
    slices.set(k, slice);
    return slice;
  };
}

interface Layout {
  readonly matrix: number;
  readonly spacing: number;
  readonly down: Triple;
  readonly sliceSpacing: number;
  readonly sliceThickness: number;
  /** Height of the middle of the first slice. */
  readonly first: number;
  readonly orientation: 'supine' | 'prone' | 'mirrored';
}

/** The plane of slice `k` as painted: rows along +x, whatever the orientation. */
function planeOf(layout: Layout, k: number): Plane {
  const { matrix, spacing, down, first, sliceSpacing } = layout;
  const half = ((matrix - 1) / 2) * spacing;
  const z = first + k * sliceSpacing;
  return { origin: [-half, -half * down[1], z - half * down[2]], down, spacing, matrix };
}

function geometryOf(layout: Layout): CtGeometry {
  const { matrix, spacing, down, orientation } = layout;
  const [across, along] = { supine: [1, 1], prone: [-1, -1], mirrored: [-1, 1] }[orientation] as [number, number];
  const size = (matrix - 1) * spacing;
  return {
    rows: matrix,
    columns: matrix,
    pixelSpacing: [spacing, spacing],
    sliceThickness: layout.sliceThickness,
    spacingBetweenSlices: layout.sliceSpacing,
    imageOrientationPatient: [across, 0, 0, 0, along * down[1], along * down[2]],
    imagePositionPatient(k) {
      const [x, y, z] = planeOf(layout, k).origin;
      const steps = along === 1 ? 0 : size;
      return [across === 1 ? x : x + size, y + steps * down[1], z + steps * down[2]];
    },
  };
}

function renderSlice(paints: readonly Paint[], layout: Layout, k: number, noise: RowNoise): PhantomSlice {
  const { matrix, spacing, sliceThickness, orientation } = layout;
  const plane = planeOf(layout, k);
  const middle = newRaster(matrix);
  paintSlice(middle, plane, paints, DENSITY.air);
  const values = averagePlanes(middle, plane, paints, sliceThickness);
  blur(values, matrix, Math.min(0.25, BLUR ** 2 / (2 * spacing ** 2)));
  noise.add(values, matrix, k);
  const voxels = roundedFromLowest(values);
  return { voxels: oriented(voxels, matrix, orientation), tissues: oriented(middle.tissues, matrix, orientation) };
}

/** Whole HU, cut off below like a scanner's 12 bits; truncation of what is not negative rounds, at a third of the time. */
function roundedFromLowest(values: Float32Array): Int16Array {
  const voxels = new Int16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const aboveLowest = values[i]! - LOWEST_HU + 0.5;
    voxels[i] = aboveLowest < 0 ? LOWEST_HU : LOWEST_HU + (aboveLowest | 0);
  }
  return voxels;
}

/** Partial volume: a slice is the mean of planes through its thickness. */
function averagePlanes(middle: Raster, plane: Plane, paints: readonly Paint[], thickness: number): Float32Array {
  const planes = 2 * Math.floor(thickness / PLANE_DISTANCE / 2) + 1;
  const values = middle.values.slice();
  if (planes === 1) return values;
  const raster = newRaster(plane.matrix);
  for (let i = 0; i < planes; i++) {
    const offset = ((i + 0.5) / planes - 0.5) * thickness;
    if (i === (planes - 1) / 2) continue;
    const [, cosine, sine] = plane.down;
    const [x, y, z] = plane.origin;
    paintSlice(raster, { ...plane, origin: [x, y - offset * sine, z + offset * cosine] }, paints, DENSITY.air);
    for (let j = 0; j < values.length; j++) values[j]! += raster.values[j]!;
  }
  for (let j = 0; j < values.length; j++) values[j]! /= planes;
  return values;
}

function oriented<T extends Int16Array | Uint8Array>(pixels: T, matrix: number, orientation: Layout['orientation']): T {
  if (orientation === 'prone') pixels.reverse();
  if (orientation === 'mirrored')
    for (let start = 0; start < pixels.length; start += matrix) pixels.subarray(start, start + matrix).reverse();
  return pixels;
}

function withEmphysema(solid: readonly Paint[], fraction: number, scale: number, seed: number): readonly Paint[] {
  if (fraction === 0) return solid;
  const holes = emphysemaPaints(sampleLattice(solid, scale, 2 * scale), fraction, scale, seed);
  const lungs = solid.findLastIndex((p) => p.tissue === TISSUE.rightLung || p.tissue === TISSUE.leftLung);
  return [...solid.slice(0, lungs + 1), ...holes, ...solid.slice(lungs + 1)];
}

const HISTOGRAM_LOW = LOWEST_HU;
const HISTOGRAM_BINS = 2048;

function chestTruth(ct: PhantomCt, paints: readonly Paint[], scale: number): ChestTruth {
  const [right, left] = [new Float64Array(HISTOGRAM_BINS), new Float64Array(HISTOGRAM_BINS)];
  for (let k = 0; k < ct.count; k++) {
    const { voxels, tissues } = ct.slice(k);
    for (let i = 0; i < voxels.length; i++) {
      if (tissues[i] === TISSUE.rightLung) right[voxels[i]! - HISTOGRAM_LOW]! += 1;
      else if (tissues[i] === TISSUE.leftLung) left[voxels[i]! - HISTOGRAM_LOW]! += 1;
    }
  }
  const lattice = sampleLattice(paints, scale, 1.5 * scale);
  const [rightMl, leftMl] = [milliliters(lattice, TISSUE.rightLung), milliliters(lattice, TISSUE.leftLung)];
  const both = right.map((count, i) => count + left[i]!);
  return {
    right: lungTruth(right, rightMl),
    left: lungTruth(left, leftMl),
    both: lungTruth(both, rightMl + leftMl),
  };
}

function lungTruth(histogram: Float64Array, volume: number): LungTruth {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  let [sum, below, cumulative, perc15] = [0, 0, 0, Number.NaN];
  histogram.forEach((count, i) => {
    const hu = HISTOGRAM_LOW + i;
    sum += count * hu;
    if (hu < -950) below += count;
    cumulative += count;
    if (Number.isNaN(perc15) && cumulative >= 0.15 * total) perc15 = hu;
  });
  return { milliliters: volume, meanHu: sum / total, perc15Hu: perc15, laa950Percent: (100 * below) / total };
}
