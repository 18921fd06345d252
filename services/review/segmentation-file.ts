/**
 * Masks out of a binary DICOM SEG (PS3.3 A.51), by slice. The page draws its outlines from the object that went to the
 * archive, so a reader sees what was stored and not what the process remembers.
 */
import { type DicomDataSet, itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { InstanceReader } from '../../src/ports.ts';
import { explain, isSkipped } from '../../src/reasons.ts';
import { type Contour, contoursOf } from './contours.ts';

export interface SegmentOutline {
  readonly segmentNumber: number;
  readonly contours: readonly Contour[];
}

export interface SegmentationFile {
  /** Outlines of every segment that has voxels on the slice. */
  outlines(sopInstanceUid: string, frameNumber: number): readonly SegmentOutline[];
}

interface MaskFrame {
  readonly segmentNumber: number;
  readonly bytes: Uint8Array;
  /** Where the frame starts in its first byte: frames follow each other without padding (PS3.5 8.1.1). */
  readonly firstBit: number;
}

/**
 * @param bytes Part 10, native pixel data
 * @throws WetreadError `part10-invalid`
 */
export function segmentationFile(reader: InstanceReader, bytes: Uint8Array): SegmentationFile {
  const instance = reader.read(bytes);
  if (isSkipped(instance)) throw new WetreadError('part10-invalid', explain(instance.skipped));
  const { rows, columns } = instance.header;
  const frames = framesBySlice(instance.dataSet, instance.frames, rows * columns);
  return {
    outlines: (sopInstanceUid, frameNumber) =>
      (frames.get(sliceKey(sopInstanceUid, frameNumber)) ?? [])
        .map(({ segmentNumber, bytes: mask, firstBit }) => ({
          segmentNumber,
          contours: contoursOf(rows, columns, (row, column) => bitAt(mask, firstBit + row * columns + column)),
        }))
        // a segment that is nowhere has a frame all the same
        .filter(({ contours }) => contours.length > 0),
  };
}

function sliceKey(sopInstanceUid: string, frameNumber: number): string {
  return `${sopInstanceUid}/${frameNumber}`;
}

function bitAt(bytes: Uint8Array, index: number): boolean {
  return ((bytes[index >> 3]! >> (index & 7)) & 1) === 1;
}

/** Per-frame Functional Groups (5200,9230): the segment of each frame and the image that it was derived from. */
function framesBySlice(
  dataSet: DicomDataSet,
  frames: readonly Uint8Array[],
  frameBits: number,
): Map<string, MaskFrame[]> {
  const bySlice = new Map<string, MaskFrame[]>();
  for (const [index, groups] of itemsOf(dataSet, '52009230').entries()) {
    const segmentNumber = numberOf(item(groups, '0062000A'), '0062000B');
    const source = item(item(groups, '00089124'), '00082112');
    const sopInstanceUid = stringOf(source, '00081155');
    const bytes = frames[index];
    if (bytes === undefined || sopInstanceUid === undefined || segmentNumber === undefined) continue;
    const key = sliceKey(sopInstanceUid, numberOf(source, '00081160') ?? 1);
    const frame = { segmentNumber, bytes, firstBit: (index * frameBits) % 8 };
    bySlice.set(key, [...(bySlice.get(key) ?? []), frame]);
  }
  return bySlice;
}

/** The first item of a sequence, empty where there is none. */
function item(dataSet: DicomDataSet, tag: string): DicomDataSet {
  return itemsOf(dataSet, tag)[0] ?? {};
}
