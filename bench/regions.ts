/**
 * What shapes and components of a mask cost: 300 slices of 512 × 512, one thread, CPU time. `node bench/regions.ts`.
 * What was decided by it: docs/decisions/0019-measured-regions.md.
 */
import type { Mask } from '../src/inference/regions/mask-runs.ts';
import { measureRegion, type RegionRule } from '../src/inference/regions/measure-regions.ts';
import { random } from '../test/support/random.ts';
import { sampleVolume } from '../test/support/sample-report.ts';
import { timed } from './harness/processor-time.ts';
import { median } from './harness/statistics.ts';

const SHAPE = [300, 512, 512] as const;
const ROUNDS = 3;
const volume = sampleVolume({ shape: SHAPE, spacing: [1, 0.7, 0.7] });
const range = { low: -2000, high: 4000 };
const RULES: Readonly<Record<string, Omit<RegionRule, 'segments'>>> = {
  shape: { shape: true, range },
  components: { shape: false, components: { minimumVoxels: 103, atMost: 20 }, range },
};

function maskOf(isInside: (slice: number, row: number, column: number) => boolean): Mask {
  const [slices, rows, columns] = SHAPE;
  const bytesPerSlice = (rows * columns) / 8;
  const bits = new Uint8Array(slices * bytesPerSlice);
  for (let k = 0; k < slices; k++)
    for (let i = 0; i < rows * columns; i++)
      if (isInside(k, Math.floor(i / columns), i % columns)) bits[k * bytesPerSlice + (i >> 3)]! |= 1 << (i & 7);
  return { shape: SHAPE, bytesPerSlice, parts: [bits] };
}

const chance = random(1);
const isTrunk = (_slice: number, row: number, column: number): boolean =>
  ((row - 256) / 180) ** 2 + ((column - 256) / 240) ** 2 < 1;
const MASKS: Readonly<Record<string, Parameters<typeof maskOf>[0]>> = {
  ball: (slice, row, column) => ((slice - 150) / 140) ** 2 + ((row - 256) / 200) ** 2 + ((column - 256) / 200) ** 2 < 1,
  trunk: isTrunk,
  'trunk, a tenth missing': (...at) => isTrunk(...at) && chance.next() > 0.1,
  'noise, half of all voxels': () => chance.next() < 0.5,
};

process.stdout.write('| mask | what | wall ms | CPU ms |\n|---|---|---|---|\n');
for (const [name, isInside] of Object.entries(MASKS)) {
  const mask = maskOf(isInside);
  for (const [what, rule] of Object.entries(RULES)) {
    const samples = [];
    for (let round = 0; round < ROUNDS; round++)
      samples.push(await timed(async () => measureRegion(volume, mask, rule)));
    const wall = Math.min(...samples.map(({ wallMs }) => wallMs));
    const cpu = median(samples.map(({ cpuMs }) => cpuMs));
    process.stdout.write(`| ${name} | ${what} | ${wall.toFixed(0)} | ${cpu.toFixed(0)} |\n`);
  }
}
