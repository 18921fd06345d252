/** What a worker is asked and what it answers. */
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import type { ModalityLut } from '../../src/arrival/study.ts';
import type { PixelEncoding } from '../../src/arrival/transfer-syntax.ts';
import type { FrameTarget, StoredFrame } from '../../src/ports.ts';
import { isSkipped, type Skipped } from '../../src/reasons.ts';
import { type Codec, type DecodedSamples, decodeFailed } from './codec.ts';
import { storedFrame, writeVoxels } from './stored-values.ts';

/** Encodings that take real work; native pixel data needs no worker. */
export type Compression = Exclude<PixelEncoding, 'native' | 'unsupported'>;

/** Where decoded values go when they do not come back as a frame. */
export interface VoxelSink {
  readonly target: FrameTarget;
  readonly modalityLut: ModalityLut | undefined;
}

export interface DecodeJob {
  readonly compression: Compression;
  readonly frame: Uint8Array;
  readonly header: PixelHeader;
  readonly sink: VoxelSink | undefined;
}

/** A frame; or nothing, when it went into the sink. */
export type DecodeResult = StoredFrame | Skipped | undefined;

export interface DecodeAnswer {
  readonly result: DecodeResult;
  /** True where the worker must not be used again. */
  readonly isSpent: boolean;
}

const loaders: Readonly<Record<Compression, () => Promise<{ readonly createCodec: () => Promise<Codec> }>>> = {
  rle: () => import('./rle.ts'),
  jpeg: () => import('./jpeg.ts'),
  'jpeg-lossless': () => import('./jpeg-lossless.ts'),
  'jpeg-ls': () => import('./jpeg-ls.ts'),
  'jpeg-2000': () => import('./jpeg-2000.ts'),
  htj2k: () => import('./htj2k.ts'),
};

const codecs = new Map<Compression, Codec>();

/** Decodes one frame in this thread. A codec is loaded when its first frame comes. */
export async function runJob(job: DecodeJob): Promise<DecodeAnswer> {
  const codec = codecs.get(job.compression) ?? (await (await loaders[job.compression]()).createCodec());
  codecs.set(job.compression, codec);
  try {
    const decoded = codec(job.frame, job.header);
    return { result: isSkipped(decoded) ? decoded : deliver(decoded, job.header, job.sink), isSpent: false };
  } catch {
    // A trap of WebAssembly: its memory is in an unknown state.
    return { result: decodeFailed('the codec crashed'), isSpent: true };
  }
}

export function deliver(decoded: DecodedSamples, header: PixelHeader, sink: VoxelSink | undefined): DecodeResult {
  if (sink === undefined) return storedFrame(decoded, header);
  return writeVoxels(decoded, header, sink.target, sink.modalityLut);
}
