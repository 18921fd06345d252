/** G1 and G2: from the bytes of an archive to the sorted volume, and on to the model's input. */
import type { Context } from '../harness/context.ts';
import { unanswered } from '../harness/context.ts';
import { timed } from '../harness/processor-time.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { curlMissing, startCurl } from '../native/curl.ts';
import { Product } from '../product.ts';
import { inputFault, referenceInput, volumeFault } from '../reference.ts';
import type { Replay } from '../study/replay.ts';

const CURL = 'curl to /dev/null';
const MEMCPY = 'memcpy of the pixels';
const VOLUME = 'bytes to volume';
const INPUT = 'bytes to model input';

const wallOf = (samples: Parameters<Question['measure']>[0], line: string): number => samples[line]!.wallMs;

const QUESTIONS: readonly Question[] = [
  {
    goal: 'G1',
    title: 'bytes to sorted INT16 volume / (curl + memcpy)',
    target: { kind: 'at-most', value: 1.3 },
    unit: 'ratio',
    measure: (samples) => wallOf(samples, VOLUME) / (wallOf(samples, CURL) + wallOf(samples, MEMCPY)),
  },
  {
    goal: 'G2',
    title: 'bytes to model input, 1.5 mm FP32 / (curl + memcpy)',
    target: { kind: 'at-most', value: 1.6 },
    unit: 'ratio',
    measure: (samples) => wallOf(samples, INPUT) / (wallOf(samples, CURL) + wallOf(samples, MEMCPY)),
  },
];

export async function retrieve({ bench, size, replay }: Context): Promise<void> {
  await using product = new Product();
  const archive = await Product.archive(replay.url, replay.phantom.studyInstanceUid);
  const read = () => product.volume(archive, replay.phantom.studyInstanceUid, replay.phantom.series);
  const refusal = (await retrieveFault(product, read, replay)) ?? curlMissing();
  if (refusal !== undefined) {
    const verdict = refusal === curlMissing() ? 'limit-missing' : 'unequal';
    for (const question of QUESTIONS) bench.add(unanswered(question, verdict, refusal));
    return;
  }
  await using curl = await startCurl(replay.seriesUrl);
  const pixelBytes = size.slices * size.matrix ** 2 * 2;
  const lines: readonly Line[] = [
    { name: CURL, role: 'limit', run: () => curl.run() },
    { name: MEMCPY, role: 'limit', run: () => timed(async () => bench.gate.copy(pixelBytes)) },
    { name: VOLUME, role: 'product', run: () => timed(async () => product.release(await read())) },
    {
      name: INPUT,
      role: 'product',
      run: () =>
        timed(async () => {
          const volume = await read();
          await product.input(volume);
          product.release(volume);
        }),
    },
  ];
  await bench.compare(QUESTIONS, lines);
}

/** Equality comes first: a fast way to the wrong volume is worth nothing. */
async function retrieveFault(
  product: Product,
  read: () => ReturnType<Product['volume']>,
  { phantom }: Replay,
): Promise<string | undefined> {
  const volume = await read();
  try {
    return volumeFault(volume, phantom) ?? inputFault(await product.input(volume), referenceInput(phantom));
  } finally {
    product.release(volume);
  }
}
