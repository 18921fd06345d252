/** From modality values to brightness 0 to 255: windows and VOI tables (PS3.3 C.11.2). */
import { type LookupTable, lookUp } from './lookup-table.ts';

export type WindowFunction = 'linear' | 'linear-exact' | 'sigmoid';

export interface Window {
  readonly center: number;
  readonly width: number;
  readonly function: WindowFunction;
}

/** Brightness of a modality value, not yet rounded. */
export type Brightness = (value: number) => number;

/** PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for an output of 0 to 255. */
export function windowed({ center, width, function: kind }: Window): Brightness {
  switch (kind) {
    case 'linear':
      return (value) =>
        width <= 1 ? (value <= center - 0.5 ? 0 : 255) : ((value - (center - 0.5)) / (width - 1) + 0.5) * 255;
    case 'linear-exact':
      return (value) => ((value - center) / width + 0.5) * 255;
    case 'sigmoid':
      return (value) => 255 / (1 + Math.exp((-4 * (value - center)) / width));
  }
}

export function tabulated(table: LookupTable): Brightness {
  const scale = 255 / (2 ** table.bits - 1);
  return (value) => lookUp(table, value) * scale;
}

/** The window that shows every value. */
export function fullWindow(low: number, high: number): Window {
  return { center: (low + high) / 2, width: Math.max(high - low, 1e-9), function: 'linear-exact' };
}
