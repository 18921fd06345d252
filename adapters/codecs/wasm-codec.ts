import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { Skipped } from '../../src/reasons.ts';
import { asSamples, type DecodedSamples, decodeFailed, sampleCount } from './codec.ts';

/** The codecs print a line per frame and per fault; what matters of that comes back as a reason. */
export function silent(): WasmOptions {
  return { print: () => {}, printErr: () => {} };
}

/**
 * Runs one decoder of a WebAssembly module at a time. The decoder lives on until the next frame, so that its output can
 * be read in place. A trap passes through: the module is then in an unknown state and must not be used again.
 */
export class WasmRunner<D extends WasmDecoder> {
  readonly #create: () => D;
  #current: D | undefined;

  constructor(create: () => D) {
    this.#create = create;
  }

  run(
    stream: Uint8Array,
    header: PixelHeader,
    isPlanar: (decoder: D) => boolean = () => false,
  ): DecodedSamples | Skipped {
    this.#current?.delete();
    const decoder = this.#create();
    this.#current = decoder;
    try {
      decoder.getEncodedBuffer(stream.length).set(stream);
      decoder.decode();
    } catch (error) {
      if (typeof error === 'number') return decodeFailed('the codec refuses the code stream');
      throw error;
    }
    return this.#result(decoder, header, isPlanar(decoder));
  }

  #result(decoder: D, header: PixelHeader, planar: boolean): DecodedSamples | Skipped {
    const info = decoder.getFrameInfo();
    const bytes = decoder.getDecodedBuffer();
    const bits = info.bitsPerSample > 8 ? 16 : 8;
    if (bytes.length !== sampleCount(header) * (bits / 8)) return decodeFailed('the codec gave another image size');
    return { samples: asSamples(bytes, bits, info.isSigned === true), planar, isRaw: false };
  }
}
