/** Colour images to RGB of 8 bits (PS3.3 C.7.6.3.1.2 and C.7.6.3.1.5). */
import type { ImageHeader } from '../../src/arrival/study.ts';
import { colorModelOf, rgbOf } from '../../src/assembly/color.ts';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import type { StoredFrame } from '../../src/ports.ts';
import { reason, type Skipped } from '../../src/reasons.ts';
import { lookUp, lookupTable } from './lookup-table.ts';
import type { Raster } from './raster.ts';

export function colorRaster(frame: StoredFrame, header: ImageHeader): Raster | Skipped {
  const model = colorModelOf(header);
  if (model === undefined) return unsupported(header.photometricInterpretation);
  const shift = Math.max(0, header.bitsStored - 8);
  const data = Uint8Array.from(frame.pixels, (sample) => sample >> shift);
  if (model === 'ybr') ybrToRgb(data);
  return { width: frame.columns, height: frame.rows, channels: 3, data };
}

/** In place; the output array clamps nothing, so the values are. */
function ybrToRgb(data: Uint8Array): void {
  for (let at = 0; at + 2 < data.length; at += 3) {
    const colors = rgbOf(data[at]!, data[at + 1]!, data[at + 2]!, 128);
    for (const [color, value] of colors.entries()) data[at + color] = clamp(value);
  }
}

export function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
}

export function paletteRaster(frame: StoredFrame, dataSet: DicomDataSet): Raster | Skipped {
  const tables = ['1', '2', '3'].map((color) => lookupTable(dataSet, `0028110${color}`, `0028120${color}`));
  const data = new Uint8Array(frame.rows * frame.columns * 3);
  for (const [channel, table] of tables.entries()) {
    if (table === undefined) return unsupported('PALETTE COLOR without tables');
    const scale = 255 / (2 ** table.bits - 1);
    for (let i = 0; i < frame.pixels.length; i++)
      data[i * 3 + channel] = clamp(lookUp(table, frame.pixels[i]!) * scale);
  }
  return { width: frame.columns, height: frame.rows, channels: 3, data };
}

function unsupported(photometric: string): Skipped {
  // A code string of the standard; anything else in its place is not echoed.
  const shown = /^[A-Z_0-9 a-z]{1,32}$/.test(photometric) ? photometric : 'unknown';
  return { skipped: reason('pixel-format-unsupported', shown) };
}
