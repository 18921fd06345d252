/** JPEG-LS (ITU-T T.87), lossless and near-lossless, by CharLS. */
import createCharls from '@cornerstonejs/codec-charls/decodewasmjs';
import { mismatch, readJpegHead } from './code-stream.ts';
import type { Codec } from './codec.ts';
import { silent, WasmRunner } from './wasm-codec.ts';

export async function createCodec(): Promise<Codec> {
  const charls = await createCharls(silent());
  const runner = new WasmRunner(() => new charls.JpegLSDecoder());
  return (frame, header) =>
    mismatch(readJpegHead(frame), header) ??
    runner.run(frame, header, (decoder) => header.samplesPerPixel > 1 && decoder.getInterleaveMode() === 0);
}
