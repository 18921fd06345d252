/** What must never reach a model, from noise to a foot: every case is assembled and gated by the real parts; tags lie where they can. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chestCt } from '../../../adapters/phantom/chest-ct.ts';
import { abdomenCt, headCt } from '../../../adapters/phantom/phantom-study.ts';
import { normal, uniform } from '../../../adapters/phantom/random.ts';
import { lungCard, packageOf } from '../../../test/support/model-card.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';
import { assembleAll, CountedMemory, type StackShape, seriesOf, stack } from '../../../test/support/slices.ts';
import { affineOf } from '../../assembly/geometry.ts';
import type { Volume } from '../../assembly/volume.ts';
import { volumeBuilder } from '../../assembly/volume-builder.ts';
import { readSeries } from '../../read-series.ts';
import { isSkipped, type ReasonCode } from '../../reasons.ts';
import { gateVolume } from './gate-volume.ts';
import { referenceRanges } from './reference-ranges.ts';
import { statisticsOfVolume } from './statistics.ts';

const card = lungCard();
const { input } = card;
assert.ok(input.kind === 'volume');
const memory = new CountedMemory();
const SMALL = { matrix: 208, slices: 62, sliceSpacing: 5 } as const;
const chest = phantomVolume(chestCt(SMALL), memory.allocate);

/** The chest's geometry with other values: index along the volume, and its place. */
function valued(value: (i: number, k: number, row: number, column: number) => number): Volume {
  const [, rows, columns] = chest.shape;
  const voxels = new Int16Array(new SharedArrayBuffer(chest.voxels.byteLength));
  for (let i = 0; i < voxels.length; i++)
    voxels[i] = value(i, Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns);
  return { ...chest, voxels };
}

const random = uniform(1);
const gaussian = normal(uniform(2));
const PIXELS: Readonly<Record<string, readonly [() => Volume, ReasonCode, RegExp]>> = {
  'an empty volume': [() => valued(() => 0), 'empty-image', /^$/],
  'a volume of air alone': [() => valued(() => -1000), 'empty-image', /^$/],
  'noise over all of CT': [
    () => valued(() => -1024 + Math.floor(4095 * random())),
    'outside-model-limits',
    /soft tissue/,
  ],
  'noise with the shares of a chest': [
    () => valued(() => (random() < 0.6 ? -900 : 40) + Math.floor(60 * gaussian())),
    'out-of-distribution',
    /bonePercent|denseBehindPercent/,
  ],
  'a gradient, as of a photograph': [
    () => valued((_, _k, row, column) => -1000 + 8 * row + 2 * column),
    'out-of-distribution',
    /denseBehindPercent|asymmetryPercent|airPercent/,
  ],
  'an MR under the tag CT': [() => valued((_, k, row) => (row + k) % 300), 'outside-model-limits', /air/],
  'a chest whose pixels are upside down, the tags not': [
    () => valued((i) => chest.voxels[mirrored(i)]!),
    'out-of-distribution',
    /denseBehindPercent is -/,
  ],
  'a head under the tag CHEST': [
    () => phantomVolume(headCt({ matrix: 208, slices: 40 }), memory.allocate),
    'out-of-distribution',
    /denseBehindPercent/,
  ],
  'a foot under the tag CHEST': [foot, 'out-of-distribution', /denseBehindPercent/],
  'a whole body': [
    () => ({ ...chest, affine: affineOf([0, 0, 0], [0, 0, 20], [0, 2, 0], [2, 0, 0]) }),
    'outside-model-limits',
    /496 grid points/,
  ],
};

/** The same place in a slice turned upside down. */
function mirrored(i: number): number {
  const [, rows, columns] = chest.shape;
  const slice = Math.floor(i / (rows * columns));
  const row = rows - 1 - (Math.floor(i / columns) % rows);
  return (slice * rows + row) * columns + (i % columns);
}

/** Two shafts of bone in little flesh, as long as a chest. */
function foot(): Volume {
  return valued((_, _k, row, column) => {
    const distance = Math.hypot(row - 104, column - 104);
    if (distance > 65) return -1000;
    return Math.min(Math.hypot(row - 104, column - 85), Math.hypot(row - 104, column - 126)) < 18 ? 900 : 30;
  });
}

/** Whatever it is asked for, the gate has not held. */
const asked = (): never => assert.fail('something was made for the model');
const ports: Parameters<typeof readSeries>[0] = {
  voxels: {
    ...{ acquire: memory.allocate, release: memory.release, resample: asked, count: asked, label: asked },
    ...{ addWindow: asked, refine: asked, measureRegions: asked },
  },
  inference: { infer: asked },
  text: { isRemote: asked, takesUnmarked: asked, generate: asked },
  log: { write: asked },
};

for (const [name, [make, code, detail]] of Object.entries(PIXELS)) {
  test(`WR-GAT-04 refused before anything is made for the model: ${name}`, async () => {
    const study = { studyInstanceUid: chest.studyInstanceUid, requests: [] };
    const found = await readSeries(ports, packageOf(card), make(), study, new AbortController().signal);
    assert.ok(isSkipped(found));
    assert.equal(found.skipped.code, code);
    assert.match(found.skipped.detail ?? '', detail);
  });
}

const AXIAL = { slices: 30, step: [0, 0, 5] } as const;
const HEADERS: Readonly<
  Record<string, readonly [Omit<StackShape, 'slices' | 'step'> & Partial<StackShape>, ReasonCode]>
> = {
  'a localizer': [{ header: { imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] } }, 'localizer'],
  'a screenshot': [{ header: { sopClassUid: '1.2.840.10008.5.1.4.1.1.7' } }, 'screenshot'],
  'text burned in': [{ header: { burnedInAnnotation: 'YES' } }, 'screenshot'],
  'a photograph in colour': [{ header: { samplesPerPixel: 3, photometricInterpretation: 'RGB' } }, 'color-image'],
  'a photograph as Secondary Capture': [
    { header: { samplesPerPixel: 3, photometricInterpretation: 'RGB', sopClassUid: '1.2.840.10008.5.1.4.1.1.7.4' } },
    'screenshot',
  ],
  'a projection': [{ header: { imageType: ['DERIVED', 'SECONDARY', 'MIP'] } }, 'derived-image'],
  'one slice': [{ slices: 1 }, 'too-few-slices'],
  'no orientation': [{ row: [0, 0, 0] }, 'geometry-missing'],
};
for (const [name, [change, code]] of Object.entries(HEADERS)) {
  test(`WR-GAT-05 refused while the volume is assembled, whatever the model: ${name}`, () => {
    const slices = stack({ ...AXIAL, ...change });
    const { volume, skipped } = assembleAll(volumeBuilder(seriesOf(slices), memory.allocate, memory.release), slices);
    assert.equal(volume, undefined);
    assert.equal(skipped?.code, code);
  });
}

test('WR-GAT-05 a slice that is missing in the middle is no volume', () => {
  const slices = stack(AXIAL).filter((_, k) => k !== 12);
  const { volume, skipped } = assembleAll(volumeBuilder(seriesOf(slices), memory.allocate, memory.release), slices);
  assert.deepEqual([volume, skipped?.code], [undefined, 'slices-missing']);
});

test('WR-GAT-06 the plane is that of the slices: coronal and oblique ones are told by their angle', () => {
  const { reference: _, ...plain } = input;
  const gate = { ...input.gate, plane: { name: 'axial', maximumDegrees: 30 } } as const;
  const tilted = (degrees: number): Volume => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return { ...chest, affine: affineOf([0, 0, 0], [0, 0, 5], [0, 2 * c, 2 * s], [2, 0, 0]) };
  };
  const refusal = (volume: Volume): string | undefined =>
    gateVolume(volume, card, { ...plain, gate, maximumShape: [999, 999, 999] })?.skipped.detail;
  assert.equal(refusal(chest), undefined);
  assert.equal(refusal(tilted(29)), undefined);
  assert.equal(refusal(tilted(41)), '41° from axial, limit 30°');
  assert.equal(refusal(tilted(180)), undefined, 'seen from the other side');
  assert.equal(refusal(tilted(90)), '90° from axial, limit 30°');
});

const CHESTS = {
  plain: SMALL,
  emphysema: { ...SMALL, emphysema: 0.25 },
  tilted: { ...SMALL, slices: 75, tiltDegrees: 15 },
  small: { ...SMALL, scale: 0.7, fieldOfView: 300 },
  large: { ...SMALL, slices: 72, scale: 1.12, fieldOfView: 500, matrix: 256 },
  noisy: { ...SMALL, noise: 60, noiseSmoothness: 0 },
  'cut off on both sides': { ...SMALL, fieldOfView: 250 },
  prone: { ...SMALL, orientation: 'prone' },
  'seen from the head': { ...SMALL, orientation: 'mirrored' },
} as const;

test('WR-GAT-07 chests of every kind pass, and lie inside the ranges that are computed from them', () => {
  const cases = Object.entries(CHESTS).map(([name, options]) => {
    const volume = phantomVolume(chestCt(options), memory.allocate);
    assert.equal(gateVolume(volume, card, input), undefined, name);
    return { volume, statistics: statisticsOfVolume(volume) };
  });
  const ranges = referenceRanges(cases.map(({ statistics }) => statistics));
  const reference = { source: 'phantoms', cases: cases.length, coveredPercent: 100, ranges };
  for (const { volume } of cases) assert.equal(gateVolume(volume, card, { ...input, reference }), undefined);
  const abdomen = phantomVolume(abdomenCt({ matrix: 208 }), memory.allocate);
  assert.equal(gateVolume(abdomen, card, { ...input, reference })?.skipped.code, 'out-of-distribution');
});

test('WR-GAT-07 ranges reach beyond the cases, stay within what a percentage can be, and keep every case inside', () => {
  const ranges = referenceRanges([
    { mean: -600, airPercent: 1, denseBehindPercent: -2, bodyAspect: 0.5 },
    { mean: -500, airPercent: 99, denseBehindPercent: 12, extentRowMm: 300 },
  ]);
  assert.deepEqual(ranges, {
    mean: { minimum: -630, maximum: -470 },
    airPercent: { minimum: 0, maximum: 100 },
    denseBehindPercent: { minimum: -4.8, maximum: 14.8 },
  });
});

test('WR-GAT-08 the statistics do not hang on how rows, columns and slices run', () => {
  const supine = statisticsOfVolume(chest);
  const turned = statisticsOfVolume(phantomVolume(chestCt({ ...SMALL, orientation: 'mirrored' }), memory.allocate));
  for (const name of ['airPercent', 'softPercent', 'bonePercent', 'asymmetryPercent', 'denseBehindPercent'] as const)
    assert.ok(Math.abs(supine[name]! - turned[name]!) < 1.5, `${name}: ${supine[name]} and ${turned[name]}`);
});
