/** From samples of a code stream to stored values (PS3.3 C.7.6.3.1), as a frame of their own or as voxels. */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { ModalityLut } from '../../src/arrival/study.ts';
import type { FrameTarget, StoredFrame } from '../../src/ports.ts';
import type { Skipped } from '../../src/reasons.ts';
import { type DecodedSamples, decodeFailed, emptySamples, type SampleArray, sampleCount } from './codec.ts';
import { masked16 } from './mask.ts';

/** Samples of a pixel together, each in the array type that Bits Allocated and Pixel Representation ask for. */
export function storedFrame(decoded: DecodedSamples, header: PixelHeader): StoredFrame {
  const { rows, columns, samplesPerPixel } = header;
  const samples = decoded.planar ? interleaved(decoded.samples, header) : decoded.samples;
  const pixels = emptySamples(header);
  const bits = bitsOf(decoded, header);
  if (bits === undefined) pixels.set(samples.subarray(0, pixels.length));
  else copyBits(samples, bits, pixels);
  return { rows, columns, samplesPerPixel, pixels };
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
  const end = target.offset + count;
  if (target.offset < 0 || end > target.voxels.length) return decodeFailed('the volume is too small');
  const voxels = target.voxels.subarray(target.offset, end);
  const samples = decoded.planar ? interleaved(decoded.samples, header) : decoded.samples;
  const bits = bitsOf(decoded, header);
  if (lut === undefined && writePairs(samples, bits, target.shift, voxels)) return undefined;
  const writer = { voxels, shift: target.shift };
  const fits =
    lut === undefined
      ? writeValues(samples, bits ?? ALL_BITS, writer)
      : writeMapped(samples, bits ?? ALL_BITS, lut, writer);
  return fits ? undefined : decodeFailed('a value does not fit INT16');
}

/** How a sample becomes a stored value: `(((sample >> down) & mask) ^ sign) - sign`. */
interface Bits {
  readonly down: number;
  readonly mask: number;
  /** The highest bit stored where values are signed, else 0. */
  readonly sign: number;
}

/** Right for every sample of 16 bits or less that is a stored value already. */
const ALL_BITS: Bits = { down: 0, mask: -1, sign: 0 };

/**
 * Native and RLE samples lose the bits outside High Bit and Bits Stored, where old overlay planes lie. Other code streams
 * hold nothing but values, and need a sign only where the header has one and the stream has not.
 * Undefined: the samples are the stored values.
 */
function bitsOf(decoded: DecodedSamples, header: PixelHeader): Bits | undefined {
  const { bitsStored, bitsAllocated, highBit } = header;
  const signed = header.pixelRepresentation === 1;
  const isKept = decoded.isRaw ? bitsStored === bitsAllocated : !signed || isSigned(decoded.samples);
  if (isKept) return undefined;
  return {
    down: decoded.isRaw ? highBit + 1 - bitsStored : 0,
    mask: bitsStored === 32 ? -1 : (1 << bitsStored) - 1,
    sign: signed ? 1 << (bitsStored - 1) : 0,
  };
}

function isSigned(samples: SampleArray): boolean {
  return samples instanceof Int8Array || samples instanceof Int16Array || samples instanceof Int32Array;
}

/** Plane after plane becomes pixel after pixel. */
function interleaved(planes: SampleArray, header: PixelHeader): SampleArray {
  const { samplesPerPixel } = header;
  const plane = header.rows * header.columns;
  const pixels = planes.slice(0, plane * samplesPerPixel);
  for (let sample = 0; sample < samplesPerPixel; sample += 1) {
    for (let i = 0; i < plane; i += 1) pixels[i * samplesPerPixel + sample] = planes[sample * plane + i]!;
  }
  return pixels;
}

function copyBits(samples: SampleArray, { down, mask, sign }: Bits, pixels: SampleArray): void {
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = (((samples[i]! >> down) & mask) ^ sign) - sign;
}

/**
 * The common case at the speed of a copy: 16-bit samples that fit whatever their value.
 * @returns false where this is not that case.
 */
function writePairs(samples: SampleArray, bits: Bits | undefined, shift: number, voxels: Int16Array): boolean {
  if (samples.BYTES_PER_ELEMENT !== 2 || (bits !== undefined && (bits.down !== 0 || bits.sign !== 0))) return false;
  const mask = bits === undefined ? 0xffff : bits.mask;
  const isCopy = bits === undefined && shift === 0 && samples instanceof Int16Array;
  const fits = isCopy || (shift === 0 && mask <= 0x7fff) || (shift !== 0 && samples instanceof Uint16Array);
  if (!fits) return false;
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, voxels.byteLength);
  // Minus 32768 turns over the highest of 16 bits.
  voxels.set(isCopy ? aligned(bytes) : masked16(bytes, mask, shift === 0 ? 0 : 0x8000));
  return true;
}

/** What V8 copies to shared memory at once; from an odd address it goes by single bytes, at three times the time. */
const WORD = 8;
let scratch = new Uint8Array(0);

/** The samples at an address that is a multiple of a word: pixel data may start at any even byte of a file. */
function aligned({ buffer, byteOffset, byteLength }: Uint8Array): Int16Array {
  if (byteOffset % WORD === 0) return new Int16Array(buffer, byteOffset, byteLength / 2);
  if (scratch.length < byteLength) scratch = new Uint8Array(byteLength);
  scratch.set(new Uint8Array(buffer, byteOffset, byteLength));
  return new Int16Array(scratch.buffer, 0, byteLength / 2);
}

interface VoxelWriter {
  readonly voxels: Int16Array;
  readonly shift: number;
}

/** @returns false where a value does not fit. */
function writeValues(samples: SampleArray, { down, mask, sign }: Bits, { voxels, shift }: VoxelWriter): boolean {
  if (samples.BYTES_PER_ELEMENT === 4 && mask === -1) return writeWide(samples, { voxels, shift });
  let outside = 0;
  for (let i = 0; i < voxels.length; i += 1) {
    const value = (((samples[i]! >> down) & mask) ^ sign) - sign + shift;
    outside |= (value + 0x8000) & ~0xffff;
    voxels[i] = value;
  }
  return outside === 0;
}

/** Values of 32 bits stored, which bit operations would wrap. */
function writeWide(samples: SampleArray, { voxels, shift }: VoxelWriter): boolean {
  for (let i = 0; i < voxels.length; i += 1) {
    const value = samples[i]! + shift;
    if (value < -0x8000 || value > 0x7fff) return false;
    voxels[i] = value;
  }
  return true;
}

/** Stored values outside the table take its first or last entry (PS3.3 C.11.1.1.1). */
function writeMapped(samples: SampleArray, bits: Bits, lut: ModalityLut, { voxels, shift }: VoxelWriter): boolean {
  const { down, mask, sign } = bits;
  const last = lut.values.length - 1;
  let outside = 0;
  for (let i = 0; i < voxels.length; i += 1) {
    const stored = (((samples[i]! >> down) & mask) ^ sign) - sign;
    const value = lut.values[Math.min(Math.max(stored - lut.firstMapped, 0), last)]! + shift;
    outside |= (value + 0x8000) & ~0xffff;
    voxels[i] = value;
  }
  return outside === 0;
}
