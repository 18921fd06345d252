/** JPEG-LS (ITU-T T.87), lossless and near-lossless, by CharLS. */
import createCharls from '@cornerstonejs/codec-charls/decodewasmjs';
import { endsWithEoi, mismatch, readJpegHead } from './code-stream.ts';
import { type Codec, decodeFailed } from './codec.ts';
import { silent, WasmRunner } from './wasm-codec.ts';

export async function createCodec(): Promise<Codec> {
  const charls = await createCharls(silent());
  const runner = new WasmRunner(() => new charls.JpegLSDecoder());
  return (frame, header) => {
    const refusal = mismatch(readJpegHead(frame), header);
    if (refusal !== undefined) return refusal;
    // Without the marker CharLS searches for it in what is not there, for seconds.
    if (!endsWithEoi(frame)) return decodeFailed('the code stream ends early');
    return runner.run(frame, header, (decoder) => header.samplesPerPixel > 1 && decoder.getInterleaveMode() === 0);
  };
}
