/** G9: studies that are read at the same time share the machine: none waits for long, and none costs more for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StudyStep } from '../../src/ports.ts';
import { writeNullModel } from '../../test/support/null-model.ts';
import { type RunningWetread, runWetread } from '../../test/support/running-wetread.ts';
import type { Context } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import { median } from '../harness/statistics.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { phantomSeries } from '../study/phantom-series.ts';
import { renamed } from '../study/renamed.ts';

const STUDIES = 16;
const SIZE = { slices: 60, matrix: 512, spacing: 5 };
const TWO = '16 studies, 2 in flight';
const EIGHT = '16 studies, 8 in flight';
const UNEVEN = 'longest over median time of a study, 8 in flight';

const QUESTIONS: readonly Question[] = [
  {
    goal: 'G9',
    title: '16 studies with 8 in flight / with 2',
    target: { kind: 'at-most', value: 1.15 },
    unit: 'ratio',
    measure: (samples) => samples[EIGHT]!.wallMs / samples[TWO]!.wallMs,
  },
  {
    goal: 'G9',
    title: 'longest time of a study / median, 8 in flight',
    target: { kind: 'at-most', value: 2 },
    unit: 'ratio',
    measure: (samples) => samples[UNEVEN]!.wallMs,
  },
];

export async function concurrency({ bench, quick }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'wetread-bench-')), (path) =>
    rmSync(path, { recursive: true }),
  );
  const model = await writeNullModel(folder);
  const studies = quick ? 2 : STUDIES;
  const two = stack.use(await running(model, 2, studies));
  const eight = stack.use(await running(model, 8, studies));
  let unevenness = Number.NaN;
  const lines: readonly Line[] = [
    { name: TWO, role: 'limit', run: () => readAll(two) },
    {
      name: EIGHT,
      role: 'product',
      run: async () => {
        const sample = await readAll(eight);
        unevenness = await longestOverMedian(eight);
        return sample;
      },
    },
    { name: UNEVEN, role: 'part', run: async () => ({ wallMs: unevenness, cpuMs: 0 }) },
  ];
  await bench.compare(QUESTIONS, lines);
}

/** A Wetread that has the studies and has read each once. */
async function running(model: string, inFlight: number, studies: number): Promise<RunningWetread> {
  const wetread = await runWetread({ bundledModels: false, models: [model], reading: { concurrency: inFlight } });
  const phantom = phantomSeries(SIZE);
  for (let copy = 0; copy < studies; copy++) await wetread.send(renamed(phantom.files(), copy));
  await wetread.wetread.whenFinal();
  return wetread;
}

/** Reads every study once more. */
async function readAll({ wetread }: RunningWetread): Promise<Sample> {
  const { ledger } = wetread.ports;
  const records = await ledger.list();
  return timed(async () => {
    for (const { studyInstanceUid } of records) await ledger.move(studyInstanceUid, 'replay');
    await wetread.whenFinal();
  });
}

async function longestOverMedian({ wetread }: RunningWetread): Promise<number> {
  const { ledger } = wetread.ports;
  const times: number[] = [];
  for (const { studyInstanceUid } of await ledger.list()) {
    const history = await ledger.history(studyInstanceUid);
    times.push(timeOf(history.findLast(({ transition }) => transition === 'file')) - timeOf(history.findLast(isClaim)));
  }
  return Math.max(...times) / median(times);
}

function isClaim({ transition }: StudyStep): boolean {
  return transition === 'claim';
}

function timeOf(step: StudyStep | undefined): number {
  return Date.parse(step?.at ?? '');
}
