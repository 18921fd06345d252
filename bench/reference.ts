/**
 * What the product must give, worked out in another way: voxels straight from the phantom, geometry from the phantom's
 * own numbers, resampling in float64 by the definition. Nothing of the product's assembly or resampling is used.
 */
import type { Grid } from '../src/assembly/grid.ts';
import { sliceVoxels, type Volume } from '../src/assembly/volume.ts';
import { INPUT_SPACING_MM, INPUT_STEP, type ModelInput } from './product.ts';
import type { PhantomSeries } from './study/phantom-series.ts';

/** Normalised units, over every value of the model input. */
export const TOLERANCE = 1e-3;
/** mm. */
const GEOMETRY_TOLERANCE = 1e-6;

/** What differs, or undefined: every voxel in Hounsfield units, the source of every slice, the affine. */
export function volumeFault(volume: Volume, phantom: PhantomSeries): string | undefined {
  const { slices, matrix } = phantom.size;
  if (volume.shape.join() !== `${slices},${matrix},${matrix}`) return `the volume has the shape ${volume.shape.join()}`;
  for (let k = 0; k < slices; k++) {
    const { slope, intercept, sopInstanceUid } = volume.slices[k]!;
    if (sopInstanceUid !== phantom.series.instances[k]!.sopInstanceUid) return `slice ${k} is another one`;
    const [got, wanted] = [sliceVoxels(volume, k), phantom.slice(k)];
    for (let i = 0; i < wanted.length; i++) {
      if (got[i]! * slope + intercept !== wanted[i]) return `voxel ${i} of slice ${k} differs`;
    }
  }
  return farFrom(volume.affine, affineOf(phantom)) ? 'the affine differs' : undefined;
}

/** Slices towards the head, rows to the back, columns to the left: the phantom's images are axial and not turned. */
function affineOf({ geometry }: PhantomSeries): readonly number[] {
  const [x, y, z] = geometry.imagePositionPatient(0);
  const [betweenRows, betweenColumns] = geometry.pixelSpacing;
  return [
    ...[0, 0, betweenColumns, x],
    ...[0, betweenRows, 0, y],
    ...[geometry.spacingBetweenSlices, 0, 0, z],
    0,
    0,
    0,
    1,
  ];
}

function farFrom(got: readonly number[], wanted: readonly number[]): boolean {
  return wanted.some((value, index) => !(Math.abs(got[index]! - value) < GEOMETRY_TOLERANCE));
}

/** One axis of the input grid: as many steps as cover the volume, voxel edges included, around the same centre. */
interface Axis {
  readonly count: number;
  /** Source index of result 0, and from result to result. */
  readonly start: number;
  readonly step: number;
}

function axisOf(sourceCount: number, sourceSpacing: number): Axis {
  const count = Math.ceil((sourceCount * sourceSpacing) / INPUT_SPACING_MM - 1e-6);
  const step = INPUT_SPACING_MM / sourceSpacing;
  return { count, step, start: (sourceCount - 1) / 2 - ((count - 1) / 2) * step };
}

export interface ReferenceInput {
  readonly shape: readonly number[];
  readonly affine: readonly number[];
  readonly values: Float64Array;
}

/** Trilinear between voxel centres; up to half a voxel beyond the outermost centres their value, then `fill`. */
export function referenceInput(phantom: PhantomSeries): ReferenceInput {
  const { geometry, size } = phantom;
  const axes = [
    axisOf(size.slices, geometry.spacingBetweenSlices),
    axisOf(size.matrix, geometry.pixelSpacing[0]),
    axisOf(size.matrix, geometry.pixelSpacing[1]),
  ] as const;
  const [slices, rows, columns] = axes.map(({ count }) => count) as [number, number, number];
  const values = new Float64Array(slices * rows * columns);
  const [alongSlices, alongRows, alongColumns] = axes.map((axis, a) =>
    neighbours(axis, a === 0 ? size.slices : size.matrix),
  ) as [Neighbour[], Neighbour[], Neighbour[]];
  let at = 0;
  for (const s of alongSlices) {
    const [low, high] = [phantom.slice(s.lower), phantom.slice(s.upper)];
    for (const r of alongRows) {
      const [above, below] = [r.lower * size.matrix, r.upper * size.matrix];
      for (const c of alongColumns) {
        const lowValue = bilinear(low, above, below, r, c);
        const highValue = bilinear(high, above, below, r, c);
        const inside = s.inside && r.inside && c.inside;
        values[at++] = windowed(inside ? lowValue + (highValue - lowValue) * s.weight : INPUT_STEP.fill);
      }
    }
  }
  const [x, y, z] = geometry.imagePositionPatient(0);
  const origin = [
    x + axes[2].start * geometry.pixelSpacing[1],
    y + axes[1].start * geometry.pixelSpacing[0],
    z + axes[0].start * geometry.spacingBetweenSlices,
  ];
  const mm = INPUT_SPACING_MM;
  const affine = [...[0, 0, mm, origin[0]!], ...[0, mm, 0, origin[1]!], ...[mm, 0, 0, origin[2]!], 0, 0, 0, 1];
  return { shape: [slices, rows, columns], affine, values };
}

interface Neighbour {
  readonly inside: boolean;
  readonly lower: number;
  readonly upper: number;
  readonly weight: number;
}

function neighbours({ count, start, step }: Axis, sourceCount: number): Neighbour[] {
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * step;
    const clamped = Math.min(Math.max(at, 0), sourceCount - 1);
    const lower = Math.floor(clamped);
    return {
      inside: at >= -0.5 && at <= sourceCount - 0.5,
      lower,
      upper: Math.min(lower + 1, sourceCount - 1),
      weight: clamped - lower,
    };
  });
}

function bilinear(plane: Int16Array, above: number, below: number, row: Neighbour, column: Neighbour): number {
  const [left, right] = [column.lower, column.upper];
  const top = plane[above + left]! + (plane[above + right]! - plane[above + left]!) * column.weight;
  const bottom = plane[below + left]! + (plane[below + right]! - plane[below + left]!) * column.weight;
  return top + (bottom - top) * row.weight;
}

function windowed(value: number): number {
  const [{ low, high }] = INPUT_STEP.channels;
  return (Math.min(Math.max(value, low), high) - low) / (high - low);
}

/** What differs, or undefined: shape, position in the patient, and every value. */
export function inputFault({ grid, voxels }: ModelInput, reference: ReferenceInput): string | undefined {
  return gridFault(grid, reference) ?? valuesFault(voxels, reference);
}

function gridFault(grid: Grid, reference: ReferenceInput): string | undefined {
  if (grid.shape.join() !== reference.shape.join()) return `the model input has the shape ${grid.shape.join()}`;
  return farFrom(grid.affine, reference.affine) ? 'the model input lies elsewhere' : undefined;
}

export function valuesFault(values: Float32Array, reference: ReferenceInput): string | undefined {
  if (values.length !== reference.values.length) return `the model input has ${values.length} values`;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs(values[i]! - reference.values[i]!);
    // Written so that NaN is the largest difference of all.
    if (!(difference <= largest)) largest = difference;
  }
  return largest < TOLERANCE ? undefined : `a value of the model input is ${largest} off`;
}
