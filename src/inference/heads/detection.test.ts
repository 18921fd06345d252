import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OBLIQUE, sampleVolume } from '../../../test/support/sample-report.ts';
import type { Point3 } from '../../arrival/study.ts';
import { affineOf, applyAffine, indexOf } from '../../assembly/geometry.ts';
import type { Grid } from '../../assembly/grid.ts';
import type { Volume } from '../../assembly/volume.ts';
import { code, LEFT, LUNG, RIGHT } from '../../codes.ts';
import { WetreadError } from '../../errors.ts';
import { explain, isSkipped } from '../../reasons.ts';
import type { Finding } from '../findings.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse, Tensor } from '../tensor.ts';
import type { BoxOrder } from './box-order.ts';
import { volumeDetections } from './volume-detection.ts';

const tilted = sampleVolume({ orientation: OBLIQUE, shape: [20, 40, 30], spacing: [3, 0.7, 1.1], shear: 0.8 });
const NODULE = {
  category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
  concept: code('27925004', 'SCT', 'Nodule'),
  site: LUNG,
};
const OUTPUT: DetectionOutput = {
  kind: 'detection',
  places: { tensor: 'boxes', order: 'zyxzyx', unit: 'voxel', origin: 'voxel-corner' },
  scores: { tensor: 'scores', columns: 1, activation: 'none' },
  threshold: 0.5,
  maximumPerClass: 10,
  gate: [],
  classes: [{ key: 'nodule', ...NODULE, labels: [{ label: 0 }] }],
};

/** A grid turned against the volume, of another spacing along every axis. */
function gridOver(volume: Volume): Grid {
  const spacing = [1.5, 0.9, 1.2] as const;
  const origin = applyAffine(volume.affine, [1, 2, 1]);
  const affine = affineOf(origin, [0.05, 0, spacing[0]], [0, spacing[1], 0.1], [spacing[2], 0.04, 0]);
  return { shape: [40, 36, 24], affine, spacing };
}

const grid = gridOver(tilted);

function tensor(name: string, rows: readonly (readonly number[])[], width = rows[0]?.length ?? 1): Tensor {
  return { name, datatype: 'FP32', shape: [rows.length, width], data: Float32Array.from(rows.flat()) };
}

function answer(...outputs: readonly Tensor[]): InferenceResponse {
  return { outputs, provider: 'cpu' };
}

function found(outputs: readonly Tensor[], changes: Partial<DetectionOutput> = {}): readonly Finding[] {
  return read(outputs, changes).findings;
}

function read(outputs: readonly Tensor[], changes: Partial<DetectionOutput> = {}): OutputReading {
  const reading = volumeDetections(answer(...outputs), { ...OUTPUT, ...changes }, grid, tilted);
  if (isSkipped(reading)) assert.fail(explain(reading.skipped));
  return reading;
}

function centerOf({ region }: Finding): Point3 {
  if (region === undefined || !('center' in region)) assert.fail('not located in the patient');
  return region.center;
}

function assertNear(actual: Point3, expected: Point3, tolerance: number): void {
  const apart = Math.hypot(...actual.map((place, axis) => place - expected[axis]!));
  assert.ok(apart <= tolerance, `${actual.join(' ')} is ${apart} mm from ${expected.join(' ')}`);
}

/** A mark inside the volume, mm. */
const MARK = applyAffine(tilted.affine, [9.3, 17.6, 14.2]);

/** The same box in every order: 3 × 4 × 2 voxels around a centre, `[z, y, x]`. */
function columns(order: BoxOrder, [z, y, x]: Point3): readonly number[] {
  const [d, h, w] = [3, 4, 2];
  const [low, high] = [
    [z - d / 2, y - h / 2, x - w / 2],
    [z + d / 2, y + h / 2, x + w / 2],
  ] as unknown as [Point3, Point3];
  const forms: Partial<Record<BoxOrder, readonly number[]>> = {
    xyz: [x, y, z],
    zyx: [z, y, x],
    xyzxyz: [low[2], low[1], low[0], high[2], high[1], high[0]],
    zyxzyx: [...low, ...high],
    xyxyzz: [low[2], low[1], high[2], high[1], low[0], high[0]],
    xxyyzz: [low[2], high[2], low[1], high[1], low[0], high[0]],
    xyzwhd: [low[2], low[1], low[0], w, h, d],
    zyxdhw: [...low, d, h, w],
    cxcyczwhd: [x, y, z, w, h, d],
    czcycxdhw: [z, y, x, d, h, w],
  };
  return forms[order] ?? assert.fail(order);
}

const ORDERS_3D: readonly BoxOrder[] = [
  ...(['xyz', 'zyx', 'xyzxyz', 'zyxzyx', 'xyxyzz', 'xxyyzz'] as const),
  ...(['xyzwhd', 'zyxdhw', 'cxcyczwhd', 'czcycxdhw'] as const),
];

for (const order of ORDERS_3D)
  for (const origin of ['voxel-corner', 'voxel-center'] as const)
    test(`WR-DET-01 a mark at known millimetres returns there: ${order} from ${origin}`, () => {
      const index = indexOf(grid, MARK);
      const row = columns(order, origin === 'voxel-corner' ? [index[0] + 0.5, index[1] + 0.5, index[2] + 0.5] : index);
      const [finding] = found([tensor('boxes', [row]), tensor('scores', [[0.9]])], {
        places: { ...OUTPUT.places, order, origin },
      });
      assertNear(centerOf(finding!), MARK, 0.002);
      const { region, measurements } = finding!;
      if (region?.kind === 'patient-point') return assert.deepEqual(measurements, []);
      if (region?.kind !== 'patient-box') assert.fail(region?.kind);
      const lengths = region.edges.map((edge) => Math.hypot(...edge));
      const expected = [3, 4, 2].map((size, axis) => size * Math.hypot(...column(grid, axis)));
      for (const [axis, length] of lengths.entries()) assert.ok(Math.abs(length - expected[axis]!) < 0.002);
      assert.equal(measurements[0]?.value, Number(Math.max(...expected).toFixed(1)));
    });

function column({ affine }: Grid, axis: number): Point3 {
  return [affine[axis]!, affine[4 + axis]!, affine[8 + axis]!];
}

test('WR-DET-01 normalised places span the input, from its outer faces or between its outer centres', () => {
  const corner = found([tensor('boxes', [[0, 0, 0, 1, 1, 1]]), tensor('scores', [[1]])], {
    places: { ...OUTPUT.places, unit: 'normalised' },
  });
  const middle = applyAffine(grid.affine, [19.5, 17.5, 11.5]);
  assertNear(centerOf(corner[0]!), middle, 0.002);
  const region = corner[0]!.region;
  assert.ok(region?.kind === 'patient-box' && Math.abs(Math.hypot(...region.edges[2]) - 24 * 1.2) < 0.03);
  const points = found([tensor('boxes', [[0.5, 0.5, 0.5]]), tensor('scores', [[1]])], {
    places: { tensor: 'boxes', order: 'zyx', unit: 'normalised', origin: 'voxel-center' },
  });
  assertNear(centerOf(points[0]!), middle, 0.002);
});

test('WR-DET-01 a sphere has its radius in mm, and every detection the slice that shows it', () => {
  const index = indexOf(grid, MARK);
  const places = { tensor: 'rows', order: 'zyx', unit: 'voxel', origin: 'voxel-center' } as const;
  const [finding] = found([tensor('rows', [[...index, 4.25, 0.9]])], {
    places,
    radius: { tensor: 'rows', firstColumn: 3 },
    scores: { tensor: 'rows', firstColumn: 4, columns: 1, activation: 'none' },
  });
  assert.equal(finding?.region?.kind, 'patient-sphere');
  assert.equal(finding?.measurements[0]?.value, 8.5);
  assert.deepEqual(finding?.evidence, [
    { sopInstanceUid: tilted.slices[9]!.sopInstanceUid, sopClassUid: tilted.slices[9]!.sopClassUid },
  ]);
});

test('WR-DET-01 what lies outside the images is no detection', () => {
  const outside = indexOf(grid, applyAffine(tilted.affine, [9, 40.2, 14]));
  const row = columns('zyxzyx', [outside[0] + 0.5, outside[1] + 0.5, outside[2] + 0.5]);
  const [finding] = found([tensor('boxes', [row]), tensor('scores', [[0.9]])]);
  assert.equal(finding?.presence, 'absent');
});

const THREE = [0, 10, 20].map((z) => [z, 5, 5, z + 3, 8, 8]);
const inside = (rows: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  rows.map(([z, y, x, ...high]) => [z! + 6, y! + 6, x! + 4, high[0]! + 6, high[1]! + 6, high[2]! + 4]);

test('WR-DET-02 scores become probabilities: none, sigmoid, softmax, calibrated; the threshold is inclusive', () => {
  const boxes = tensor('boxes', inside(THREE));
  const probabilities = (scores: Tensor, changes: Partial<DetectionOutput>): readonly (number | undefined)[] =>
    found([boxes, scores], changes).map(({ probability }) => probability);
  assert.deepEqual(probabilities(tensor('scores', [[0.5], [0.49], [0.75]]), {}), [0.75, 0.5]);
  const sigmoid = { tensor: 'scores', columns: 1, activation: 'sigmoid' } as const;
  assert.deepEqual(probabilities(tensor('scores', [[0], [-1], [2]]), { scores: sigmoid }), [0.8808, 0.5]);
  const softmax = { tensor: 'scores', columns: 2, activation: 'softmax' } as const;
  const scores = tensor('scores', [
    [0, 0],
    [5, 0],
    [0, 1000],
  ]);
  const classes: DetectionOutput['classes'] = [{ key: 'nodule', ...NODULE, labels: [{ label: 1 }] }];
  assert.deepEqual(probabilities(scores, { scores: softmax, classes }), [1, 0.5]);
  const calibration = { slope: 0.5, intercept: -1 };
  const calibrated = probabilities(tensor('scores', [[4], [2.01], [1]]), { scores: sigmoid, calibration });
  assert.deepEqual(calibrated, [0.7311, 0.5012]);
});

test('WR-DET-02 a score that is no probability, a place that is none: the answer is refused, not passed over', () => {
  const refusals: readonly (readonly [RegExp, readonly Tensor[]])[] = [
    [/no probability/, [tensor('boxes', inside(THREE)), tensor('scores', [[Number.NaN], [0], [0]])]],
    [/no probability/, [tensor('boxes', inside(THREE)), tensor('scores', [[1.5], [0], [0]])]],
    [/no box/, [tensor('boxes', [[9, 9, 9, 3, 12, 12]]), tensor('scores', [[1]])]],
    [/no box/, [tensor('boxes', [[Number.NaN, 9, 9, 12, 12, 12]]), tensor('scores', [[1]])]],
    [/no output scores/, [tensor('boxes', inside(THREE))]],
    [/different numbers of rows/, [tensor('boxes', inside(THREE)), tensor('scores', [[1]])]],
    [
      /has shape \[3, 4\]/,
      [
        tensor(
          'boxes',
          [1, 2, 3].map(() => [1, 1, 1, 1]),
        ),
        tensor('scores', [[1], [1], [1]]),
      ],
    ],
  ];
  for (const [message, outputs] of refusals)
    assert.throws(
      () => found(outputs),
      (error) => error instanceof WetreadError && error.code === 'inference-failed' && message.test(error.message),
    );
});

test('WR-DET-03 of overlapping boxes the most probable stays, whatever the order of the rows', () => {
  const rows = inside([
    [0, 0, 0, 4, 4, 4],
    [1, 0, 0, 5, 4, 4],
    [0, 0, 0, 4, 4, 4],
    [9, 0, 0, 13, 4, 4],
  ]);
  const scores = [[0.8], [0.9], [0.8], [0.6]];
  const suppression = { kind: 'overlap', maximumOverlap: 0.5 } as const;
  const of = (places: readonly number[]): readonly Finding[] =>
    found(
      [
        tensor(
          'boxes',
          places.map((at) => rows[at]!),
        ),
        tensor(
          'scores',
          places.map((at) => scores[at]!),
        ),
      ],
      {
        suppression,
      },
    );
  const first = of([0, 1, 2, 3]);
  assert.deepEqual(
    first.map(({ key, probability }) => [key, probability]),
    [
      ['nodule-1', 0.9],
      ['nodule-2', 0.6],
    ],
  );
  assert.deepEqual(of([3, 2, 1, 0]), first);
  // of the same probability the lower slice comes first
  const ties = found([tensor('boxes', inside(THREE).toReversed()), tensor('scores', [[0.7], [0.7], [0.7]])]);
  const slices = ties.map((finding) => indexOf(grid, centerOf(finding))[0]);
  assert.deepEqual(
    slices,
    slices.toSorted((a, b) => a - b),
  );
});

test('WR-DET-03 an overlap of exactly the limit is none; points and spheres go by distance', () => {
  const half = inside([
    [0, 0, 0, 3, 4, 4],
    [1, 0, 0, 4, 4, 4],
  ]);
  const scores = tensor('scores', [[0.8], [0.9]]);
  assert.equal(
    found([tensor('boxes', half), scores], { suppression: { kind: 'overlap', maximumOverlap: 0.5 } }).length,
    2,
  );
  assert.equal(
    found([tensor('boxes', half), scores], { suppression: { kind: 'overlap', maximumOverlap: 0.49 } }).length,
    1,
  );
  const places = { tensor: 'boxes', order: 'zyx', unit: 'voxel', origin: 'voxel-corner' } as const;
  const points = tensor('boxes', [
    [12, 12, 12],
    [14, 12, 12],
  ]);
  const apart = (minimumDistanceMm: number): number =>
    found([points, scores], { places, suppression: { kind: 'distance', minimumDistanceMm } }).length;
  assert.deepEqual([apart(2.9), apart(3.1)], [2, 1]);
});

test('WR-DET-04 absent is stated class by class; labels carry sides; a list that is cut says so', () => {
  const classes: DetectionOutput['classes'] = [
    {
      key: 'nodule',
      ...NODULE,
      labels: [
        { label: 1, laterality: RIGHT },
        { label: 2, laterality: LEFT },
      ],
    },
    { key: 'mass', ...NODULE, concept: code('4147007', 'SCT', 'Mass'), labels: [{ label: 3 }] },
  ];
  const labels = tensor('labels', [[1], [2], [0]]);
  const outputs = [tensor('boxes', inside(THREE)), tensor('scores', [[0.6], [0.7], [0.9]]), labels];
  const changes = { labels: { tensor: 'labels' }, classes };
  const all = read(outputs, changes);
  assert.deepEqual(
    all.findings.map(({ key, presence, laterality }) => [key, presence, laterality?.meaning]),
    [
      ['nodule-1', 'present', 'Left'],
      ['nodule-2', 'present', 'Right'],
      ['mass', 'absent', undefined],
    ],
  );
  assert.deepEqual(all.notes, []);
  const cut = read(outputs, { ...changes, maximumPerClass: 1 });
  assert.deepEqual(
    cut.findings.map(({ key }) => key),
    ['nodule-1', 'mass'],
  );
  assert.deepEqual(cut.notes, ['Nodule: 2 were detected, only the 1 most probable are told.']);
});

test('WR-DET-05 rows may be fused, have a batch axis, or be none', () => {
  const fused = inside(THREE).map((row, at) => [...row, 0.9 - at / 10, 0]);
  const roles: Partial<DetectionOutput> = {
    places: { ...OUTPUT.places, tensor: 'rows' },
    scores: { tensor: 'rows', firstColumn: 6, columns: 1, activation: 'none' },
    labels: { tensor: 'rows', firstColumn: 7 },
  };
  const rows = tensor('rows', fused);
  const apart = found([tensor('boxes', inside(THREE)), tensor('scores', [[0.9], [0.8], [0.7]])]);
  assert.deepEqual(found([rows], roles), apart);
  assert.deepEqual(found([{ ...rows, shape: [1, 1, 3, 8] }], roles), apart);
  const none = found([tensor('rows', [], 8)], roles);
  assert.deepEqual(
    none.map(({ key, presence, region }) => [key, presence, region]),
    [['nodule', 'absent', undefined]],
  );
});

test('WR-DET-04 where too little was searched, nothing is told: neither present nor absent', () => {
  const gate = [{ tensor: 'searched', element: 1, meaning: 'left lung, ml', minimum: 300, maximum: 6000 }];
  const outputs = [tensor('boxes', [], 6), tensor('scores', [], 1)];
  const reading = (milliliters: number): unknown =>
    volumeDetections(answer(...outputs, tensor('searched', [[900, milliliters]])), { ...OUTPUT, gate }, grid, tilted);
  assert.deepEqual(reading(12), {
    skipped: { code: 'wrong-body-part', detail: 'left lung, ml: 12.0, expected 300 to 6000' },
  });
  assert.ok(isSkipped(reading(Number.NaN) as OutputReading));
  assert.ok(!isSkipped(reading(900) as OutputReading));
  assert.throws(() => found(outputs, { gate }), /no output searched/);
});
