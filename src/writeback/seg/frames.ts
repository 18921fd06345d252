/** Which planes of which segments become frames of a SEG, and their pixels, one bit each. */
import type { MaskSource } from '../../assembly/image-plane.ts';
import type { Segment, Segmentation } from '../../assembly/segmentation.ts';

/** Of a volume or of one image. */
export type WrittenSegmentation = Segmentation<MaskSource>;

export interface SegmentFrame {
  readonly segment: Segment;
  /** Index of the slice, ascending along the normal. */
  readonly slice: number;
}

/**
 * Frames by segment, then along the normal. Planes without a voxel are left out (PS3.3 C.8.20.2); a segment without any
 * voxel keeps its first plane, so that every segment has a frame.
 */
export function framesOf(segmentation: WrittenSegmentation): readonly SegmentFrame[] {
  const { source, segments } = segmentation;
  return segments.flatMap((segment) => {
    const frames: SegmentFrame[] = [];
    for (let slice = 0; slice < source.shape[0]; slice += 1)
      if (hasVoxels(maskOf(segmentation, segment, slice))) frames.push({ segment, slice });
    return frames.length > 0 ? frames : [{ segment, slice: 0 }];
  });
}

/**
 * Pixel Data of the frames (PS3.5 8.1.1): bits run on across the borders of frames, the least significant bit first,
 * padded with zeros to an even length.
 */
export function packFrames(segmentation: WrittenSegmentation, frames: readonly SegmentFrame[]): Uint8Array {
  const [, rows, columns] = segmentation.source.shape;
  const bitsPerFrame = rows * columns;
  const byteLength = Math.ceil((frames.length * bitsPerFrame) / 8);
  const packed = new Uint8Array(byteLength + (byteLength % 2));
  frames.forEach(({ segment, slice }, index) => {
    const mask = maskOf(segmentation, segment, slice);
    const firstBit = index * bitsPerFrame;
    if (bitsPerFrame % 8 === 0) packed.set(mask, firstBit / 8);
    else appendBits(packed, firstBit, mask, bitsPerFrame);
  });
  return packed;
}

/** Bits of one plane, starting on a byte; a view. */
function maskOf({ bytesPerSlice }: WrittenSegmentation, segment: Segment, slice: number): Uint8Array {
  return segment.bits.subarray(slice * bytesPerSlice, (slice + 1) * bytesPerSlice);
}

function hasVoxels(mask: Uint8Array): boolean {
  for (let i = 0; i < mask.length; i += 1) if (mask[i] !== 0) return true;
  return false;
}

/** Writes the first `count` bits of `mask` from bit `firstBit` on, into bytes that are still zero there. */
function appendBits(packed: Uint8Array, firstBit: number, mask: Uint8Array, count: number): void {
  const shift = firstBit & 7;
  let target = firstBit >> 3;
  for (let i = 0; i < mask.length; i += 1, target += 1) {
    // What lies after the last pixel of the plane belongs to the next frame.
    const left = count - i * 8;
    const byte = left < 8 ? mask[i]! & ((1 << left) - 1) : mask[i]!;
    packed[target] = packed[target]! | (byte << shift);
    if (shift > 0 && left > 8 - shift) packed[target + 1] = byte >> (8 - shift);
  }
}
