import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { retrieve } from './goals/retrieve.ts';
import { dropReason, NoiseGate } from './harness/gate.ts';
import type { Report } from './harness/report.ts';
import { table } from './harness/report.ts';
import { Bench, type Effort } from './harness/rounds.ts';
import { median, spread } from './harness/statistics.ts';
import { judge, type Question, type Result, type Round } from './harness/verdict.ts';
import { compileNative } from './native/compile.ts';
import { Product } from './product.ts';
import { inputFault, referenceInput, volumeFault } from './reference.ts';
import { phantomSeries } from './study/phantom-series.ts';
import { startReplay } from './study/replay.ts';

const QUIET = { memcpyMs: 20, spinMs: 100 };
const LINES = [
  { name: 'limit', role: 'limit' },
  { name: 'product', role: 'product' },
] as const;
const QUESTION: Question = {
  goal: 'G0',
  title: 'product / limit',
  target: { kind: 'at-most', value: 1.3 },
  unit: 'ratio',
  measure: ({ product, limit }) => product!.wallMs / limit!.wallMs,
};

function round(productMs: number, change: Partial<Round> = {}): Round {
  const sample = (wallMs: number) => ({ wallMs, cpuMs: wallMs });
  return { probe: QUIET, othersShare: 0, samples: { limit: sample(100), product: sample(productMs) }, ...change };
}

const rounds = (productMs: number, count: number, change: Partial<Round> = {}): Round[] =>
  Array.from({ length: count }, () => round(productMs, change));

const verdictOf = (measured: readonly Round[]): Result => judge(QUESTION, LINES, measured, 20);

test('WR-BEN-01 the verdict is the median of the rounds: one that is far off changes nothing', () => {
  assert.equal(verdictOf(rounds(125, 7)).verdict, 'pass');
  assert.equal(verdictOf([...rounds(125, 6), round(900)]).verdict, 'pass');
  assert.equal(verdictOf([...rounds(140, 6), round(10)]).verdict, 'missed');
  assert.equal(verdictOf(rounds(130, 7)).verdict, 'pass');
});

test('WR-BEN-01 ratios are taken within a round: a machine that slows both down changes none', () => {
  const slow = { samples: { limit: { wallMs: 300, cpuMs: 300 }, product: { wallMs: 360, cpuMs: 360 } } };
  const { value, lines } = verdictOf([...rounds(120, 4), ...rounds(0, 3, slow)]);
  assert.equal(value, 1.2);
  assert.deepEqual(lines[0], { name: 'limit', role: 'limit', medianMs: 100, minMs: 100, spread: 2, cpuMs: 100 });
});

test('WR-BEN-01 a value between bounds passes, one below them is missed as one above', () => {
  const bounded: Question = { ...QUESTION, target: { kind: 'between', low: 1.8, high: 2.2 } };
  const verdict = (ms: number): string => judge(bounded, LINES, rounds(ms, 7), 20).verdict;
  assert.deepEqual([verdict(170), verdict(200), verdict(230)], ['missed', 'pass', 'missed']);
});

test('WR-BEN-01 lines run in turn, as often as rounds are to count', async () => {
  const ran: string[] = [];
  const line = (name: string, role: 'limit' | 'product') => ({
    name,
    role,
    run: async () => {
      ran.push(name);
      return { wallMs: 1, cpuMs: 1 };
    },
  });
  const effort: Effort = { warmUps: 1, rounds: 2, attempts: 2, fewestRounds: 1, pauses: 0 };
  const bench = new Bench(new NoiseGate(1000, 1000), effort, () => {});
  await bench.compare([QUESTION], [line('limit', 'limit'), line('product', 'product')]);
  assert.equal(ran.join(' '), 'limit product limit product limit product');
  assert.equal(bench.results().length, 1);
});

test('WR-BEN-01 median and spread', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(spread([10, 20, 30, 40, 50]), 20 / 30);
});

test('WR-BEN-03 a round does not count when memory was slow before it, or others had the machine during it', () => {
  assert.equal(dropReason({ memcpyMs: 40 }, 0.15, 20), undefined);
  assert.equal(dropReason({ memcpyMs: 40.1 }, 0, 20), 'memory');
  assert.equal(dropReason({ memcpyMs: 20 }, 0.16, 20), 'others');
  assert.equal(dropReason({ memcpyMs: 20 }, undefined, 20), undefined);
});

test('WR-BEN-03 rounds that do not count do not decide', () => {
  const slow = rounds(900, 3, { probe: { memcpyMs: 50, spinMs: 100 } });
  const shared = rounds(900, 2, { othersShare: 0.5 });
  const result = verdictOf([...rounds(120, 5), ...slow, ...shared]);
  assert.equal(result.verdict, 'pass');
  assert.equal(result.value, 1.2);
  assert.deepEqual([result.rounds, result.dropped], [5, { memory: 3, others: 2 }]);
});

test('WR-BEN-03 fewer than five rounds that count are inconclusive, however good they are', () => {
  assert.equal(verdictOf(rounds(10, 4)).verdict, 'inconclusive');
  assert.equal(verdictOf([...rounds(10, 4), ...rounds(10, 9, { othersShare: 0.5 })]).verdict, 'inconclusive');
  assert.equal(verdictOf([]).verdict, 'inconclusive');
  assert.equal(judge({ ...QUESTION, target: { kind: 'none' } }, LINES, rounds(10, 4), 20).verdict, 'inconclusive');
});

test('WR-BEN-03 the best copy of the whole run decides, also when it came later', () => {
  const measured = rounds(120, 7);
  assert.equal(judge(QUESTION, LINES, measured, 20).verdict, 'pass');
  assert.equal(judge(QUESTION, LINES, measured, 9).verdict, 'inconclusive');
});

test('WR-BEN-03 a value that is no number is no pass', () => {
  assert.notEqual(verdictOf(rounds(Number.NaN, 7)).verdict, 'pass');
});

test('WR-BEN-04 a limit that does not compile says what to install', () => {
  const compiled = compileNative({
    name: 'resample',
    libraries: ['-lnot-there'],
    packages: ['gcc', 'libnot-there-dev'],
  });
  assert.deepEqual(compiled, { missing: 'the limit does not compile here; apt-get install gcc libnot-there-dev' });
});

const SMALL = { slices: 12, matrix: 64, spacing: 5 };

test('WR-BEN-02 the reference finds a voxel, a slice, an affine and an input that are wrong', async () => {
  await using replay = await startReplay(SMALL);
  await using product = new Product();
  const { phantom } = replay;
  const archive = await Product.archive(replay.url, phantom.studyInstanceUid);
  const volume = await product.volume(archive, phantom.studyInstanceUid, phantom.series);
  const input = await product.input(volume);
  const reference = referenceInput(phantom);
  assert.equal(volumeFault(volume, phantom), undefined);
  assert.equal(inputFault(input, reference), undefined);

  const [first, second, ...others] = volume.slices;
  assert.match(volumeFault({ ...volume, slices: [second!, first!, ...others] }, phantom) ?? '', /slice 0/);
  const shifted = volume.affine.with(3, volume.affine[3] + 0.01) as unknown as typeof volume.affine;
  assert.match(volumeFault({ ...volume, affine: shifted }, phantom) ?? '', /affine/);
  assert.match(volumeFault({ ...volume, shape: [12, 64, 63] }, phantom) ?? '', /shape/);
  const elsewhere = input.grid.affine.with(11, input.grid.affine[11] + 0.01) as unknown as typeof input.grid.affine;
  assert.match(inputFault({ ...input, grid: { ...input.grid, affine: elsewhere } }, reference) ?? '', /elsewhere/);
  for (const wrong of [0.0011, Number.NaN]) {
    const voxels = Float32Array.from(input.voxels);
    voxels[voxels.length - 1]! += wrong;
    assert.match(inputFault({ ...input, voxels }, reference) ?? '', /off/);
  }
  volume.voxels[volume.voxels.length - 1]! += 1;
  assert.match(volumeFault(volume, phantom) ?? '', /voxel/);
});

test('WR-BEN-02 a result that differs from the reference gets no time', async () => {
  const effort: Effort = { warmUps: 0, rounds: 1, attempts: 1, fewestRounds: 1, pauses: 0 };
  const bench = new Bench(new NoiseGate(1000, 1000), effort, () => {});
  await using replay = await startReplay(SMALL);
  const phantom = {
    ...replay.phantom,
    slice: (k: number) => replay.phantom.slice(k).map((v, i) => v + Number(i === k)),
  };
  await retrieve({ bench, size: SMALL, quick: true, replay: { ...replay, phantom } });
  const results = bench.results();
  assert.deepEqual(
    results.map(({ goal, verdict, lines, value }) => ({ goal, verdict, lines, value })),
    ['G1', 'G2'].map((goal) => ({ goal, verdict: 'unequal', lines: [], value: undefined })),
  );
  assert.match(table(results), /unequal: voxel 0 of slice 0 differs/);
});

test('WR-BEN-02 the study is the same every time', () => {
  const [one, other] = [phantomSeries(SMALL), phantomSeries(SMALL)];
  const bytes = (series: typeof one): Buffer => Buffer.concat([...series.files()]);
  assert.ok(bytes(one).equals(bytes(other)));
  const longer = phantomSeries({ ...SMALL, slices: 120 });
  assert.equal(new Set(longer.series.instances.map(({ sopInstanceUid }) => sopInstanceUid)).size, 120);
});

test('WR-BEN-05 a quick run answers every goal, judges none, and says so in its exit code', () => {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'bench', '--', '--quick', '--json'], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
  });
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(
    [...new Set(report.results.map(({ goal }) => goal))],
    ['G1', 'G2', 'G5', 'G8', 'G3', 'PRE', 'G6', 'G7', 'G10', 'G12', 'G13', 'REST', 'INF', 'SVC', 'G9', 'G11'],
  );
  const judged = report.results.filter(({ verdict }) => verdict !== 'inconclusive' && verdict !== 'limit-missing');
  assert.deepEqual(judged, [], stderr);
  const unmeasured = report.results.filter(({ verdict, value }) => verdict !== 'limit-missing' && value === undefined);
  assert.deepEqual(unmeasured, [], stderr);
  assert.equal(report.quick, true);
  assert.equal(status, 2);
});

test('WR-BEN-05 an unknown goal or option is told how it is called', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stderr } = spawnSync(process.execPath, [main, '--only', 'nothing'], { encoding: 'utf8' });
  assert.equal(status, 64);
  assert.match(stderr, /^Usage: npm run bench/);
});
