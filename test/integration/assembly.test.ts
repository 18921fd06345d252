/** Every CT and MR series of the test data, through reader, decoder and assembly, against facts from other tools. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { Series } from '../../src/arrival/study.ts';
import { cross, dot, normalise } from '../../src/assembly/geometry.ts';
import { imageSetBuilder } from '../../src/assembly/image-set.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import { volumeBuilder } from '../../src/assembly/volume-builder.ts';
import type { NotRead } from '../../src/ports.ts';
import { explain, type Reason } from '../../src/reasons.ts';
import { placeFiles } from '../support/assemble-series.ts';
import { random } from '../support/random.ts';
import { dataPath, type TruthInstance, type TruthSeries, truth, withoutTestData } from '../support/test-data.ts';

const decoder = new ThreadedFrameDecoder();
const workers = voxelWorkers();
after(async () => {
  await decoder.close();
  await workers.close();
});

interface Built {
  readonly volume?: Volume;
  readonly skipped?: Reason;
  readonly notRead: readonly NotRead[];
  readonly unreadable: readonly Reason[];
}

function seriesOf(folder: string, index: number): TruthSeries {
  return truth().folders[folder]!.series.filter(({ modality }) => modality === 'CT' || modality === 'MR')[index]!;
}

function announced({ seriesInstanceUid, modality, instances }: TruthSeries): Series {
  const all = instances.map(({ sop }) => ({ sopInstanceUid: sop, sopClassUid: '' }));
  return { seriesInstanceUid, modality, instances: all } as unknown as Series;
}

async function build(folder: string, series: TruthSeries): Promise<Built> {
  const files = series.instances.filter(({ opens }) => opens).map(({ file }) => dataPath(folder, file));
  const builder = volumeBuilder(announced(series), workers.acquire, workers.release);
  const unreadable = await placeFiles(builder, random(files.length).shuffled(files), decoder);
  return { ...builder.finish(), unreadable };
}

interface Statistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

function statisticsOf(volume: Volume): Statistics {
  let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const [k, { slope, intercept }] of volume.slices.entries()) {
    for (const stored of sliceVoxels(volume, k)) {
      const value = stored * slope + intercept;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
    }
  }
  return { min, max, mean: sum / (volume.shape[0] * volume.shape[1] * volume.shape[2]) };
}

function assertStatistics(actual: Statistics, expected: Statistics): void {
  for (const key of ['min', 'max', 'mean'] as const) {
    assert.ok(Math.abs(actual[key] - expected[key]) < 1e-3, `${key} ${actual[key]}, not ${expected[key]}`);
  }
}

/** Series that become volumes: folder, which of its CT and MR series, slices, notes. */
const VOLUMES: readonly (readonly [folder: string, index: number, slices: number, notes: string])[] = [
  ['ct-chest-nlst', 0, 143, ''],
  ['ct-head-philips-study', 1, 20, ''],
  ['dicomdir-media', 2, 5, ''],
  ['malformed-dcmjs', 0, 8, ''],
  ['mr-brain-ge-oblique', 0, 20, 'spacing-irregular'],
  ['seg-liver-ct', 0, 3, ''],
  ['seg-liver-ct', 1, 3, ''],
  ['seg-liver-ct', 2, 3, ''],
  ['seg-liver-ct', 3, 3, ''],
  ['seg-liver-ct', 4, 3, ''],
];

for (const [folder, index, slices, notes] of VOLUMES) {
  test(`WR-ASM-30 ${folder} ${index}: order, positions and values are those of the truth`, {
    skip: withoutTestData,
  }, async () => {
    const series = seriesOf(folder, index);
    const { volume, skipped, notRead } = await build(folder, series);
    assert.ok(volume !== undefined, skipped && explain(skipped));
    assert.equal(volume.shape[0], slices);
    assert.equal(volume.notes.map(({ code }) => code).join(' '), notes);
    assert.deepEqual(notRead, []);
    assertStatistics(statisticsOf(volume), series['rescaled'] as Statistics);
    if (series['sliceOrder'] !== undefined) assertOrder(volume, series);
    workers.release(volume.voxels.buffer);
  });
}

function assertOrder(volume: Volume, series: TruthSeries): void {
  const sopOf = new Map(series.instances.map(({ file, sop }) => [file, sop]));
  const order = (series['sliceOrder'] as readonly string[]).map((file) => sopOf.get(file));
  assert.deepEqual(
    volume.slices.map(({ sopInstanceUid }) => sopInstanceUid),
    order,
  );
  const positions = series['slicePositions'] as readonly number[];
  const [a, b, c, d, e, f] = volume.header.frames[0]!.imageOrientationPatient!;
  const normal = normalise(cross([a, b, c], [d, e, f]));
  for (const [k, { imagePositionPatient }] of volume.slices.entries()) {
    // the truth is rounded to four decimals
    assert.ok(Math.abs(dot(imagePositionPatient, normal) - positions[k]!) < 1e-3);
  }
  const spacing = series['spacing'] as { readonly min: number; readonly max: number };
  assert.ok(volume.spacing[0] >= spacing.min - 1e-3 && volume.spacing[0] <= spacing.max + 1e-3);
}

/** Series that are refused: folder, which of its CT and MR series, why. */
const REFUSED: readonly (readonly [folder: string, index: number, why: string])[] = [
  ['ct-14-syntaxes', 0, 'Too few slices for a volume: 1 slice'],
  ['ct-head-ge-tilt', 0, 'Distances between slices vary: from 1.08 to 7.00 mm'],
  ['ct-head-philips-study', 0, 'A localizer (scout) image: LOCALIZER'],
  ['ct-head-philips-study', 2, 'A screen capture or a derived summary page'],
  ['ct-multiframe-fragments', 0, 'Too few slices for a volume: 2 slices'],
  ['dicomdir-media', 0, 'Slices are missing between the first and the last: gap of 202.5 mm after slice 1 at -99.5 mm'],
  ['dicomdir-media', 1, 'A localizer (scout) image: LOCALIZER'],
  ['dicomdir-media', 7, 'Slices have different orientations: groups of 1, 1, 1 slices'],
  ['dicomdir-media', 9, 'A derived image, such as a projection: PROJECTION IMAGE'],
  ['mr-9-syntaxes', 0, 'Pixels are stored in a form that cannot be read as images of this kind: mosaic of slices'],
  ['mr-enhanced-small', 0, 'Position, orientation or spacing is missing: no Image Position (Patient)'],
  ['rtstruct-phantom', 0, 'Too few slices for a volume: 2 slices'],
  ['rtstruct-phantom', 1, 'Position, orientation or spacing is missing: no Frame of Reference UID'],
];

for (const [folder, index, why] of REFUSED) {
  test(`WR-ASM-31 ${folder} ${index}: refused with the reason`, { skip: withoutTestData }, async () => {
    const { volume, skipped } = await build(folder, seriesOf(folder, index));
    assert.equal(volume, undefined);
    assert.equal(explain(skipped!), why);
  });
}

test('WR-ASM-31 ct-head-philips-study: the exam summary is told from its dose page', {
  skip: withoutTestData,
}, async () => {
  const { notRead } = await build('ct-head-philips-study', seriesOf('ct-head-philips-study', 2));
  assert.deepEqual(
    notRead.map(({ count, reason }) => [count, reason.code]),
    [
      [1, 'dose-sheet'],
      [2, 'screenshot'],
    ],
  );
});

test('WR-ASM-32 ct-head-ge-tilt: its evenly spaced part is a tilted volume', { skip: withoutTestData }, async () => {
  const series = seriesOf('ct-head-ge-tilt', 0);
  const even = series.instances.slice(0, 14);
  const { volume } = await build('ct-head-ge-tilt', { ...series, instances: even });
  assert.ok(volume !== undefined);
  assert.deepEqual(volume.shape, [14, 512, 512]);
  assert.equal(volume.notes[0]?.code, 'gantry-tilt');
  assert.match(volume.notes[0]?.detail ?? '', /^18\.5 degrees/);
  assert.deepEqual(volume.padding, { low: -1500, high: -1500 });
  assertStatistics(statisticsOf(volume), sum(even));
  workers.release(volume.voxels.buffer);
});

test('WR-ASM-33 mr-enhanced-siemens: the first of four time points is read', { skip: withoutTestData }, async () => {
  const series = seriesOf('mr-enhanced-siemens', 0);
  const { volume, notRead } = await build('mr-enhanced-siemens', series);
  assert.ok(volume !== undefined);
  assert.deepEqual(volume.shape, [6, 64, 64]);
  const first = series.instances.filter(({ file }) => file === '6_1.dcm');
  assert.deepEqual(new Set(volume.slices.map(({ sopInstanceUid }) => sopInstanceUid)), new Set([first[0]!.sop]));
  assert.ok(Math.abs(volume.spacing[0] - 2.4) < 1e-4);
  assertStatistics(statisticsOf(volume), sum(first));
  assert.deepEqual(
    notRead.map(({ count, reason }) => [count, reason.code]),
    [[18, 'several-volumes']],
  );
  workers.release(volume.voxels.buffer);
});

/** Over instances of the same size. */
function sum(instances: readonly TruthInstance[]): Statistics {
  const of = (key: string): number[] => instances.map((instance) => Number(instance[key]));
  return {
    min: Math.min(...of('min')),
    max: Math.max(...of('max')),
    mean: of('mean').reduce((total, mean) => total + mean, 0) / instances.length,
  };
}

test('WR-ASM-34 cr-chest-mono1: brighter is larger, and values are still those of the header', {
  skip: withoutTestData,
}, async () => {
  const series = truth().folders['cr-chest-mono1']!.series[0]!;
  const builder = imageSetBuilder(announced(series), workers.acquire, workers.release);
  await placeFiles(
    builder,
    series.instances.map(({ file }) => dataPath('cr-chest-mono1', file)),
    decoder,
  );
  const { images } = builder.finish();
  const [image] = images!.images;
  assert.ok(image !== undefined && image.slope < 0);
  const values = Array.from(image.pixels, (pixel) => pixel * image.slope + image.intercept);
  assertStatistics(
    {
      min: values.reduce((a, b) => Math.min(a, b)),
      max: values.reduce((a, b) => Math.max(a, b)),
      mean: values.reduce((a, b) => a + b) / values.length,
    },
    series['rescaled'] as Statistics,
  );
  workers.release(image.pixels.buffer);
});
