/** JPEG baseline and extended (ITU-T T.81 processes 1, 2 and 4): 8 bits by libjpeg-turbo, 12 bits by our own decoder. */
import createLibJpegTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import { jpegSegments, mismatch, readJpegHead } from './code-stream.ts';
import type { Codec } from './codec.ts';
import { decodeTwelveBit } from './jpeg-twelve-bit.ts';
import { silent, WasmRunner } from './wasm-codec.ts';

export async function createCodec(): Promise<Codec> {
  const turbo = await createLibJpegTurbo(silent());
  const runner = new WasmRunner(() => new turbo.JPEGDecoder());
  return (frame, header) => {
    const head = readJpegHead(frame);
    const refusal = mismatch(head, header);
    if (refusal !== undefined) return refusal;
    if (head!.bitsPerSample > 8) return decodeTwelveBit(frame, header);
    return runner.run(header.samplesPerPixel === 3 ? withoutColorTransform(frame) : frame, header);
  };
}

const APP0 = 0xe0;
const APP14 = 0xee;
/** Adobe segment that says "no transform" (T.872 6.5.3). */
const UNTRANSFORMED = [0xff, APP14, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];

/**
 * The same stream, marked so that the codec leaves the components as they are: in DICOM the Photometric Interpretation
 * says what they mean (PS3.5 8.2.1), and JFIF and Adobe segments must not overrule it.
 */
function withoutColorTransform(frame: Uint8Array): Uint8Array {
  const parts = [frame.subarray(0, 2), Uint8Array.from(UNTRANSFORMED)];
  let end = 2;
  for (const segment of jpegSegments(frame)) {
    end = segment.offset + segment.length;
    const isColorMark = segment.marker === APP0 || segment.marker === APP14;
    if (!isColorMark) parts.push(frame.subarray(segment.offset - 4, end));
  }
  return Buffer.concat([...parts, frame.subarray(end)]);
}
