/** What every codec file offers. A codec knows its code stream; it knows nothing of files, workers or volumes. */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import { reason, type Skipped } from '../../src/reasons.ts';

export type SampleArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

/** Samples as the code stream holds them. */
export interface DecodedSamples {
  /** May be a view of the codec's memory: valid until it decodes again. */
  readonly samples: SampleArray;
  /** One plane of samples after the other, instead of the samples of a pixel together. */
  readonly planar: boolean;
  /** Every bit allocated is kept, overlay planes included, as in native pixel data. */
  readonly isRaw: boolean;
}

export type Codec = (frame: Uint8Array, header: PixelHeader) => DecodedSamples | Skipped;

export function decodeFailed(detail: string): Skipped {
  return { skipped: reason('decode-failed', detail) };
}

export function sampleCount(header: PixelHeader): number {
  return header.rows * header.columns * header.samplesPerPixel;
}

/** Bytes of one decoded frame; single bits are decoded to bytes. */
export function decodedBytes(header: PixelHeader): number {
  return sampleCount(header) * Math.ceil(header.bitsAllocated / 8);
}

/** Little endian samples in the array type that fits; copied only where they are not aligned. */
export function asSamples(bytes: Uint8Array, bitsAllocated: number, signed: boolean): SampleArray {
  const size = Math.ceil(bitsAllocated / 8);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const length = Math.floor(bytes.length / size);
  const { buffer, byteOffset } = aligned;
  if (size === 1)
    return signed ? new Int8Array(buffer, byteOffset, length) : new Uint8Array(buffer, byteOffset, length);
  if (size === 2)
    return signed ? new Int16Array(buffer, byteOffset, length) : new Uint16Array(buffer, byteOffset, length);
  return signed ? new Int32Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length);
}

/** An array for one decoded frame, of the type that Bits Allocated and Pixel Representation ask for. */
export function emptySamples(header: PixelHeader): SampleArray {
  return asSamples(new Uint8Array(decodedBytes(header)), header.bitsAllocated, header.pixelRepresentation === 1);
}
