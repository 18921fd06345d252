/** High-Throughput JPEG 2000 (ITU-T T.814) by OpenJPH. */
import createOpenJph from '@cornerstonejs/codec-openjph/wasmjs';
import { isJpeg2000CutShort, jpeg2000CodeStream, mismatch, readJpeg2000Head } from './code-stream.ts';
import { type Codec, decodeFailed } from './codec.ts';
import { silent, WasmRunner } from './wasm-codec.ts';

export async function createCodec(): Promise<Codec> {
  const openJph = await createOpenJph(silent());
  const runner = new WasmRunner(() => new openJph.HTJ2KDecoder());
  return (frame, header) => {
    const stream = jpeg2000CodeStream(frame);
    if (stream === undefined) return decodeFailed('not an HTJ2K code stream');
    if (isJpeg2000CutShort(stream)) return decodeFailed('the code stream ends early');
    return mismatch(readJpeg2000Head(stream), header) ?? runner.run(stream, header);
  };
}
