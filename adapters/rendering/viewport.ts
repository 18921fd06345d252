/** Cutting out and scaling (PS3.18 section 8.3.5.1.3). */
import type { Raster } from './raster.ts';

export interface Viewport {
  /** The picture is scaled to fit inside, its proportions kept. */
  readonly width: number;
  readonly height: number;
  /** Part of the source, in pixels; negative sizes turn it over. Without it, all of the source. */
  readonly region?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Where one sample of the result comes from along an axis: the first source index, and the weights from there on. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

export function scaled(raster: Raster, viewport: Viewport): Raster {
  const { x, y, width, height } = viewport.region ?? { x: 0, y: 0, width: raster.width, height: raster.height };
  const scale = Math.min(viewport.width / Math.abs(width), viewport.height / Math.abs(height));
  const target = {
    width: Math.max(1, Math.round(Math.abs(width) * scale)),
    height: Math.max(1, Math.round(Math.abs(height) * scale)),
  };
  const columns = taps({ start: x, length: width, target: target.width, limit: raster.width });
  const rows = taps({ start: y, length: height, target: target.height, limit: raster.height });
  return { ...target, channels: raster.channels, data: scaledDown(scaledAcross(raster, columns), rows) };
}

/** One line of samples for every row of the source. */
function scaledAcross({ width, height, channels, data }: Raster, columns: readonly Taps[]): readonly Float32Array[] {
  return Array.from({ length: height }, (_, row) => {
    const line = new Float32Array(columns.length * channels);
    for (let i = 0; i < line.length; i++) {
      const { first, weights } = columns[Math.floor(i / channels)]!;
      let at = (row * width + first) * channels + (i % channels);
      for (const weight of weights) {
        line[i]! += weight * data[at]!;
        at += channels;
      }
    }
    return line;
  });
}

function scaledDown(lines: readonly Float32Array[], rows: readonly Taps[]): Uint8Array {
  const stride = lines[0]!.length;
  const data = new Uint8Array(rows.length * stride);
  for (const [row, { first, weights }] of rows.entries()) {
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * lines[first + k]![i]!;
      data[row * stride + i] = Math.round(sum);
    }
  }
  return data;
}

interface Axis {
  readonly start: number;
  /** Negative runs backwards. */
  readonly length: number;
  readonly target: number;
  readonly limit: number;
}

/** A triangle as wide as the scale asks for: between neighbours when enlarging, over all covered pixels when reducing. */
function taps({ start, length, target, limit }: Axis): readonly Taps[] {
  const step = length / target;
  const reach = Math.max(1, Math.abs(step));
  const origin = length < 0 ? start - length : start;
  const inside = (index: number): number => Math.max(0, Math.min(limit - 1, index));
  return Array.from({ length: target }, (_, index) => {
    const center = inside(origin + (index + 0.5) * step - 0.5);
    const first = inside(Math.ceil(center - reach));
    const last = inside(Math.floor(center + reach));
    const raw = Array.from({ length: last - first + 1 }, (_unused, k) => 1 - Math.abs(first + k - center) / reach);
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}
