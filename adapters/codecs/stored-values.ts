/** From samples of a code stream to stored values (PS3.3 C.7.6.3.1), as a frame of their own or as voxels. */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { ModalityLut } from '../../src/arrival/study.ts';
import type { FrameTarget, StoredFrame } from '../../src/ports.ts';
import type { Skipped } from '../../src/reasons.ts';
import { type DecodedSamples, decodeFailed, type SampleArray, sampleCount } from './codec.ts';

/**
 * How a sample becomes a stored value: moved left, then right with or without its sign. Native and RLE samples lose
 * the bits outside High Bit and Bits Stored (old overlay planes lie there); other code streams hold nothing but values,
 * and need a sign only where the header has one and the stream has not.
 */
interface BitMove {
  readonly left: number;
  readonly right: number;
  readonly signed: boolean;
}

function bitMoveOf(decoded: DecodedSamples, header: PixelHeader): BitMove {
  const signed = header.pixelRepresentation === 1;
  if (decoded.isRaw) return { left: 31 - header.highBit, right: 32 - header.bitsStored, signed };
  const needsSign = signed && !isSigned(decoded.samples);
  const unused = needsSign ? 32 - header.bitsStored : 0;
  return { left: unused, right: unused, signed: needsSign || isSigned(decoded.samples) };
}

function isSigned(samples: SampleArray): boolean {
  return samples instanceof Int8Array || samples instanceof Int16Array || samples instanceof Int32Array;
}

/** Samples of a pixel together, each in the array type that Bits Allocated and Pixel Representation ask for. */
export function storedFrame(decoded: DecodedSamples, header: PixelHeader): StoredFrame {
  const { rows, columns, samplesPerPixel } = header;
  const pixels = emptyPixels(header);
  const move = bitMoveOf(decoded, header);
  for (const lane of lanes(decoded.planar, header)) copyValues(decoded.samples, lane, move, pixels);
  return { rows, columns, samplesPerPixel, pixels };
}

/** Where the values of one sample of all pixels lie: first index and distance, in the source and in the result. */
interface Lane {
  readonly from: number;
  readonly step: number;
  readonly start: number;
  readonly stride: number;
}

function lanes(planar: boolean, header: PixelHeader): Lane[] {
  const { rows, columns, samplesPerPixel } = header;
  return Array.from({ length: samplesPerPixel }, (_, sample) => ({
    from: planar ? sample * rows * columns : sample,
    step: planar ? 1 : samplesPerPixel,
    start: sample,
    stride: samplesPerPixel,
  }));
}

function copyValues(source: SampleArray, lane: Lane, move: BitMove, pixels: SampleArray): void {
  const { step, stride } = lane;
  const { left, right, signed } = move;
  for (let to = lane.start, at = lane.from; to < pixels.length; to += stride, at += step) {
    const moved = source[at]! << left;
    pixels[to] = signed ? moved >> right : moved >>> right;
  }
}

function emptyPixels(header: PixelHeader): SampleArray {
  const count = sampleCount(header);
  const signed = header.pixelRepresentation === 1;
  if (header.bitsAllocated <= 8) return signed ? new Int8Array(count) : new Uint8Array(count);
  if (header.bitsAllocated === 16) return signed ? new Int16Array(count) : new Uint16Array(count);
  return signed ? new Int32Array(count) : new Uint32Array(count);
}

/**
 * Writes stored values, through the modality LUT where there is one, as INT16.
 * @returns a reason where a value does not fit: nothing is ever wrapped or clipped in silence.
 */
export function writeVoxels(
  decoded: DecodedSamples,
  header: PixelHeader,
  target: FrameTarget,
  lut: ModalityLut | undefined,
): Skipped | undefined {
  const count = sampleCount(header);
  if (target.offset < 0 || target.offset + count > target.voxels.length) return decodeFailed('the volume is too small');
  const voxels = target.voxels.subarray(target.offset, target.offset + count);
  if (isCopy(decoded, header, target, lut)) {
    voxels.set(asInt16(decoded.samples, count));
    return undefined;
  }
  const move = bitMoveOf(decoded, header);
  const writer = { voxels, shift: target.shift, lut };
  const fits = lanes(decoded.planar, header).every((lane) => copyVoxels(decoded.samples, lane, move, writer));
  return fits ? undefined : decodeFailed('a value does not fit INT16');
}

interface VoxelWriter {
  readonly voxels: Int16Array;
  readonly shift: number;
  readonly lut: ModalityLut | undefined;
}

/** Full-range signed 16-bit samples are voxels already. */
function isCopy(decoded: DecodedSamples, header: PixelHeader, target: FrameTarget, lut?: ModalityLut): boolean {
  const isFullRange = header.bitsAllocated === 16 && header.bitsStored === 16 && header.pixelRepresentation === 1;
  return (
    isFullRange && target.shift === 0 && lut === undefined && !decoded.planar && decoded.samples.BYTES_PER_ELEMENT === 2
  );
}

function asInt16(samples: SampleArray, count: number): Int16Array {
  return new Int16Array(samples.buffer, samples.byteOffset, count);
}

/** @returns false at the first value that does not fit. */
function copyVoxels(source: SampleArray, lane: Lane, move: BitMove, writer: VoxelWriter): boolean {
  const { step, stride } = lane;
  const { left, right, signed } = move;
  const { voxels, shift, lut } = writer;
  for (let to = lane.start, at = lane.from; to < voxels.length; to += stride, at += step) {
    const moved = source[at]! << left;
    const stored = signed ? moved >> right : moved >>> right;
    const value = (lut === undefined ? stored : mapped(lut, stored)) + shift;
    if (value > 0x7fff || value < -0x8000) return false;
    voxels[to] = value;
  }
  return true;
}

/** Stored values outside the table take its first or last entry (PS3.3 C.11.1.1.1). */
function mapped(lut: ModalityLut, stored: number): number {
  const index = Math.min(Math.max(stored - lut.firstMapped, 0), lut.values.length - 1);
  return lut.values[index]!;
}
