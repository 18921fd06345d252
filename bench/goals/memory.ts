/** G6: the most memory that a fresh process holds while it reads a study into a volume and a model input. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { valuesChecksum, volumeChecksum } from '../checksum.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { meets, type Question, type Result } from '../harness/verdict.ts';
import type { MemoryReport } from '../memory-child.ts';
import { Product } from '../product.ts';
import { inputFault, referenceInput, volumeFault } from '../reference.ts';
import type { StudySize } from '../study/phantom-series.ts';
import { type Replay, startReplay } from '../study/replay.ts';

const QUESTION: Omit<Question, 'measure'> = {
  goal: 'G6',
  title: 'peak memory of a fresh process / (60 MiB + 1.1 × (volume + model input))',
  target: { kind: 'at-most', value: 1 },
  unit: 'ratio',
};
const SLICES = [100, 300];
const REPETITIONS = 3;
const MIB = 2 ** 20;
const ROOT = join(import.meta.dirname, '..', '..');
/** Below node_modules, so that packages are found from there, and out of the way. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'wetread-bench');

const run = promisify(execFile);

export async function memory({ bench, size, quick }: Context): Promise<void> {
  const child = await compiledChild();
  const repetitions = quick ? 1 : REPETITIONS;
  const found: { readonly ratio: number; readonly said: string }[] = [];
  for (const slices of quick ? [size.slices] : SLICES) {
    const peak = await peakOf(child, { ...size, slices }, repetitions);
    if ('fault' in peak) return bench.add(unanswered(QUESTION, 'unequal', peak.fault));
    const allowed = 60 * MIB + 1.1 * (peak.volumeBytes + peak.inputBytes);
    const [got, limit] = [peak.peakBytes, allowed].map((bytes) => Math.round(bytes / MIB));
    found.push({ ratio: peak.peakBytes / allowed, said: `${slices} slices ${got} of ${limit} MiB` });
  }
  const value = Math.max(...found.map(({ ratio }) => ratio));
  const result: Result = {
    ...QUESTION,
    value,
    verdict: quick ? 'inconclusive' : meets(value, QUESTION.target) ? 'pass' : 'missed',
    note: found.map(({ said }) => said).join('; '),
    lines: [],
    rounds: repetitions,
    dropped: { memory: 0, others: 0 },
  };
  bench.add(result);
}

async function compiledChild(): Promise<string> {
  await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', join(ROOT, 'bench', 'tsconfig.compiled.json')]);
  mkdirSync(COMPILED, { recursive: true });
  writeFileSync(join(COMPILED, 'package.json'), '{"type":"module"}\n');
  return join(COMPILED, 'bench', 'memory-child.js');
}

/** The largest of several runs; its volume and input are those that were compared with the reference here. */
async function peakOf(
  child: string,
  size: StudySize,
  repetitions: number,
): Promise<MemoryReport | { readonly fault: string }> {
  await using replay = await startReplay(size);
  const wanted = await checksums(replay);
  if ('fault' in wanted) return wanted;
  let peak: MemoryReport | undefined;
  for (let k = 0; k < repetitions; k++) {
    const { stdout } = await run(process.execPath, [child, replay.url, replay.phantom.studyInstanceUid]);
    const report = JSON.parse(stdout) as MemoryReport;
    if (report.volumeChecksum !== wanted.volume) return { fault: 'the fresh process has another volume' };
    if (report.inputChecksum !== wanted.input) return { fault: 'the fresh process has another model input' };
    if (report.peakBytes > (peak?.peakBytes ?? 0)) peak = report;
  }
  return peak!;
}

async function checksums({
  phantom,
  url,
}: Replay): Promise<{ readonly volume: number; readonly input: number } | { readonly fault: string }> {
  await using product = new Product();
  const archive = await Product.archive(url, phantom.studyInstanceUid);
  const volume = await product.volume(archive, phantom.studyInstanceUid, phantom.series);
  const input = await product.input(volume);
  const fault = volumeFault(volume, phantom) ?? inputFault(input, referenceInput(phantom));
  if (fault !== undefined) return { fault };
  return { volume: volumeChecksum(volume), input: valuesChecksum(input.voxels) };
}
