/** Memory over many studies: what a server holds must not grow with what it has read. Takes minutes: only when asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { writeNullModel } from '../../test/support/null-model.ts';
import { type RunningWetread, runWetread } from '../../test/support/running-wetread.ts';
import { tinyStudies } from '../../test/support/tiny-studies.ts';
import type { Context } from '../harness/context.ts';
import { meets, type Question, type Result } from '../harness/verdict.ts';

const STUDIES = 10_000;
const PORTION = 100;
const MIB = 2 ** 20;

const QUESTION: Omit<Question, 'measure'> = {
  goal: 'SOAK',
  title: `resident memory over ${STUDIES} tiny studies, growth per 1,000 in the second half`,
  target: { kind: 'at-most', value: 10 },
  unit: 'MiB',
};

export async function soak({ bench, quick }: Context): Promise<void> {
  const studies = quick ? 4 * PORTION : STUDIES;
  await using stack = new AsyncDisposableStack();
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'wetread-bench-')), (path) =>
    rmSync(path, { recursive: true }),
  );
  const wetread = stack.use(
    await runWetread({
      bundledModels: false,
      models: [await writeNullModel(folder)],
      completeness: { quietSeconds: 0 },
      reading: { concurrency: 4 },
    }),
  );
  /** Bytes after every portion. */
  const resident: number[] = [];
  for (let done = 0; done < studies; done += PORTION) {
    await read(wetread, done);
    collectGarbage();
    resident.push(process.memoryUsage.rss());
    if (done % (10 * PORTION) === 0) bench.log(`  ${done + PORTION} studies, ${mebibytes(resident.at(-1)!)}`);
  }
  const value = growth(resident.slice(resident.length / 2));
  const result: Result = {
    ...QUESTION,
    value,
    verdict: quick ? 'inconclusive' : meets(value, QUESTION.target) ? 'pass' : 'missed',
    note: `${mebibytes(resident[0]!)} after ${PORTION}, ${mebibytes(resident.at(-1)!)} after ${studies}`,
    lines: [],
    rounds: 1,
    dropped: { memory: 0, others: 0 },
  };
  bench.add(result);
}

/** What is held is measured, not what waits for collection: an idle heap may grow for long before V8 looks at it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function read(running: RunningWetread, done: number): Promise<void> {
  for (const { files } of tinyStudies(`soak ${done}`, PORTION)) await running.send(files);
  for (;;) {
    const counts = await running.wetread.ports.ledger.countByState();
    if ((counts.get('filed') ?? 0) >= done + PORTION) return;
    await sleep(50);
  }
}

/** Slope of the line of least squares through the portions, MiB per 1,000 studies. */
function growth(resident: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middle, level] = [(resident.length - 1) / 2, mean(resident)];
  const above = resident.reduce((sum, bytes, i) => sum + (i - middle) * (bytes - level), 0);
  const below = resident.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return ((above / below) * (1000 / PORTION)) / MIB;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
