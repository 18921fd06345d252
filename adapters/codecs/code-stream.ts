/**
 * Heads of code streams, read before a codec sees them: a stream that announces another image than the DICOM header is
 * refused before it can make a codec allocate anything.
 */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { Skipped } from '../../src/reasons.ts';
import { decodeFailed } from './codec.ts';

export interface CodeStreamHead {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  readonly bitsPerSample: number;
  readonly signed: boolean;
}

/** JPEG and JPEG-LS: the frame header (SOFn, ITU-T T.81 B.2.2; SOF55, T.87 C.2.2). */
export function readJpegHead(stream: Uint8Array): CodeStreamHead | undefined {
  for (const segment of jpegSegments(stream)) {
    if (!isFrameHeader(segment.marker) || segment.length < 6) continue;
    const at = segment.offset;
    return {
      bitsPerSample: stream[at]!,
      rows: uint16(stream, at + 1),
      columns: uint16(stream, at + 3),
      components: stream[at + 5]!,
      signed: false,
    };
  }
  return undefined;
}

export interface JpegSegment {
  /** Second byte of the marker. */
  readonly marker: number;
  /** Of the parameters, behind the length. */
  readonly offset: number;
  readonly length: number;
}

/** Marker segments from SOI to the first scan, that one included. */
export function* jpegSegments(stream: Uint8Array): Generator<JpegSegment> {
  let at = 2;
  if (stream[0] !== 0xff || stream[1] !== 0xd8) return;
  while (at + 4 <= stream.length && stream[at] === 0xff) {
    const marker = stream[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = uint16(stream, at + 2) - 2;
    if (length < 0 || at + 4 + length > stream.length) return;
    yield { marker, offset: at + 4, length };
    if (marker === 0xda) return;
    at += 4 + length;
  }
}

/** SOF0 to SOF15 without DHT, JPG and DAC, and SOF55. */
function isFrameHeader(marker: number): boolean {
  return marker === 0xf7 || (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc);
}

/** True where the stream ends with its last marker; zero bytes may pad it behind that. */
export function endsWithEoi(stream: Uint8Array): boolean {
  let end = stream.length;
  while (end > 0 && stream[end - 1] === 0) end -= 1;
  return end >= 2 && stream[end - 2] === 0xff && stream[end - 1] === 0xd9;
}

/** The bare code stream: some writers wrap it into a JP2 file, which PS3.5 A.4.4 does not allow. */
export function jpeg2000CodeStream(frame: Uint8Array): Uint8Array | undefined {
  const limit = Math.min(frame.length - 4, 4096);
  for (let at = 0; at <= limit; at += 1) {
    if (frame[at] === 0xff && frame[at + 1] === 0x4f && frame[at + 2] === 0xff && frame[at + 3] === 0x51) {
      return frame.subarray(at);
    }
  }
  return undefined;
}

/** JPEG 2000 and HTJ2K: the SIZ segment (ITU-T T.800 A.5.1). Components that differ or are subsampled give undefined. */
export function readJpeg2000Head(stream: Uint8Array): CodeStreamHead | undefined {
  const components = uint16(stream, 40);
  if (components === 0 || stream.length < 42 + 3 * components) return undefined;
  const depth = stream[42]!;
  for (let at = 42; at < 42 + 3 * components; at += 3) {
    if (stream[at] !== depth || stream[at + 1] !== 1 || stream[at + 2] !== 1) return undefined;
  }
  return {
    columns: uint32(stream, 8) - uint32(stream, 16),
    rows: uint32(stream, 12) - uint32(stream, 20),
    components,
    bitsPerSample: (depth & 0x7f) + 1,
    signed: depth >= 0x80,
  };
}

/** True where a tile-part reaches beyond the end (T.800 A.4.2): codecs fill what is missing and say nothing. */
export function isJpeg2000CutShort(stream: Uint8Array): boolean {
  let at = 2;
  while (at + 4 <= stream.length && !(stream[at] === 0xff && stream[at + 1] === 0x90)) {
    at += 2 + uint16(stream, at + 2);
  }
  while (at + 12 <= stream.length && stream[at] === 0xff && stream[at + 1] === 0x90) {
    const tilePartLength = uint32(stream, at + 6);
    if (tilePartLength === 0) return false;
    if (tilePartLength < 14) return true;
    at += tilePartLength;
    if (at > stream.length) return true;
  }
  return at + 2 <= stream.length && !(stream[at] === 0xff && stream[at + 1] === 0xd9);
}

/** The reason to refuse a stream that does not announce the image of the header. */
export function mismatch(head: CodeStreamHead | undefined, header: PixelHeader): Skipped | undefined {
  if (head === undefined) return decodeFailed('no usable head in the code stream');
  const { rows, columns, components, bitsPerSample } = head;
  if (rows !== header.rows || columns !== header.columns || components !== header.samplesPerPixel) {
    return decodeFailed(
      `the code stream holds ${columns}x${rows}x${components}, the header says ${header.columns}x${header.rows}x${header.samplesPerPixel}`,
    );
  }
  if (bitsPerSample > header.bitsAllocated || bitsPerSample > 16) {
    return decodeFailed(`${bitsPerSample} bits per sample in the code stream, ${header.bitsAllocated} allocated`);
  }
  return undefined;
}

export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function uint32(bytes: Uint8Array, at: number): number {
  return uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2);
}
