/** JPEG 2000 (ITU-T T.800) by OpenJPEG; the multiple component transform of YBR_RCT and YBR_ICT is undone. */
import createOpenJpeg from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { isJpeg2000CutShort, jpeg2000CodeStream, mismatch, readJpeg2000Head } from './code-stream.ts';
import { type Codec, decodeFailed } from './codec.ts';
import { silent, WasmRunner } from './wasm-codec.ts';

export async function createCodec(): Promise<Codec> {
  const openJpeg = await createOpenJpeg(silent());
  const runner = new WasmRunner(() => new openJpeg.J2KDecoder());
  return (frame, header) => {
    const stream = jpeg2000CodeStream(frame);
    if (stream === undefined) return decodeFailed('not a JPEG 2000 code stream');
    if (isJpeg2000CutShort(stream)) return decodeFailed('the code stream ends early');
    return mismatch(readJpeg2000Head(stream), header) ?? runner.run(stream, header);
  };
}
