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

/** What the resampler writes. */
export type IntensityStep =
  /** Values in the volume's units, rounded, as INT16; `fill` outside the volume. */
  | { readonly datatype: 'INT16'; readonly fill: number }
  /** `(clip(value, low, high) - low) / (high - low)` as FP32; `fill` is in units, before the window. */
  | { readonly datatype: 'FP32'; readonly low: number; readonly high: number; readonly fill: number };
