/**
 * JPEG lossless, process 14 (ITU-T T.81 H), every selection value.
 *
 * Our own, because jpeg-lossless-decoder-js 2.1.2 loses the last pixel where its code lies close to the end of the scan,
 * and mixes up colour of more than 8 bits.
 */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { Skipped } from '../../src/reasons.ts';
import { jpegSegments, mismatch, readJpegHead, uint16 } from './code-stream.ts';
import { type Codec, type DecodedSamples, decodeFailed, sampleCount } from './codec.ts';
import { BitReader, type HuffmanTable, readHuffmanTables } from './jpeg-huffman.ts';

export function createCodec(): Promise<Codec> {
  return Promise.resolve((frame, header) => {
    const head = readJpegHead(frame);
    return mismatch(head, header) ?? decode(frame, header, head!.bitsPerSample);
  });
}

interface Scan {
  /** One table per component. */
  readonly tables: readonly HuffmanTable[];
  /** Selection value of the predictor, 1 to 7. */
  readonly selection: number;
  /** Low bits that the encoder cut off. */
  readonly pointTransform: number;
  readonly restartInterval: number;
  readonly bits: Uint8Array;
}

function decode(stream: Uint8Array, header: PixelHeader, bitsPerSample: number): DecodedSamples | Skipped {
  const scan = readScan(stream, header.samplesPerPixel);
  if ('skipped' in scan) return scan;
  const samples = bitsPerSample > 8 ? new Uint16Array(sampleCount(header)) : new Uint8Array(sampleCount(header));
  const isComplete = decodeScan(scan, samples, header.columns, 1 << (bitsPerSample - scan.pointTransform - 1));
  if (!isComplete) return decodeFailed('the code stream ends early');
  if (scan.pointTransform > 0) for (let i = 0; i < samples.length; i += 1) samples[i]! <<= scan.pointTransform;
  return { samples, planar: false, isRaw: false };
}

function readScan(stream: Uint8Array, components: number): Scan | Skipped {
  const tables = new Map<number, HuffmanTable>();
  let restartInterval = 0;
  for (const segment of jpegSegments(stream)) {
    const end = segment.offset + segment.length;
    const bytes = stream.subarray(segment.offset, end);
    if (segment.marker === 0xc4) readHuffmanTables(bytes, tables);
    else if (segment.marker === 0xdd) restartInterval = uint16(bytes, 0);
    else if (segment.marker >= 0xc0 && segment.marker <= 0xcf) {
      if (segment.marker !== 0xc3 || isSubsampled(bytes)) return decodeFailed('not sequential lossless JPEG');
    } else if (segment.marker === 0xda) {
      return scanOf(bytes, stream.subarray(end), components, tables, restartInterval);
    }
  }
  return decodeFailed('no scan in the code stream');
}

function isSubsampled(frameHeader: Uint8Array): boolean {
  return Array.from({ length: frameHeader[5]! }, (_, i) => frameHeader[7 + 3 * i]).some((factors) => factors !== 0x11);
}

function scanOf(
  bytes: Uint8Array,
  bits: Uint8Array,
  components: number,
  tables: ReadonlyMap<number, HuffmanTable>,
  restartInterval: number,
): Scan | Skipped {
  if (bytes[0] !== components) return decodeFailed('components in several scans');
  const used = Array.from({ length: components }, (_, i) => tables.get(bytes[2 + 2 * i]! >> 4));
  const selection = bytes[1 + 2 * components] ?? 0;
  const pointTransform = (bytes[3 + 2 * components] ?? 0) & 15;
  if (used.includes(undefined)) return decodeFailed('a table is missing');
  if (selection < 1 || selection > 7 || pointTransform > 7) return decodeFailed(`predictor ${selection}`);
  return { tables: used as HuffmanTable[], selection, pointTransform, restartInterval, bits };
}

/** Fills `samples`, components of a pixel together; false where the bits end before the pixels do. */
function decodeScan(scan: Scan, samples: Uint8Array | Uint16Array, columns: number, initial: number): boolean {
  const reader = new BitReader(scan.bits);
  const components = scan.tables.length;
  const line = columns * components;
  // The first line after a restart is predicted like the first line of all (T.81 H.1.1).
  let firstLine = 0;
  for (let pixel = 0, at = 0; at < samples.length; pixel += 1) {
    if (scan.restartInterval > 0 && pixel > 0 && pixel % scan.restartInterval === 0) {
      reader.restart();
      firstLine = at;
    }
    const isLeft = pixel % columns === 0;
    const isTop = at - firstLine < line;
    // Lines and columns at the edge have one neighbour, the first pixel none (T.81 H.1.2.1).
    const selection = isTop ? Number(!isLeft) : isLeft ? 2 : scan.selection;
    for (let component = 0; component < components; component += 1, at += 1) {
      const size = reader.symbol(scan.tables[component]!);
      const difference = size === 16 ? 0x8000 : reader.signed(size & 15);
      samples[at] = predict(selection, samples, at, line, components, initial) + difference;
    }
    if (reader.isExhausted) return false;
  }
  return true;
}

/** T.81 table H.1; selection 0 is a pixel without neighbours. */
function predict(
  selection: number,
  samples: Uint8Array | Uint16Array,
  at: number,
  line: number,
  step: number,
  initial: number,
): number {
  if (selection === 1) return samples[at - step]!;
  if (selection === 2) return samples[at - line]!;
  if (selection === 0) return initial;
  const left = samples[at - step]!;
  const above = samples[at - line]!;
  const corner = samples[at - line - step]!;
  if (selection === 3) return corner;
  if (selection === 4) return left + above - corner;
  if (selection === 5) return left + ((above - corner) >> 1);
  if (selection === 6) return above + ((left - corner) >> 1);
  return (left + above) >> 1;
}
