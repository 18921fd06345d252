/** G7: studies that are stored compressed: fetched as stored and decoded while they arrive. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, unanswered } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import type { Question } from '../harness/verdict.ts';
import { CHARLS, compileNative, type NativeSource, OPENJPEG } from '../native/compile.ts';
import { curlMissing, startCurl } from '../native/curl.ts';
import { LimitProcess } from '../native/limit-process.ts';
import { Product } from '../product.ts';
import { volumeFault } from '../reference.ts';
import { type PhantomSeries, phantomSeries, type StudySize } from '../study/phantom-series.ts';
import { startReplay } from '../study/replay.ts';
import { type CompressedForm, cacheFolder, encodedFrames } from '../study/stored-form.ts';

const CURL = 'curl to /dev/null';
const PRODUCT = 'bytes to volume';

interface Compression {
  readonly form: CompressedForm;
  readonly native: NativeSource;
  readonly nativeName: string;
  readonly question: Omit<Question, 'measure'>;
  /** What the product is divided by. */
  readonly limitOf: (curlMs: number, nativeMs: number) => number;
}

const JPEG_LS: Compression = {
  form: 'jpeg-ls',
  native: CHARLS,
  nativeName: 'CharLS, native, 2 threads',
  question: {
    goal: 'G7',
    title: 'JPEG-LS: bytes to volume / max(curl, native CharLS on 2 threads)',
    target: { kind: 'at-most', value: 1.3 },
    unit: 'ratio',
  },
  limitOf: Math.max,
};
const JPEG_2000: Compression = {
  form: 'jpeg-2000',
  native: OPENJPEG,
  nativeName: 'OpenJPEG, native, 2 threads',
  question: {
    goal: 'G7',
    title: 'JPEG 2000: bytes to volume / native OpenJPEG on 2 threads',
    target: { kind: 'at-most', value: 2.2 },
    unit: 'ratio',
  },
  limitOf: (_curlMs, nativeMs) => nativeMs,
};

/** JPEG 2000 takes so long that a part of the study tells as much. */
const JPEG_2000_SLICES = 60;
const QUICK_SLICES = 8;

export async function compressed(context: Context): Promise<void> {
  const { size, quick } = context;
  await compare(context, JPEG_LS, quick ? { ...size, slices: QUICK_SLICES } : size);
  await compare(context, JPEG_2000, { ...size, slices: quick ? QUICK_SLICES : JPEG_2000_SLICES });
}

async function compare({ bench }: Context, compression: Compression, size: StudySize): Promise<void> {
  const { form, native, nativeName, question, limitOf } = compression;
  const compiled = compileNative(native);
  const missing = 'missing' in compiled ? compiled.missing : curlMissing();
  if ('missing' in compiled || missing !== undefined) {
    return bench.add(unanswered(question, 'limit-missing', missing ?? ''));
  }
  await using stack = new AsyncDisposableStack();
  const replay = stack.use(await startReplay(size, form));
  const product = stack.use(new Product());
  const { studyInstanceUid, series } = replay.phantom;
  const archive = await Product.archive(replay.url, studyInstanceUid);
  const read = () => product.volume(archive, studyInstanceUid, series);
  const volume = await read();
  const fault = volumeFault(volume, replay.phantom);
  product.release(volume);
  const decoder = await startDecoder(compiled.path, size, form);
  stack.use(decoder.process);
  const refused = fault ?? decoder.fault;
  if (refused !== undefined) return bench.add(unanswered(question, 'unequal', refused));
  const curl = stack.use(await startCurl(replay.seriesUrl));
  const measure = (samples: Readonly<Record<string, Sample>>): number =>
    samples[PRODUCT]!.wallMs / limitOf(samples[CURL]!.wallMs, samples[nativeName]!.wallMs);
  await bench.compare(
    [{ ...question, measure }],
    [
      { name: CURL, role: 'limit', run: () => curl.run() },
      { name: nativeName, role: 'limit', run: () => decoder.process.run() },
      { name: PRODUCT, role: 'product', run: () => timed(async () => product.release(await read())) },
    ],
  );
}

/** The native library over the same frames, checked against the phantom. */
async function startDecoder(
  path: string,
  size: StudySize,
  form: CompressedForm,
): Promise<{ readonly process: LimitProcess; readonly fault: string | undefined }> {
  const phantom = phantomSeries(size);
  const files = { frames: join(cacheFolder(), `${form}.frames`), result: join(cacheFolder(), `${form}.raw`) };
  try {
    writeFileSync(files.frames, Buffer.concat((await encodedFrames(phantom, form)).flatMap(withLength)));
    const { matrix } = size;
    const process = await LimitProcess.start(path, [files.frames, String(matrix), String(matrix), files.result]);
    return { process, fault: nativeFault(readFileSync(files.result), phantom) };
  } finally {
    for (const file of Object.values(files)) rmSync(file, { force: true });
  }
}

function withLength(frame: Uint8Array): readonly Uint8Array[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(frame.length);
  return [length, frame];
}

function nativeFault(bytes: Buffer, phantom: PhantomSeries): string | undefined {
  const stored = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const perSlice = phantom.size.matrix ** 2;
  for (let k = 0; k < phantom.size.slices; k++) {
    const wanted = phantom.slice(k);
    for (let i = 0; i < perSlice; i++) {
      if (stored[k * perSlice + i] !== wanted[i]! + 1024) return `the limit is wrong at voxel ${i} of slice ${k}`;
    }
  }
  return undefined;
}
