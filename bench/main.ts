/**
 * The benchmark: `npm run bench -- [--json] [--quick] [--only G1,G3]`. What is measured and how: docs/benchmark.md.
 * Ends with 0 when every goal passes, 1 when one is missed or its result is wrong, 2 when one could not be judged.
 */
import { parseArgs } from 'node:util';
import { compressed } from './goals/compressed.ts';
import { concurrency } from './goals/concurrency.ts';
import { endToEnd } from './goals/end-to-end.ts';
import { inference } from './goals/inference.ts';
import { inferenceService } from './goals/inference-service.ts';
import { kernel } from './goals/kernel.ts';
import { linearity } from './goals/linearity.ts';
import { memory } from './goals/memory.ts';
import { message } from './goals/message.ts';
import { orchestration } from './goals/orchestration.ts';
import { pacs } from './goals/pacs.ts';
import { preprocess } from './goals/preprocess.ts';
import { retrieve } from './goals/retrieve.ts';
import { soak } from './goals/soak.ts';
import { wholeReading } from './goals/whole-reading.ts';
import { writeBack } from './goals/write-back.ts';
import type { Context } from './harness/context.ts';
import { NoiseGate } from './harness/gate.ts';
import { commit, machine, type Report, table } from './harness/report.ts';
import { Bench, type Effort } from './harness/rounds.ts';
import type { Verdict } from './harness/verdict.ts';
import { startReplay } from './study/replay.ts';

const GOALS: Readonly<Record<string, (context: Context) => Promise<void>>> = {
  retrieve,
  pacs,
  orchestration,
  message,
  kernel,
  preprocess,
  memory,
  compressed,
  linearity,
  'write-back': writeBack,
  'whole-reading': wholeReading,
  inference,
  'inference-service': inferenceService,
  concurrency,
  'end-to-end': endToEnd,
  soak,
};
/** What is measured without being named. */
const USUAL = Object.keys(GOALS).filter((name) => name !== 'soak');

const FULL: Effort = { warmUps: 1, rounds: 9, attempts: 18, fewestRounds: 5, pauses: 30 };
const QUICK: Effort = { warmUps: 0, rounds: 1, attempts: 1, fewestRounds: 5, pauses: 0 };
const USAGE = `Usage: npm run bench -- [--json] [--quick] [--only ${Object.keys(GOALS).join(',')}]\n`;

function options(): { json: boolean; quick: boolean; only: readonly string[] } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: USUAL.join(',') },
      },
    });
    const only = values.only.split(',');
    return only.every((name) => name in GOALS) ? { json: values.json, quick: values.quick, only } : undefined;
  } catch {
    return undefined;
  }
}

async function run({ json, quick, only }: NonNullable<ReturnType<typeof options>>): Promise<void> {
  const startedAt = new Date().toISOString();
  const bench = new Bench(new NoiseGate(), quick ? QUICK : FULL, (line) => void process.stderr.write(`${line}\n`));
  const size = quick ? { slices: 60, matrix: 256, spacing: 5 } : { slices: 300, matrix: 512 };
  await using replay = await startReplay(size);
  for (const name of only) await GOALS[name]!({ bench, size, replay, quick });
  const results = bench.results();
  const report: Report = {
    schemaVersion: 1,
    startedAt,
    command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(),
    quick,
    commit: commit(),
    machine: machine(bench.gate.bestMemcpyMs),
    results,
  };
  (json ? process.stderr : process.stdout).write(table(results));
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = exitCode(results.map(({ verdict }) => verdict));
}

function exitCode(verdicts: readonly Verdict[]): number {
  if (verdicts.includes('missed') || verdicts.includes('unequal')) return 1;
  return verdicts.includes('inconclusive') || verdicts.includes('limit-missing') ? 2 : 0;
}

const chosen = options();
if (chosen === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 64;
} else await run(chosen);
