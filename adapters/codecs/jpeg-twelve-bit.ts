/**
 * Sequential DCT with Huffman coding, 12 bits, one component (ITU-T T.81 F.2): the part of JPEG Extended that no
 * maintained package for Node decodes.
 */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { Skipped } from '../../src/reasons.ts';
import { jpegSegments, uint16 } from './code-stream.ts';
import { type DecodedSamples, decodeFailed } from './codec.ts';
import { inverseDct } from './inverse-dct.ts';
import { BitReader, type HuffmanTable, readHuffmanTables } from './jpeg-huffman.ts';

const LEVEL_SHIFT = 2048;
const MAXIMUM = 4095;

/** Order of coefficients in the stream (T.81 figure A.6). */
const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
]);

interface Tables {
  readonly quantization: Map<number, Float64Array>;
  /** Key: class in bit 4, destination below. */
  readonly huffman: Map<number, HuffmanTable>;
  restartInterval: number;
}

export function decodeTwelveBit(stream: Uint8Array, header: PixelHeader): DecodedSamples | Skipped {
  if (header.samplesPerPixel !== 1) return decodeFailed('12-bit colour');
  const tables: Tables = { quantization: new Map(), huffman: new Map(), restartInterval: 0 };
  let quantizationTable = 0;
  for (const segment of jpegSegments(stream)) {
    const bytes = stream.subarray(segment.offset, segment.offset + segment.length);
    if (segment.marker === 0xdb) readQuantization(bytes, tables.quantization);
    else if (segment.marker === 0xc4) readHuffmanTables(bytes, tables.huffman);
    else if (segment.marker === 0xdd) tables.restartInterval = uint16(bytes, 0);
    else if (segment.marker === 0xc0 || segment.marker === 0xc1) quantizationTable = bytes[8] ?? 0;
    else if (segment.marker === 0xda) {
      const scan = stream.subarray(segment.offset + segment.length);
      return decodeScan(scan, bytes[2] ?? 0, tables, tables.quantization.get(quantizationTable), header);
    }
  }
  return decodeFailed('no scan in the code stream');
}

function readQuantization(bytes: Uint8Array, into: Map<number, Float64Array>): void {
  let at = 0;
  while (at < bytes.length) {
    const size = bytes[at]! >> 4 === 0 ? 1 : 2;
    const table = new Float64Array(64);
    for (let i = 0; i < 64; i += 1) {
      const position = at + 1 + i * size;
      table[ZIGZAG[i]!] = size === 1 ? (bytes[position] ?? 0) : uint16(bytes, position);
    }
    into.set(bytes[at]! & 15, table);
    at += 1 + 64 * size;
  }
}

function decodeScan(
  scan: Uint8Array,
  selectors: number,
  tables: Tables,
  quantization: Float64Array | undefined,
  header: PixelHeader,
): DecodedSamples | Skipped {
  const dc = tables.huffman.get(selectors >> 4);
  const ac = tables.huffman.get(0x10 | (selectors & 15));
  if (dc === undefined || ac === undefined || quantization === undefined) return decodeFailed('a table is missing');
  const { rows, columns } = header;
  const blocksAcross = Math.ceil(columns / 8);
  const blocks = blocksAcross * Math.ceil(rows / 8);
  const pixels = new Uint16Array(rows * columns);
  const coefficients = new Float64Array(64);
  const bits = new BitReader(scan);
  let predictor = 0;
  for (let block = 0; block < blocks; block += 1) {
    if (tables.restartInterval > 0 && block > 0 && block % tables.restartInterval === 0) {
      bits.restart();
      predictor = 0;
    }
    predictor = readBlock(bits, dc, ac, quantization, predictor, coefficients);
    if (bits.isExhausted) return decodeFailed('the code stream ends early');
    inverseDct(coefficients);
    placeBlock(coefficients, pixels, (block % blocksAcross) * 8, Math.floor(block / blocksAcross) * 8, rows, columns);
  }
  return { samples: pixels, planar: false, isRaw: false };
}

/** Dequantised coefficients of one block; returns its DC value before dequantisation (T.81 F.2.2). */
function readBlock(
  bits: BitReader,
  dc: HuffmanTable,
  ac: HuffmanTable,
  quantization: Float64Array,
  predictor: number,
  coefficients: Float64Array,
): number {
  coefficients.fill(0);
  const value = predictor + bits.signed(bits.symbol(dc) & 15);
  coefficients[0] = value * quantization[0]!;
  let k = 1;
  while (k < 64 && !bits.isExhausted) {
    const symbol = bits.symbol(ac);
    const size = symbol & 15;
    const run = symbol >> 4;
    if (size === 0 && run < 15) break;
    k += run;
    if (size > 0 && k < 64) {
      const position = ZIGZAG[k]!;
      coefficients[position] = bits.signed(size) * quantization[position]!;
    }
    k += 1;
  }
  return value;
}

/** The part of a block that lies inside the image. */
function placeBlock(
  block: Float64Array,
  pixels: Uint16Array,
  left: number,
  top: number,
  rows: number,
  columns: number,
): void {
  const width = Math.min(8, columns - left);
  const height = Math.min(8, rows - top);
  for (let y = 0; y < height; y += 1) {
    const start = (top + y) * columns + left;
    for (let x = 0; x < width; x += 1) {
      const value = Math.round(block[y * 8 + x]!) + LEVEL_SHIFT;
      pixels[start + x] = Math.min(Math.max(value, 0), MAXIMUM);
    }
  }
}
