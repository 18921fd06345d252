/** G10: twice the slices take twice the processor time: nothing in the pipeline is quadratic. */
import type { Context } from '../harness/context.ts';
import { unanswered } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { Product } from '../product.ts';
import { volumeFault } from '../reference.ts';
import { startReplay } from '../study/replay.ts';

const SLICES = [100, 300, 600, 1500] as const;
const QUICK_SLICES = [4, 12, 24, 60] as const;
const lineOf = (slices: number): string => `bytes to model input, ${slices} slices`;

function questionsFor([, base, twice, fiveTimes]: readonly number[]): readonly Question[] {
  const cpu = (samples: Readonly<Record<string, Sample>>, slices: number): number => samples[lineOf(slices)]!.cpuMs;
  const question = (slices: number, low: number, high: number): Question => ({
    goal: 'G10',
    title: `CPU of ${slices} slices / CPU of ${base} slices`,
    target: { kind: 'between', low, high },
    unit: 'ratio',
    measure: (samples) => cpu(samples, slices) / cpu(samples, base!),
  });
  return [question(twice!, 1.8, 2.2), question(fiveTimes!, 4.5, 5.5)];
}

export async function linearity({ bench, size, quick }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const counts = quick ? QUICK_SLICES : SLICES;
  const questions = questionsFor(counts);
  const lines: Line[] = [];
  for (const slices of counts) {
    const replay = stack.use(await startReplay({ ...size, slices }));
    // One for each size, so that each finds memory of its own size as it left it.
    const product = stack.use(new Product());
    const { studyInstanceUid, series } = replay.phantom;
    const archive = await Product.archive(replay.url, studyInstanceUid);
    const volume = await product.volume(archive, studyInstanceUid, series);
    const fault = volumeFault(volume, replay.phantom);
    product.release(volume);
    if (fault !== undefined) {
      for (const question of questions) bench.add(unanswered(question, 'unequal', fault));
      return;
    }
    const run = async (): Promise<void> => {
      const read = await product.volume(archive, studyInstanceUid, series);
      await product.input(read);
      product.release(read);
    };
    lines.push({ name: lineOf(slices), role: 'product', run: () => timed(run) });
  }
  await bench.compare(questions, lines);
}
