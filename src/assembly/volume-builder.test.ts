import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../test/support/random.ts';
import {
  assembleAll,
  CountedMemory,
  frameHeader,
  instance,
  type StackShape,
  seriesOf,
  stack,
  type TestInstance,
} from '../../test/support/slices.ts';
import type { ImageHeader } from '../arrival/study.ts';
import { referenceTo } from '../inference/findings-from.ts';
import type { NotRead } from '../ports.ts';
import { type ReasonCode, reason } from '../reasons.ts';
import { parseUid } from '../uid.ts';
import { add, applyAffine, cross, dot, normalise, scale } from './geometry.ts';
import { sliceVoxels, type Volume, voxelMilliliters } from './volume.ts';
import { volumeBuilder } from './volume-builder.ts';

const AXIAL: StackShape = { slices: 7, origin: [-10, 20, 100], step: [0, 0, 2.5] };

function build(
  instances: readonly TestInstance[],
  announced?: number,
): ReturnType<ReturnType<typeof volumeBuilder>['finish']> {
  const memory = new CountedMemory();
  const builder = volumeBuilder(seriesOf(instances, announced), memory.allocate, memory.release);
  const built = assembleAll(builder, instances);
  assert.equal(memory.held, built.volume === undefined ? 0 : 1, 'a volume owns one buffer, a refusal none');
  return built;
}

function read(
  instances: readonly TestInstance[],
  announced?: number,
): Volume & { readonly notRead: readonly NotRead[] } {
  const { volume, skipped, notRead } = build(instances, announced);
  assert.ok(volume !== undefined, `refused: ${skipped?.code} ${skipped?.detail}`);
  return { ...volume, notRead };
}

function refusal(instances: readonly TestInstance[]): { readonly code: ReasonCode; readonly detail?: string } {
  const { volume, skipped } = build(instances);
  assert.equal(volume, undefined);
  return skipped!;
}

/** A volume without what depends on arrival: slot numbers and the order of voxels in memory. */
function essence({ voxels: _voxels, slices, ...rest }: Volume, values: (k: number) => unknown): unknown {
  return { ...rest, slices: slices.map(({ slot: _slot, ...slice }, k) => ({ ...slice, values: values(k) })) };
}

const codes = (reasons: readonly { readonly code: ReasonCode }[]): readonly ReasonCode[] =>
  reasons.map(({ code }) => code);

test('WR-ASM-01 slices ascend along the normal whatever their numbers, and the affine says where they lie', () => {
  const volume = read(stack({ ...AXIAL, step: [0, 0, -2.5], frame: { pixelSpacing: [0.7, 0.5] } }));
  assert.deepEqual(volume.shape, [7, 4, 6]);
  assert.deepEqual(
    volume.slices.map(({ imagePositionPatient }) => imagePositionPatient[2]),
    [85, 87.5, 90, 92.5, 95, 97.5, 100],
  );
  assert.deepEqual([...sliceVoxels(volume, 6)].slice(0, 8), [0, 1, 2, 3, 4, 5, 10, 11]);
  assert.deepEqual([...sliceVoxels(volume, 0)].slice(0, 2), [600, 601]);
  assert.deepEqual(applyAffine(volume.affine, [6, 3, 5]), [-10 + 5 * 0.5, 20 + 3 * 0.7, 100]);
  assert.deepEqual(volume.spacing, [2.5, 0.7, 0.5]);
  assert.equal(volume.header.instanceNumber, 4);
  assert.deepEqual([volume.notes, volume.notRead], [[], []]);
});

test('WR-ASM-02 any order of arrival gives the same volume', () => {
  for (let seed = 0; seed < 40; seed++) {
    const chance = random(seed);
    const axes = { row: normalise([1, chance.between(-0.5, 0.5), 0.2]) };
    const column = normalise(cross(cross(axes.row, [0, 1, chance.between(-0.5, 0.5)]), axes.row));
    const normal = cross(axes.row, column);
    const step = add(
      scale(normal, chance.between(0.5, 4) * chance.pick([-1, 1])),
      scale(column, chance.between(-0.5, 0.5)),
    );
    const regular = stack({ slices: chance.integer(3, 12), row: axes.row, column, step });
    const repeated = [regular[1]!, instance(90, regular[1]!.header.frames, {}, regular[1]!.pixels)];
    const localizer = instance(0, [frameHeader([0, 0, 0], { row: [0, 1, 0], column: [0, 0, -1] })], {
      imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
    });
    const series = [...regular, repeated[1]!, localizer];
    const expected = read(series);
    const shuffled = read(chance.shuffled(series));
    assert.deepEqual(
      essence(shuffled, (k) => sliceVoxels(shuffled, k)),
      essence(expected, (k) => sliceVoxels(expected, k)),
      `seed ${seed}`,
    );
  }
});

test('WR-ASM-03 more instances than announced are read too, and memory is given back', () => {
  const many = stack({ ...AXIAL, slices: 50 });
  for (const announced of [1, 3, 49]) {
    const volume = read(random(announced).shuffled(many), announced);
    assert.deepEqual(volume.shape, [50, 4, 6]);
    assert.deepEqual(
      volume.slices.map((_, k) => sliceVoxels(volume, k)[0]),
      many.map((_, k) => 100 * k),
    );
  }
});

test('WR-ASM-04 a missing slice is refused and its place named', () => {
  for (const missing of [1, 3, 5]) {
    const skipped = refusal(stack(AXIAL).filter((_, k) => k !== missing));
    assert.deepEqual(
      skipped,
      reason('slices-missing', `gap of 5.0 mm after slice ${missing} at ${(97.5 + 2.5 * missing).toFixed(1)} mm`),
    );
  }
  const holes = refusal(stack({ ...AXIAL, slices: 20 }).filter((_, k) => ![4, 5, 11].includes(k)));
  assert.deepEqual(holes, reason('slices-missing', 'gap of 7.5 mm after slice 4 at 107.5 mm and 1 more'));
});

test('WR-ASM-04 a slice that was placed and could not be decoded leaves a gap', () => {
  const memory = new CountedMemory();
  const instances = stack(AXIAL);
  const builder = volumeBuilder(seriesOf(instances), memory.allocate, memory.release);
  for (const one of instances) builder.place(one);
  builder.dropped(instances[2]!, 0, reason('decode-failed'));
  const { skipped, notRead } = builder.finish();
  assert.equal(skipped?.code, 'slices-missing');
  assert.deepEqual(notRead, [
    {
      seriesInstanceUid: '1.2.3.4',
      sopInstanceUid: instances[2]!.header.sopInstanceUid,
      count: 1,
      reason: reason('decode-failed'),
    },
  ]);
});

test('WR-ASM-05 distances that vary are refused; small jitter is read and noted', () => {
  const moved = (by: number): TestInstance[] =>
    stack(AXIAL).map((one, k) =>
      k === 3 ? instance(4, [frameHeader([-10, 20, 107.5 + by], { row: [1, 0, 0], column: [0, 1, 0] })]) : one,
    );
  assert.deepEqual(codes(read(moved(0.1)).notes), ['spacing-irregular']);
  assert.deepEqual(read(moved(0)).notes, []);
  assert.equal(refusal(moved(0.6)).code, 'spacing-irregular');
  const changing = [0, 4, 8, 12, 13, 20, 27].map((z, k) =>
    instance(k + 1, [frameHeader([0, 0, z], { row: [1, 0, 0], column: [0, 1, 0] })]),
  );
  assert.deepEqual(refusal(changing), reason('spacing-irregular', 'from 1.00 to 7.00 mm'));
});

test('WR-ASM-05 slices that jump within their plane are refused', () => {
  const jump = stack(AXIAL).map((one, k) =>
    k > 3 ? instance(k + 1, [frameHeader([-8, 20, 100 + 2.5 * k], { row: [1, 0, 0], column: [0, 1, 0] })]) : one,
  );
  assert.equal(refusal(jump).code, 'spacing-irregular');
});

test('WR-ASM-06 gantry tilt is carried by the affine and noted; voxels keep their volume', () => {
  const angle = (18.5 * Math.PI) / 180;
  const column = [0, Math.cos(angle), -Math.sin(angle)] as const;
  const volume = read(stack({ ...AXIAL, column, step: [0, 0, 3] }));
  assert.deepEqual(volume.notes, [reason('gantry-tilt', '18.5 degrees, carried by the affine')]);
  assert.ok(Math.abs(volume.spacing[0] - 3 * Math.cos(angle)) < 1e-9);
  assert.ok(Math.abs(voxelMilliliters(volume) - (3 * Math.cos(angle)) / 1000) < 1e-9);
  const corner = applyAffine(volume.affine, [6, 3, 5]);
  const expected = add([-10 + 5, 20, 100 + 18], scale(column, 3));
  assert.ok(
    corner.every((x, axis) => Math.abs(x - expected[axis]!) < 1e-9),
    corner.join(' '),
  );
  assert.equal(refusal(stack({ ...AXIAL, step: [0, 5, 2] })).code, 'gantry-tilt');
});

test('WR-ASM-07 identical slices at one position: one is read, noted', () => {
  const series = stack(AXIAL);
  const again = instance(99, series[3]!.header.frames, {}, series[3]!.pixels);
  const volume = read([again, ...series]);
  assert.deepEqual(volume.notes, [reason('duplicate-slice', '1 identical slices dropped')]);
  assert.equal(volume.slices[3]!.sopInstanceUid, series[3]!.header.sopInstanceUid);
  assert.deepEqual(codes(volume.notRead.map((row) => row.reason)), ['duplicate-slice']);
});

test('WR-ASM-07 different slices at one position: refused', () => {
  const series = stack(AXIAL);
  const other = instance(99, series[3]!.header.frames, {}, () => 7);
  assert.deepEqual(
    refusal([other, ...series]),
    reason('duplicate-slice', 'different slices at 1 positions, the first at 107.5 mm'),
  );
});

test('WR-ASM-08 mixed series: the majority is read, the rest set aside with the reason', () => {
  const at = (z: number): readonly [number, number, number] => [0, 0, z];
  const odd: readonly (readonly [ReasonCode, TestInstance])[] = [
    ['orientation-mixed', instance(80, [frameHeader(at(3), { row: [0, 1, 0], column: [0, 0, -1] })])],
    [
      'orientation-mixed',
      instance(81, [frameHeader(at(3), { row: normalise([1, 0.01, 0]), column: normalise([-0.01, 1, 0]) })]),
    ],
    [
      'matrix-mixed',
      instance(82, [frameHeader(at(3), { row: [1, 0, 0], column: [0, 1, 0] })], { rows: 6, columns: 4 }),
    ],
    [
      'matrix-mixed',
      instance(83, [frameHeader(at(3), { row: [1, 0, 0], column: [0, 1, 0] }, { pixelSpacing: [1, 1.01] })]),
    ],
    [
      'frame-of-reference-mixed',
      instance(84, [frameHeader(at(3), { row: [1, 0, 0], column: [0, 1, 0] })], {
        frameOfReferenceUid: parseUid('1.9'),
      }),
    ],
    [
      'pixel-format-unsupported',
      instance(85, [frameHeader(at(3), { row: [1, 0, 0], column: [0, 1, 0] })], { rescaleType: 'ED' }),
    ],
  ];
  for (const [code, one] of odd) {
    const volume = read([one, ...stack(AXIAL)]);
    assert.deepEqual(volume.shape, [7, 4, 6]);
    assert.deepEqual(volume.notRead, [
      { seriesInstanceUid: '1.2.3.4', sopInstanceUid: one.header.sopInstanceUid, count: 1, reason: reason(code) },
    ]);
  }
});

test('WR-ASM-08 mixed series without a majority: refused', () => {
  const half = (code: ReasonCode, change: Partial<ImageHeader>, shape: Partial<StackShape>): void => {
    const other = stack({ ...AXIAL, ...shape, header: change }).map((one) =>
      instance(one.header.instanceNumber! + 50, one.header.frames, change),
    );
    assert.deepEqual(refusal([...stack(AXIAL), ...other]), reason(code, 'groups of 7, 7 slices'));
  };
  half('orientation-mixed', {}, { row: [0, 1, 0], column: [0, 0, -1], step: [2.5, 0, 0] });
  half('matrix-mixed', { rows: 8 }, {});
  half('frame-of-reference-mixed', { frameOfReferenceUid: parseUid('1.9') }, {});
});

test('WR-ASM-09 several volumes at the same positions: the first complete one is read, noted', () => {
  const echoes = [3, 1, 2].flatMap((echo) =>
    stack({ ...AXIAL, pixels: (k) => () => 1000 * echo + k }).map((one, k) =>
      instance(
        100 * echo + k,
        one.header.frames.map((frame) => ({ ...frame, marks: { echo: String(echo) } })),
        {},
        one.pixels,
      ),
    ),
  );
  const volume = read(random(9).shuffled(echoes));
  assert.deepEqual(
    volume.slices.map((_, k) => sliceVoxels(volume, k)[0]),
    [1000, 1001, 1002, 1003, 1004, 1005, 1006],
  );
  assert.deepEqual(volume.notes, [reason('several-volumes', '3 by echo; the first complete one is read')]);
  assert.deepEqual(
    volume.notRead.map(({ count }) => count),
    [14],
  );

  const incomplete = echoes.filter((one) => one.header.instanceNumber !== 102);
  const second = read(incomplete);
  assert.equal(sliceVoxels(second, 0)[0], 2000);
});

test('WR-ASM-09 several volumes that nothing tells apart: refused', () => {
  const twice = [0, 1].flatMap((part) =>
    stack({ ...AXIAL, pixels: (k) => () => 100 * part + k }).map((one, k) =>
      instance(2 * k + part, one.header.frames, {}, one.pixels),
    ),
  );
  assert.deepEqual(refusal(twice), reason('several-volumes', 'nothing tells them apart'));
});

test('WR-ASM-10 what is no slice is set aside before it is decoded', () => {
  const header = (change: Partial<ImageHeader>): TestInstance => instance(70, stack(AXIAL)[3]!.header.frames, change);
  const kinds: readonly (readonly [ReasonCode, Partial<ImageHeader>])[] = [
    ['localizer', { imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] }],
    ['dose-sheet', { imageType: ['DERIVED', 'SECONDARY', 'DOSE_INFO'], sopClassUid: '1.2.840.10008.5.1.4.1.1.7' }],
    ['dose-sheet', { imageType: ['DERIVED', 'SECONDARY', 'OTHER', 'CT_SOM5 PROT'] }],
    ['dose-sheet', { seriesDescription: 'Dose Report' }],
    ['screenshot', { sopClassUid: '1.2.840.10008.5.1.4.1.1.7' }],
    ['screenshot', { sopClassUid: '1.2.840.10008.5.1.4.1.1.7.2' }],
    ['screenshot', { imageType: ['DERIVED', 'SECONDARY', 'SCREEN SAVE'] }],
    ['screenshot', { burnedInAnnotation: 'YES' }],
    ['derived-image', { imageType: ['DERIVED', 'SECONDARY', 'MIP'] }],
    ['derived-image', { imageType: ['DERIVED', 'PRIMARY', 'PROJECTION IMAGE'] }],
    ['derived-image', { volumeBasedCalculationTechnique: 'MIN_IP' }],
    ['color-image', { samplesPerPixel: 3, photometricInterpretation: 'RGB', bitsAllocated: 8, bitsStored: 8 }],
    ['pixel-format-unsupported', { bitsAllocated: 32, bitsStored: 32 }],
    ['pixel-format-unsupported', { imageType: ['ORIGINAL', 'PRIMARY', 'M', 'ND', 'MOSAIC'] }],
    ['geometry-missing', { frames: [{ rescaleSlope: 1, rescaleIntercept: 0 }] }],
    ['geometry-missing', { numberOfFrames: 2 }],
    ['geometry-missing', { frames: [frameHeader([0, 0, 0], { row: [1, 0, 0], column: [1, 0, 0] })] }],
    [
      'geometry-missing',
      { frames: [frameHeader([0, 0, 0], { row: [1, 0, 0], column: [0, 1, 0] }, { pixelSpacing: [0, 1] })] },
    ],
    ['geometry-missing', { frames: [frameHeader([0, 0, 0], { row: [1, 0, 0], column: [0, Number.NaN, 0] })] }],
  ];
  for (const [code, change] of kinds) {
    const volume = read([header(change), ...stack(AXIAL)]);
    assert.deepEqual(volume.shape, [7, 4, 6]);
    assert.deepEqual(codes(volume.notRead.map((row) => row.reason)), [code], JSON.stringify(change));
    assert.equal(refusal([header(change)]).code, code);
  }
});

test('WR-ASM-10 derived slices that are still slices are read', () => {
  const reformatted = {
    imageType: ['DERIVED', 'SECONDARY', 'REFORMATTED', 'AVERAGE'],
    volumeBasedCalculationTechnique: 'NONE',
  };
  assert.deepEqual(read(stack({ ...AXIAL, header: reformatted })).notRead, []);
});

test('WR-ASM-11 fewer than three slices are no volume', () => {
  assert.deepEqual(refusal(stack({ ...AXIAL, slices: 1 })), reason('too-few-slices', '1 slice'));
  assert.deepEqual(refusal(stack({ ...AXIAL, slices: 2 })), reason('too-few-slices', '2 slices'));
  assert.deepEqual(read(stack({ ...AXIAL, slices: 3 })).shape, [3, 4, 6]);
});

test('WR-ASM-12 full-range unsigned values come back through shift and intercept; padding moves along', () => {
  const unsigned = { pixelRepresentation: 0, bitsStored: 16, pixelPadding: { low: 63536, high: 63536 } } as const;
  const pixels = (k: number) => (r: number, c: number) => (c === 5 ? 63536 : 60000 + 10 * k + r);
  const volume = read(
    stack({ ...AXIAL, header: unsigned, frame: { rescaleSlope: 0.5, rescaleIntercept: -1024 }, pixels }),
  );
  const { slope, intercept } = volume.slices[2]!;
  assert.equal(sliceVoxels(volume, 2)[6]! * slope + intercept, (60000 + 20 + 1) * 0.5 - 1024);
  assert.equal(sliceVoxels(volume, 2)[5], 63536 - 32768);
  assert.deepEqual(volume.padding, { low: 63536 - 32768, high: 63536 - 32768 });
});

test('WR-ASM-12 slope and intercept stay with their slice; padding that varies counts as image', () => {
  const pet = { modality: 'PT', rescaleType: 'BQML' };
  const series = stack(AXIAL).map(({ header }, k) =>
    instance(
      k + 1,
      header.frames.map((frame) => ({ ...frame, rescaleSlope: k + 0.5 })),
      { ...pet, pixelPadding: { low: k === 1 ? 5 : 0, high: 5 } },
    ),
  );
  const volume = read(series);
  assert.deepEqual(
    volume.slices.map(({ slope }) => slope),
    [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
  );
  assert.equal(volume.units, 'BQML');
  assert.equal(volume.padding, undefined);
});

test('WR-ASM-12 units: HU for CT that says nothing, none for what is unspecified', () => {
  const unitsOf = (header: Partial<ImageHeader>): string => read(stack({ ...AXIAL, header })).units;
  assert.equal(unitsOf({}), 'HU');
  assert.equal(unitsOf({ rescaleType: 'HU' }), 'HU');
  assert.equal(unitsOf({ rescaleType: 'US' }), 'none');
  assert.equal(unitsOf({ modality: 'MR' }), 'none');
});

test('WR-ASM-12 a modality LUT is applied by the decoder: its output needs no rescale', () => {
  const values = new Uint16Array([0, 40_000]);
  const volume = read(
    stack({
      ...AXIAL,
      header: { modalityLut: { firstMapped: 0, values } },
      frame: { rescaleSlope: 9, rescaleIntercept: 9 },
    }),
  );
  assert.deepEqual([volume.slices[0]!.slope, volume.slices[0]!.intercept], [1, 32_768]);
});

test('WR-MND-03 a slice of an enhanced image is referred to by its frame, that of a single-frame image without', () => {
  const slices = stack({ ...AXIAL, slices: 12 });
  const frames = slices.map((one) => one.header.frames[0]!);
  const enhanced = read([instance(1, frames, { sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1' })]);
  assert.deepEqual(
    [0, 6, 11].map((k) => referenceTo(enhanced, k).frameNumber),
    [1, 7, 12],
  );
  const single = read(slices);
  assert.equal(referenceTo(single, 6).frameNumber, undefined);
  assert.deepEqual(
    single.slices.map(({ instanceNumber }) => instanceNumber),
    slices.map(({ header }) => header.instanceNumber),
  );
});

test('WR-ASM-13 frames of one or several enhanced instances make one volume', () => {
  const frames = stack({ ...AXIAL, slices: 12 }).map((one) => one.header.frames[0]!);
  const whole = instance(1, frames, { sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1' }, (r, c, f) => 100 * f + 10 * r + c);
  const volume = read([whole]);
  assert.deepEqual(volume.shape, [12, 4, 6]);
  assert.deepEqual(
    volume.slices.map(({ frameNumber }) => frameNumber),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
  assert.equal(sliceVoxels(volume, 11)[0], 1100);
  assert.deepEqual(volume.header.frames, [frames[6]]);
  assert.equal(volume.header.numberOfFrames, 12, 'so that references name the frame');

  const parts = [frames.slice(7), frames.slice(0, 7)].map((some, part) =>
    instance(part, some, {}, (_r, _c, f) => 10 * part + f),
  );
  const joined = read(parts);
  assert.deepEqual(
    joined.slices.map((_, k) => sliceVoxels(joined, k)[0]),
    [10, 11, 12, 13, 14, 15, 16, 0, 1, 2, 3, 4],
  );
});

test('WR-ASM-14 a mark in the patient keeps its place in any orientation', () => {
  for (let seed = 0; seed < 60; seed++) {
    const chance = random(1000 + seed);
    const row = normalise([chance.between(-1, 1), chance.between(-1, 1), chance.between(-1, 1)]);
    const column = normalise(cross(cross(row, [chance.between(-1, 1), chance.between(-1, 1), 1]), row));
    const normal = cross(row, column);
    const shear = scale(column, chance.pick([0, chance.between(-0.6, 0.6)]));
    const step = scale(add(normal, shear), chance.between(0.6, 3) * chance.pick([-1, 1]));
    const shape: StackShape = {
      slices: 9,
      origin: [chance.between(-300, 300), 4, -50],
      row,
      column,
      step,
      frame: { pixelSpacing: [0.8, 1.3] },
    };
    const [k, r, c] = [chance.integer(0, 8), chance.integer(0, 3), chance.integer(0, 5)];
    const truth = add(add(add(shape.origin!, scale(step, k)), scale(column, r * 0.8)), scale(row, c * 1.3));
    const volume = read(
      chance.shuffled(stack({ ...shape, pixels: (slice) => (y, x) => Number(slice === k && y === r && x === c) })),
    );
    const place = volume.slices.findIndex((_, slice) => sliceVoxels(volume, slice).includes(1));
    const within = sliceVoxels(volume, place).indexOf(1);
    const found = applyAffine(volume.affine, [place, Math.floor(within / 6), within % 6]);
    const off = Math.sqrt(dot(add(found, scale(truth, -1)), add(found, scale(truth, -1))));
    assert.ok(off < 1e-6, `seed ${1000 + seed}: ${off} mm off`);
  }
});

test('WR-ASM-15 a series beyond the memory limit is refused as a whole', () => {
  const huge = stack({ ...AXIAL, slices: 3, header: { rows: 30_000, columns: 30_000 } });
  const memory = new CountedMemory();
  const builder = volumeBuilder(seriesOf(huge), memory.allocate, memory.release);
  const placed = huge.map((one) => builder.place(one));
  const limit = reason('decode-limit', 'more than 2 GiB of voxels');
  assert.deepEqual(placed.slice(1), [{ skipped: limit }, { skipped: limit }]);
  assert.deepEqual(builder.finish().skipped, limit);
  assert.equal(memory.held, 0);
});
