/** Decodes frames (PS3.5 Annex A): native ones at once, compressed ones in worker threads. */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import { describeTransferSyntax, pixelEncodingOf } from '../../src/arrival/transfer-syntax.ts';
import type { EncodedInstance, FrameDecoder, FrameTarget, StoredFrame } from '../../src/ports.ts';
import { isSkipped, reason, type Skipped } from '../../src/reasons.ts';
import { decodedBytes, decodeFailed } from './codec.ts';
import { type DecodeResult, deliver, type VoxelSink } from './decode-job.ts';
import { DecodePool, type PoolLimits } from './decode-pool.ts';
import { decodeNative } from './native.ts';

export interface DecoderLimits extends PoolLimits {
  /** Largest decoded frame, in bytes. */
  readonly frameBytes: number;
}

const DEFAULT_LIMITS: DecoderLimits = {
  workers: 2,
  timeLimitMs: 30_000,
  waitingLimit: 4096,
  frameBytes: 512 * 1024 * 1024,
};

/**
 * Samples come in the colour space that Photometric Interpretation names, with two exceptions: `YBR_RCT` and `YBR_ICT`
 * come as RGB, because JPEG 2000 undoes them, and shared chroma (`…_422`, `…_420`) is repeated for every pixel.
 */
export class ThreadedFrameDecoder implements FrameDecoder, AsyncDisposable {
  readonly #limits: DecoderLimits;
  readonly #pool: DecodePool;

  constructor(limits: Partial<DecoderLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#pool = new DecodePool(this.#limits);
  }

  async decode(instance: EncodedInstance, frameIndex: number, signal: AbortSignal): Promise<StoredFrame | Skipped> {
    const result = await this.#run(instance, frameIndex, undefined, signal);
    return result ?? decodeFailed('no frame came back');
  }

  async decodeInto(
    instance: EncodedInstance,
    frameIndex: number,
    target: FrameTarget,
    signal: AbortSignal,
  ): Promise<Skipped | undefined> {
    const sink = { target, modalityLut: instance.header.modalityLut };
    const result = await this.#run(instance, frameIndex, sink, signal);
    return isSkipped(result) ? result : undefined;
  }

  /** Ends the workers; frames that wait are rejected. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(
    instance: EncodedInstance,
    frameIndex: number,
    sink: VoxelSink | undefined,
    signal: AbortSignal,
  ): Promise<DecodeResult> {
    signal.throwIfAborted();
    const { transferSyntaxUid } = instance;
    const frame = instance.frames[frameIndex];
    if (frame === undefined) return decodeFailed(`frame ${frameIndex + 1} of ${instance.frames.length}`);
    const compression = pixelEncodingOf(transferSyntaxUid);
    if (compression === 'unsupported') {
      return { skipped: reason('transfer-syntax-unsupported', describeTransferSyntax(transferSyntaxUid)) };
    }
    const header = pixelHeaderOf(instance);
    if (decodedBytes(header) > this.#limits.frameBytes) {
      return { skipped: reason('decode-limit', `${decodedBytes(header)} bytes in one frame`) };
    }
    if (compression !== 'native') return this.#pool.run({ compression, frame, header, sink }, signal);
    const decoded = decodeNative(frame, header, frameIndex, transferSyntaxUid);
    return isSkipped(decoded) ? decoded : deliver(decoded, header, sink);
  }
}

/** What a codec needs of the header, and no more: it is copied to a worker with every frame. */
function pixelHeaderOf(instance: EncodedInstance): PixelHeader {
  const { header } = instance;
  return {
    rows: header.rows,
    columns: header.columns,
    numberOfFrames: header.numberOfFrames,
    samplesPerPixel: header.samplesPerPixel,
    photometricInterpretation: header.photometricInterpretation,
    planarConfiguration: header.planarConfiguration,
    bitsAllocated: header.bitsAllocated,
    bitsStored: header.bitsStored,
    highBit: header.highBit,
    pixelRepresentation: header.pixelRepresentation,
  };
}
