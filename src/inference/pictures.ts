/**
 * Slices of a volume as pictures, as they are displayed: from the feet to the head, columns of pixels to the patient's
 * left, rows to the back. Values become shades by the windows of the card, never by what the header or the pixels suggest.
 */
import type { Point3 } from '../arrival/study.ts';
import { axisStep, normalise } from '../assembly/geometry.ts';
import { sliceVoxels, type Volume } from '../assembly/volume.ts';
import { reason, type Skipped } from '../reasons.ts';
import type { SlicesInput } from './model-package.ts';

/** 8 bits a channel, rows from the top, channels of a pixel together. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 grey; 3 red, green and blue. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Neighbouring pixels may differ so much in size before a picture would be distorted. */
const SQUARE = 0.01;
/** Direction cosine of the normal along the body: planes that are tilted by more are not axial. */
const AXIAL_COSINE = Math.cos(Math.PI / 6);

/**
 * Indices of the slices that become pictures, in the order in which they are shown; or why the volume cannot be shown.
 */
export function picturedSlices(volume: Volume, { sampling }: SlicesInput): readonly number[] | Skipped {
  const [row, column] = [volume.spacing[1], volume.spacing[2]];
  const normal = direction(volume, 0);
  const outside = (detail: string): Skipped => ({ skipped: reason('outside-model-limits', detail) });
  if (Math.abs(normal[2]) < AXIAL_COSINE) return { skipped: reason('wrong-orientation', 'the slices are not axial') };
  if (Math.abs(row - column) > SQUARE * column) return outside('the pixels are not square');
  const chosen = sampled(volume, sampling);
  if (sampling.kind !== 'uniform' && chosen.length > sampling.maximum)
    return outside(`${chosen.length} pictures, the model takes ${sampling.maximum}`);
  return normal[2] > 0 ? chosen : chosen.toReversed();
}

/** Ascending along the normal. */
function sampled({ shape: [slices], spacing }: Volume, sampling: SlicesInput['sampling']): readonly number[] {
  const all = Array.from({ length: slices }, (_, k) => k);
  switch (sampling.kind) {
    case 'every':
      return all;
    case 'step': {
      const steps = Math.floor(((slices - 1) * spacing[0]) / sampling.millimeters + 1e-6);
      const nearest = Array.from({ length: steps + 1 }, (_, i) => Math.round((i * sampling.millimeters) / spacing[0]));
      return [...new Set(nearest)];
    }
    case 'uniform': {
      const { count } = sampling;
      if (slices <= count) return all;
      if (count === 1) return [Math.floor(slices / 2)];
      return Array.from({ length: count }, (_, i) => Math.round((i * (slices - 1)) / (count - 1)));
    }
  }
}

/** @param k index of a slice that {@link picturedSlices} gave */
export function pictureOf(volume: Volume, k: number, { windows }: Pick<SlicesInput, 'windows'>): Picture {
  const { width, height, start, across, down } = layoutOf(volume);
  const voxels = sliceVoxels(volume, k);
  const { slope, intercept } = volume.slices[k]!;
  const { padding } = volume;
  const channels = windows.length === 1 ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += channels) {
      const voxel = voxels[start + row * down + column * across]!;
      if (padding !== undefined && voxel >= padding.low && voxel <= padding.high) continue;
      const value = voxel * slope + intercept;
      for (let channel = 0; channel < windows.length; channel++) data[at + channel] = shade(value, windows[channel]!);
    }
  }
  return { width, height, channels, data };
}

function shade(value: number, { low, high }: SlicesInput['windows'][number]): number {
  if (value <= low) return 0;
  return value >= high ? 255 : Math.round((255 * (value - low)) / (high - low));
}

interface Layout {
  readonly width: number;
  readonly height: number;
  /** Index of the voxel that is shown at the top left. */
  readonly start: number;
  /** Steps in voxels to the next pixel of a row, and to the next row. */
  readonly across: number;
  readonly down: number;
}

/** Axes are turned and mirrored so that the patient's right is at the left, and the front at the top (LPS ascends). */
function layoutOf(volume: Volume): Layout {
  const [, rows, columns] = volume.shape;
  const alongRow = direction(volume, 1);
  const alongColumn = direction(volume, 2);
  const isUpright = Math.abs(alongColumn[0]) >= Math.abs(alongRow[0]);
  const across = isUpright
    ? { length: columns, step: 1, ascends: alongColumn[0] > 0 }
    : { length: rows, step: columns, ascends: alongRow[0] > 0 };
  const down = isUpright
    ? { length: rows, step: columns, ascends: alongRow[1] > 0 }
    : { length: columns, step: 1, ascends: alongColumn[1] > 0 };
  const startOf = ({ length, step, ascends }: typeof across): number => (ascends ? 0 : (length - 1) * step);
  return {
    width: across.length,
    height: down.length,
    start: startOf(across) + startOf(down),
    across: across.ascends ? across.step : -across.step,
    down: down.ascends ? down.step : -down.step,
  };
}

function direction({ affine }: Volume, axis: 0 | 1 | 2): Point3 {
  return normalise(axisStep(affine, axis));
}
