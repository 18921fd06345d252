/** Where each frame lies in the pixel data element (PS3.5 section 8 and Annex A.4). Views of the input wherever possible. */
import { nativeFrameBits } from '../../src/arrival/pixel-header.ts';
import type { ImageHeader } from '../../src/arrival/study.ts';
import { pixelEncodingOf } from '../../src/arrival/transfer-syntax.ts';
import { isSkipped, reason, type Skipped } from '../../src/reasons.ts';
import { type Element, type ElementSet, type Extent, PIXEL_DATA } from './elements.ts';

const EXTENDED_OFFSET_TABLE = 0x7fe00001;
/** No lossless frame of an image that anybody needs is compressed further than this. */
const HIGHEST_RATIO = 100_000;

/** Encoded frames, one per frame of the header, or why they do not fit the header. */
export function locateFrames(
  bytes: Uint8Array,
  set: ElementSet,
  header: ImageHeader,
  transferSyntaxUid: string,
): readonly Uint8Array[] | Skipped {
  const pixelData = set.elements.get(PIXEL_DATA)!;
  const isNative = pixelEncodingOf(transferSyntaxUid) === 'native';
  if (isNative !== (pixelData.fragments === undefined)) {
    return { skipped: reason('data-set-invalid', 'pixel data is not encoded as the transfer syntax says') };
  }
  return isNative ? nativeFrames(bytes, pixelData, header, set.littleEndian) : encapsulatedFrames(bytes, set, header);
}

function nativeFrames(
  bytes: Uint8Array,
  pixelData: Element,
  header: ImageHeader,
  littleEndian: boolean,
): readonly Uint8Array[] | Skipped {
  const frameBits = nativeFrameBits(header);
  const needed = Math.ceil((frameBits * header.numberOfFrames) / 8);
  if (pixelData.length < needed) {
    return {
      skipped: reason('header-implausible', `${needed} bytes of pixel data announced, ${pixelData.length} there`),
    };
  }
  const value = bytes.subarray(pixelData.offset, pixelData.offset + pixelData.length);
  const isSwapped = !littleEndian && pixelData.vr === 'OW' && header.bitsAllocated <= 8;
  const source = isSwapped ? swappedBytes(value) : value;
  return Array.from({ length: header.numberOfFrames }, (_, i) =>
    // Frames of single bits follow each other without a gap: the first and last byte may be shared.
    source.subarray(Math.floor((i * frameBits) / 8), Math.ceil(((i + 1) * frameBits) / 8)),
  );
}

/** Bytes that were written as words of a big endian data set, in their own order. */
function swappedBytes(value: Uint8Array): Uint8Array {
  return Buffer.from(value.subarray(0, value.length - (value.length % 2))).swap16();
}

function encapsulatedFrames(bytes: Uint8Array, set: ElementSet, header: ImageHeader): readonly Uint8Array[] | Skipped {
  const [offsetTable, ...fragments] = set.elements.get(PIXEL_DATA)!.fragments!;
  const groups = frameGroups(bytes, set, offsetTable, fragments, header.numberOfFrames);
  if (isSkipped(groups)) return groups;
  const frames = groups.map((group) => joined(bytes, group));
  const decoded = Math.ceil((header.rows * header.columns * header.samplesPerPixel * header.bitsAllocated) / 8);
  const smallest = Math.min(...sample(frames).map((frame) => frame.length));
  if (decoded > smallest * HIGHEST_RATIO) {
    return { skipped: reason('header-implausible', `a frame of ${decoded} bytes announced, ${smallest} bytes there`) };
  }
  return frames;
}

/** The first frames: enough to see that header and pixel data belong together. */
function sample(frames: readonly Uint8Array[]): readonly Uint8Array[] {
  return frames.slice(0, 16);
}

/** Fragments by frame, by the best evidence there is. */
function frameGroups(
  bytes: Uint8Array,
  set: ElementSet,
  offsetTable: Extent | undefined,
  fragments: readonly Extent[],
  numberOfFrames: number,
): readonly (readonly Extent[])[] | Skipped {
  if (fragments.length < numberOfFrames) {
    return {
      skipped: reason('header-implausible', `${numberOfFrames} frames announced, ${fragments.length} fragments there`),
    };
  }
  if (numberOfFrames === 1) return [fragments];
  if (fragments.length === numberOfFrames) return fragments.map((fragment) => [fragment]);
  const offsets = extendedOffsets(bytes, set) ?? basicOffsets(bytes, offsetTable);
  const starts = startsByOffset(fragments, offsets, numberOfFrames) ?? startsByMarker(bytes, fragments, numberOfFrames);
  if (starts === undefined) return { skipped: reason('data-set-invalid', 'fragments cannot be told apart by frame') };
  return starts.map((start, i) => fragments.slice(start, starts[i + 1] ?? fragments.length));
}

/** Index of each frame's first fragment by the offset table; undefined where the table does not fit the fragments. */
function startsByOffset(
  fragments: readonly Extent[],
  offsets: readonly number[],
  numberOfFrames: number,
): number[] | undefined {
  if (offsets.length !== numberOfFrames || offsets[0] !== 0) return undefined;
  const base = fragments[0]!.offset;
  const byOffset = new Map(fragments.map((fragment, i) => [fragment.offset - base, i]));
  const starts = offsets.map((offset) => byOffset.get(offset));
  const ascends = starts.every((start, i) => start !== undefined && (i === 0 || start > starts[i - 1]!));
  return ascends ? (starts as number[]) : undefined;
}

/** Index of each frame's first fragment by the marker that every JPEG or JPEG 2000 code stream starts with. */
function startsByMarker(bytes: Uint8Array, fragments: readonly Extent[], numberOfFrames: number): number[] | undefined {
  const starts = fragments.flatMap((fragment, i) => (isCodeStreamStart(bytes, fragment.offset) ? [i] : []));
  return starts.length === numberOfFrames && starts[0] === 0 ? starts : undefined;
}

/** SOI of JPEG and JPEG-LS before another marker, SOC and SIZ of JPEG 2000. */
function isCodeStreamStart(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0xff) return false;
  return (bytes[at + 1] === 0xd8 && bytes[at + 2] === 0xff) || (bytes[at + 1] === 0x4f && bytes[at + 2] === 0xff);
}

function basicOffsets(bytes: Uint8Array, offsetTable: Extent | undefined): number[] {
  if (offsetTable === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset + offsetTable.offset, offsetTable.length);
  return Array.from({ length: offsetTable.length >> 2 }, (_, i) => view.getUint32(i * 4, true));
}

/** Extended Offset Table (7FE0,0001). */
function extendedOffsets(bytes: Uint8Array, set: ElementSet): number[] | undefined {
  const table = set.elements.get(EXTENDED_OFFSET_TABLE);
  if (table === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + table.offset, table.length);
  return Array.from({ length: table.length >> 3 }, (_, i) => Number(view.getBigUint64(i * 8, true)));
}

function joined(bytes: Uint8Array, fragments: readonly Extent[]): Uint8Array {
  const views = fragments.map((fragment) => bytes.subarray(fragment.offset, fragment.offset + fragment.length));
  return views.length === 1 ? views[0]! : Buffer.concat(views);
}
