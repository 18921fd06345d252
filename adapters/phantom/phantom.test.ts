import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { isSkipped } from '../../src/reasons.ts';
import { part10Reader } from '../part10/reader.ts';
import { type ChestCtOptions, chestCt } from './chest-ct.ts';
import { abdomenStudy, headStudy, phantomStudy, scoutFiles } from './phantom-study.ts';
import { TISSUE } from './raster.ts';

const SMALL: ChestCtOptions = { matrix: 96, slices: 40, sliceSpacing: 7.5, keepSlices: true };

function digest(parts: Iterable<Uint8Array | Int16Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

test('WR-MOD-12 the same options give the same voxels, truth and files; another seed gives others', () => {
  const options = { ...SMALL, emphysema: 0.1 };
  assert.equal(digest(chestCt(options).slices), digest(chestCt(options).slices));
  assert.notEqual(digest(chestCt(options).slices), digest(chestCt({ ...options, seed: 2 }).slices));
  assert.deepEqual(chestCt(options).truth, chestCt(options).truth);
  assert.equal(digest(phantomStudy(options)), digest(phantomStudy(options)));
});

test('WR-MOD-12 without noise and blur between, the share below -950 HU is the emphysema asked for', () => {
  for (const emphysema of [0, 0.05, 0.25]) {
    const { truth } = chestCt({ ...SMALL, matrix: 256, sliceThickness: 1, noise: 2, emphysema });
    assert.ok(Math.abs(truth.both.laa950Percent - 100 * emphysema) < 1.2, `${truth.both.laa950Percent} %`);
  }
});

test('WR-MOD-12 lungs have the volume, and truth does not depend on how they are cut into slices', () => {
  const coarse = chestCt(SMALL).truth.both;
  const fine = chestCt({ ...SMALL, slices: 100, sliceSpacing: 3, matrix: 128 }).truth.both;
  assert.ok(coarse.milliliters > 5500 && coarse.milliliters < 7000);
  assert.equal(coarse.milliliters, fine.milliliters);
  assert.ok(Math.abs(coarse.perc15Hu - fine.perc15Hu) <= 5);
});

test('WR-MOD-12 the right lung lies at negative x, whichever way the slices look', () => {
  for (const orientation of ['supine', 'prone', 'mirrored'] as const) {
    const ct = chestCt({ ...SMALL, orientation });
    const { imageOrientationPatient, pixelSpacing, columns } = ct.geometry;
    const k = 20;
    const [x0] = ct.geometry.imagePositionPatient(k);
    ct.slice(k).tissues.forEach((tissue, i) => {
      const x = x0 + (i % columns) * pixelSpacing[1] * imageOrientationPatient[0];
      if (tissue === TISSUE.rightLung) assert.ok(x < 0);
      if (tissue === TISSUE.leftLung) assert.ok(x > 0);
    });
  }
});

test('WR-MOD-12 a tilted slice is the same body: the trachea is found where the plane cuts it', () => {
  const ct = chestCt({ ...SMALL, tiltDegrees: 20 });
  const {
    imageOrientationPatient: [, , , , cosine, sine],
  } = ct.geometry;
  assert.ok(Math.abs(sine - Math.sin((20 * Math.PI) / 180)) < 1e-12);
  const k = 36;
  const [, y0, z0] = ct.geometry.imagePositionPatient(k);
  const rows = new Set<number>();
  ct.slice(k).tissues.forEach((tissue, i) => {
    if (tissue === TISSUE.airway) rows.add(Math.floor(i / ct.geometry.columns));
  });
  assert.ok(rows.size > 0);
  for (const row of rows) {
    const [y, z] = [y0 + row * ct.geometry.pixelSpacing[0] * cosine, z0 + row * ct.geometry.pixelSpacing[0] * sine];
    // the trachea runs from y = 24 at the carina to y = 20 at z = 230, radius 9
    assert.ok(z > 0 && Math.abs(y - (24 - (4 * z) / 230)) < 12, `y ${y}, z ${z}`);
  }
});

test('WR-MOD-12 files are read back with geometry, identity and exact values', () => {
  const options = { ...SMALL, slices: 3, tiltDegrees: 10, orientation: 'prone' } as const;
  const ct = chestCt(options);
  const headers = [...phantomStudy(options)].map((bytes, k) => {
    const instance = part10Reader.read(bytes);
    assert.ok(!isSkipped(instance));
    const stored = new Uint16Array(instance.frames[0]!.slice().buffer);
    assert.deepEqual(
      Int16Array.from(stored, (value) => value - 1024),
      ct.slice(k).voxels,
    );
    return instance;
  });
  const [first] = headers;
  const frame = first!.header.frames[0]!;
  assert.deepEqual(
    frame.imagePositionPatient?.map((v) => v.toFixed(4)),
    ct.geometry.imagePositionPatient(0).map((v) => v.toFixed(4)),
  );
  assert.deepEqual(
    [first!.header.gantryDetectorTilt, first!.header.patientPosition, frame.sliceThickness],
    [10, 'HFP', 7.5],
  );
  assert.equal(new Set(headers.map(({ header }) => header.sopInstanceUid)).size, 3);
  assert.equal(new Set(headers.map(({ header }) => header.studyInstanceUid)).size, 1);
  assert.equal(first!.study.patientName, 'Phantom^Chest');
});

test('WR-MOD-12 other bodies and scouts say what they are', () => {
  const headerOf = ([bytes]: readonly Uint8Array[]): unknown => {
    const instance = part10Reader.read(bytes!);
    assert.ok(!isSkipped(instance));
    return [instance.header.bodyPartExamined, instance.header.imageType[2]];
  };
  assert.deepEqual(headerOf([...headStudy({ matrix: 64, slices: 2 })]), ['HEAD', 'AXIAL']);
  assert.deepEqual(headerOf([...abdomenStudy({ matrix: 64, slices: 2 })]), ['ABDOMEN', 'AXIAL']);
  assert.deepEqual(headerOf([...scoutFiles()]), ['CHEST', 'LOCALIZER']);
});

test('WR-DET-14 nodules are where the phantom says: soft tissue there, in the lung of that side, lung where there is none', () => {
  const options = { ...SMALL, matrix: 192, noise: 5, nodules: { count: 4, smallestRadius: 6, largestRadius: 8 } };
  const [ct, without] = [chestCt(options), chestCt({ ...options, nodules: { ...options.nodules, count: 0 } })];
  assert.equal(ct.nodules.length, 4);
  for (const { center, side } of ct.nodules) {
    const nearest = Array.from({ length: ct.count }, (_, k) => k).reduce((best, k) => {
      const apart = (slice: number): number => Math.abs(ct.geometry.imagePositionPatient(slice)[2] - center[2]);
      return apart(k) < apart(best) ? k : best;
    });
    const [x, y] = ct.geometry.imagePositionPatient(nearest);
    const [betweenRows, betweenColumns] = ct.geometry.pixelSpacing;
    const [row, column] = [Math.round((center[1] - y) / betweenRows), Math.round((center[0] - x) / betweenColumns)];
    const at = row * ct.geometry.columns + column;
    assert.ok(ct.slice(nearest).voxels[at]! > -300, `${ct.slice(nearest).voxels[at]} HU`);
    assert.equal(without.slice(nearest).tissues[at], side === 'right' ? TISSUE.rightLung : TISSUE.leftLung);
  }
});
