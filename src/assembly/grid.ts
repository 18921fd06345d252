import type { TensorLayout } from './layout.ts';
import type { Affine } from './volume.ts';

/** A regular grid in patient space onto which a volume is resampled for a model. */
export interface Grid {
  /** `[slices, rows, columns]`. */
  readonly shape: readonly [number, number, number];
  /** `[slice, row, column, 1]` → mm, LPS. */
  readonly affine: Affine;
  /** mm along each axis. */
  readonly spacing: readonly [number, number, number];
}

/** One channel of FP32: `(clip(value, low, high) - origin) × factor + base`; without a limit where one is infinite. */
export interface LinearStep {
  readonly low: number;
  readonly high: number;
  readonly origin: number;
  readonly factor: number;
  readonly base: number;
}

/** Where the value of a grid point comes from. */
export type Interpolation =
  /** Trilinear. */
  | 'linear'
  /** The nearest voxel, the later one of two that are equally near. */
  | 'nearest'
  /** Bilinear within the nearest slice: slices are taken and never mixed. */
  | 'nearest-slice';

/** What the resampler writes, and in which order. `fill`, in the volume's units, stands for what lies outside. */
export type IntensityStep = ResultForm &
  (
    | { readonly datatype: 'INT16'; readonly fill: number }
    | { readonly datatype: 'FP32'; readonly fill: number; readonly channels: readonly LinearStep[] }
  );

interface ResultForm {
  /** `DHW` where absent. */
  readonly layout?: TensorLayout;
  /** `linear` where absent. */
  readonly interpolation?: Interpolation;
}

/** `(clip(value, low, high) - low) / (high - low)`. */
export function windowStep(low: number, high: number): LinearStep {
  return { low, high, origin: low, factor: 1 / (high - low), base: 0 };
}
