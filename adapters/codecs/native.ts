/** Native pixel data (PS3.5 8.1 and 8.2): nothing to decompress, so no worker is needed. */
import { isChromaShared, nativeFrameBits, type PixelHeader } from '../../src/arrival/pixel-header.ts';
import { EXPLICIT_VR_BIG_ENDIAN } from '../../src/arrival/transfer-syntax.ts';
import type { Skipped } from '../../src/reasons.ts';
import { asSamples, type DecodedSamples, decodeFailed, sampleCount } from './codec.ts';

/** @param frameIndex frames of single bits start in the middle of a byte where the ones before them end there. */
export function decodeNative(
  frame: Uint8Array,
  header: PixelHeader,
  frameIndex: number,
  transferSyntaxUid: string,
): DecodedSamples | Skipped {
  if (frame.length < Math.ceil(nativeFrameBits(header) / 8)) return decodeFailed('the frame is too short');
  const planar = header.samplesPerPixel > 1 && header.planarConfiguration === 1;
  if (header.bitsAllocated === 1) {
    const firstBit = (frameIndex * nativeFrameBits(header)) % 8;
    return { samples: unpackBits(frame, firstBit, sampleCount(header)), planar: false, isRaw: false };
  }
  if (isChromaShared(header)) {
    if (header.bitsAllocated !== 8) return decodeFailed(`YBR_FULL_422 of ${header.bitsAllocated} bits`);
    return { samples: withChromaRepeated(frame, sampleCount(header)), planar: false, isRaw: false };
  }
  const isSwapped = transferSyntaxUid === EXPLICIT_VR_BIG_ENDIAN && header.bitsAllocated > 8;
  const bytes = isSwapped ? swapped(frame, header.bitsAllocated) : frame;
  const samples = asSamples(bytes, header.bitsAllocated, header.pixelRepresentation === 1);
  return { samples, planar, isRaw: true };
}

/** The first pixel is the lowest bit of the first byte (PS3.5 8.1.1). */
function unpackBits(frame: Uint8Array, firstBit: number, count: number): Uint8Array {
  const pixels = new Uint8Array(count);
  for (let i = 0, bit = firstBit; i < count; i += 1, bit += 1) pixels[i] = (frame[bit >> 3]! >> (bit & 7)) & 1;
  return pixels;
}

/** `Y1 Y2 Cb Cr` becomes `Y1 Cb Cr Y2 Cb Cr`. */
function withChromaRepeated(frame: Uint8Array, count: number): Uint8Array {
  const pixels = new Uint8Array(count);
  for (let from = 0, to = 0; to < count; from += 4, to += 6) {
    pixels[to] = frame[from]!;
    pixels[to + 3] = frame[from + 1]!;
    pixels[to + 1] = pixels[to + 4] = frame[from + 2]!;
    pixels[to + 2] = pixels[to + 5] = frame[from + 3]!;
  }
  return pixels;
}

function swapped(frame: Uint8Array, bitsAllocated: number): Uint8Array {
  const size = bitsAllocated / 8;
  const copy = Buffer.from(frame.subarray(0, frame.length - (frame.length % size)));
  return size === 2 ? copy.swap16() : copy.swap32();
}
