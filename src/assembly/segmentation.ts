/** Binary masks over the slices of a volume, or over one image, one bit a voxel: what SEG, measurements and the page share. */
import type { Code } from '../codes.ts';
import type { MaskSource } from './image-plane.ts';
import type { Volume } from './volume.ts';

export interface Segment {
  /** From 1, no gaps (PS3.3 C.8.20.2, Segment Number). */
  readonly number: number;
  /** Stable key that findings refer to, such as `lung-right`. */
  readonly key: string;
  readonly label: string;
  /** Segmented Property Category, PS3.16 CID 7150. */
  readonly category: Code;
  /** Segmented Property Type, PS3.16 CID 7151. */
  readonly type: Code;
  readonly laterality?: Code;
  /** Recommended display colour, sRGB 0-255. */
  readonly color: readonly [number, number, number];
  /** `slices × bytesPerSlice`; within a slice row-major, least significant bit first (PS3.5 section 8.1.1). */
  readonly bits: Uint8Array;
}

/** @typeParam Source what the masks lie on */
export interface Segmentation<Source extends MaskSource = Volume> {
  readonly source: Source;
  /** `ceil(rows × columns / 8)`: every slice starts on a byte. */
  readonly bytesPerSlice: number;
  readonly segments: readonly Segment[];
}
