/** RLE Lossless (PS3.5 Annex G): every byte of every sample is a segment of its own, the highest byte first. */
import type { Skipped } from '../../src/reasons.ts';
import { asSamples, type Codec, decodedBytes, decodeFailed } from './codec.ts';

const HEADER_LENGTH = 64;

export function createCodec(): Promise<Codec> {
  return Promise.resolve((frame, header) => {
    const bytesPerSample = header.bitsAllocated / 8;
    const segments = segmentsOf(frame, header.samplesPerPixel * bytesPerSample);
    if ('skipped' in segments) return segments;
    const interleaved = new Uint8Array(decodedBytes(header));
    const stride = header.samplesPerPixel * bytesPerSample;
    for (const [i, segment] of segments.entries()) {
      const sample = Math.floor(i / bytesPerSample);
      const byte = bytesPerSample - 1 - (i % bytesPerSample);
      const isComplete = unpack(segment, interleaved, sample * bytesPerSample + byte, stride);
      if (!isComplete) return decodeFailed(`segment ${i + 1} ends early`);
    }
    const samples = asSamples(interleaved, header.bitsAllocated, header.pixelRepresentation === 1);
    return { samples, planar: false, isRaw: true };
  });
}

/** Segments by the offsets of the RLE header (PS3.5 G.5). */
function segmentsOf(frame: Uint8Array, expected: number): Uint8Array[] | Skipped {
  if (frame.length < HEADER_LENGTH) return decodeFailed('no RLE header');
  const view = new DataView(frame.buffer, frame.byteOffset, HEADER_LENGTH);
  const count = view.getUint32(0, true);
  if (count !== expected) return decodeFailed(`${count} segments, ${expected} expected`);
  const offsets = Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i, true));
  const ascends = offsets.every((offset, i) => offset >= (offsets[i - 1] ?? HEADER_LENGTH) && offset <= frame.length);
  if (!ascends) return decodeFailed('segment offsets out of order');
  return offsets.map((offset, i) => frame.subarray(offset, offsets[i + 1]));
}

/** PackBits into every `stride`-th byte from `start`; false where the segment is too short. */
function unpack(segment: Uint8Array, target: Uint8Array, start: number, stride: number): boolean {
  let to = start;
  let from = 0;
  while (to < target.length) {
    const control = segment[from];
    if (control === undefined) return false;
    from += 1;
    if (control === 128) continue;
    const isRun = control > 128;
    const length = isRun ? 257 - control : control + 1;
    if (from + (isRun ? 1 : length) > segment.length) return false;
    for (let i = 0; i < length && to < target.length; i += 1, to += stride)
      target[to] = segment[isRun ? from : from + i]!;
    from += isRun ? 1 : length;
  }
  return true;
}
