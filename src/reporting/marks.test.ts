import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effusionFinding } from '../../test/support/findings.ts';
import { imageFrame, imageSet } from '../../test/support/image-frames.ts';
import { OBLIQUE, sampleReport, sampleSegmentation, sampleVolume } from '../../test/support/sample-report.ts';
import type { Point3 } from '../arrival/study.ts';
import { applyAffine, indexOf } from '../assembly/geometry.ts';
import type { Volume } from '../assembly/volume.ts';
import { code } from '../codes.ts';
import type { Finding, Findings, Region } from '../inference/findings.ts';
import { findingText } from './finding-text.ts';
import { imageMarks, marksOf } from './marks.ts';
import { placeText } from './place-text.ts';
import { readingPlace } from './reading-order.ts';

const axial = sampleVolume({ shape: [12, 40, 30], spacing: [2, 0.5, 0.8] });
const tilted = sampleVolume({ orientation: OBLIQUE, shape: [20, 40, 30], spacing: [3, 0.7, 1.1], shear: 0.8 });

function findingsOf(region: Region, changes: Partial<Finding> = {}): Findings {
  const [{ algorithm, evidence, seriesInstanceUid }] = sampleReport(sampleSegmentation(sampleVolume())).readings;
  const finding: Finding = {
    key: 'nodule-1',
    category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
    concept: code('27925004', 'SCT', 'Nodule'),
    presence: 'present',
    probability: 0.87,
    region,
    measurements: [],
    evidence: [],
    ...changes,
  };
  return { algorithm, seriesInstanceUid, evidence, findings: [finding] };
}

/** Corners of the only mark: reading place and `[column, row]` of each. */
function shapesOf(volume: Volume, region: Region): readonly { slice: number; corners: readonly Point3[] }[] {
  const [mark] = marksOf(volume, findingsOf(region));
  return mark!.shapes.map(({ slice, points }) => {
    const k = Array.from(volume.slices, (_, at) => at).find((at) => readingPlace(volume, at) === slice)!;
    const corners = Array.from({ length: points.length / 2 }, (_, i): Point3 => {
      return applyAffine(volume.affine, [k, points[2 * i + 1]! - 0.5, points[2 * i]! - 0.5]);
    });
    return { slice, corners };
  });
}

const place = (volume: Volume, index: Point3): { frameOfReferenceUid: string; center: [number, number, number] } => {
  const [x, y, z] = applyAffine(volume.affine, index);
  return { frameOfReferenceUid: volume.frameOfReferenceUid, center: [x, y, z] };
};

test('WR-DET-09 a box on an axial volume is a rectangle on every slice that it crosses, head first', () => {
  const region: Region = {
    kind: 'patient-box',
    ...place(axial, [5, 20, 10]),
    edges: [
      [0, 0, 6.5],
      [0, 5, 0],
      [8, 0, 0],
    ],
  };
  const [mark] = marksOf(axial, findingsOf(region));
  assert.equal(mark?.findingKey, 'ct-lung-density/nodule-1');
  assert.equal(mark?.label, 'nodule-1  0.87');
  assert.deepEqual(
    mark?.shapes.map(({ slice }) => slice).toSorted((a, b) => a - b),
    [5, 6, 7],
  );
  const pairs = (points: readonly number[]): readonly string[] =>
    Array.from({ length: points.length / 2 }, (_, i) => `${points[2 * i]} ${points[2 * i + 1]}`).toSorted();
  for (const { points } of mark!.shapes)
    assert.deepEqual(pairs(points), ['15.5 15.5', '15.5 25.5', '5.5 15.5', '5.5 25.5']);
});

test('WR-DET-09 on oblique, tilted slices every corner of a sphere is its radius away from the middle', () => {
  const region: Region = { kind: 'patient-sphere', ...place(tilted, [9.4, 20.2, 14.7]), radiusMm: 5 };
  const shapes = shapesOf(tilted, region);
  assert.ok(shapes.length >= 3);
  for (const { corners } of shapes)
    for (const corner of corners) {
      const apart = Math.hypot(...corner.map((each, axis) => each - region.center[axis]!));
      assert.ok(Math.abs(apart - 5) < 0.02, `${apart} mm`);
    }
});

test('WR-DET-09 on oblique slices a cuboid is cut into a polygon whose corners lie on its faces', () => {
  const edges: [Point3, Point3, Point3] = [
    [1, 0, 9],
    [0, 8, 0],
    [7, 0, -0.8],
  ];
  const region: Region = {
    kind: 'patient-box',
    ...place(tilted, [9.4, 20.2, 14.7]),
    edges: edges.map((edge) => [...edge]) as [
      [number, number, number],
      [number, number, number],
      [number, number, number],
    ],
  };
  const shapes = shapesOf(tilted, region);
  assert.ok(shapes.some(({ corners }) => corners.length >= 4));
  for (const { corners } of shapes)
    for (const corner of corners) {
      const [a, b, c] = indexOf({ affine: boxAffine(region.center, edges) }, corner);
      const reach = Math.max(Math.abs(a), Math.abs(b), Math.abs(c));
      assert.ok(Math.abs(reach - 0.5) < 0.01, `${reach} of an edge from the middle`);
    }
});

function boxAffine([x, y, z]: Point3, [a, b, c]: readonly [Point3, Point3, Point3]): Volume['affine'] {
  return [a[0], b[0], c[0], x, a[1], b[1], c[1], y, a[2], b[2], c[2], z, 0, 0, 0, 1];
}

test('WR-DET-09 a point, and a box thinner than the gap between slices, are shown on the nearest slice', () => {
  const point: Region = { kind: 'patient-point', ...place(axial, [5.4, 20, 10]) };
  assert.deepEqual(marksOf(axial, findingsOf(point))[0]?.shapes, [{ slice: 6, points: [10.5, 20.5] }]);
  const thin: Region = {
    kind: 'patient-box',
    ...place(axial, [5.4, 20, 10]),
    edges: [
      [0, 0, 0.2],
      [0, 1, 0],
      [1, 0, 0],
    ],
  };
  assert.deepEqual(
    marksOf(axial, findingsOf(thin))[0]?.shapes.map(({ slice, points }) => [slice, points.length]),
    [[6, 8]],
  );
});

test('WR-DET-09 the draft names the slice as the page counts it; what has no region has no place', () => {
  const region: Region = { kind: 'patient-sphere', ...place(axial, [5, 20, 10]), radiusMm: 4 };
  const { sopInstanceUid, sopClassUid } = axial.slices[5]!;
  const [finding] = findingsOf(region, { evidence: [{ sopInstanceUid, sopClassUid }] }).findings;
  const where = 'slice 7 of 12 (series 2, column 11, row 21)';
  assert.equal(placeText(finding!, axial), where);
  assert.equal(findingText(finding!, placeText(finding!, axial)), `Nodule: present (probability 0.87), ${where}.`);
  const { region: _, ...nowhere } = finding!;
  assert.equal(placeText(nowhere, axial), undefined);
});

test('WR-DET-09 of several images the draft names the one that a finding is of, and none for what is said of all', () => {
  const images = imageSet([imageFrame([4, 4], () => 0), imageFrame([4, 4], () => 0)]);
  const [first, second] = images.images.map(({ header: { sopInstanceUid, sopClassUid } }) => {
    return { sopInstanceUid, sopClassUid };
  });
  const about = (...evidence: Finding['evidence']): Finding => effusionFinding('present', { evidence });
  assert.equal(placeText(about(second!), images), 'image 2 of 2');
  assert.equal(placeText(about(first!, second!), images), undefined);
  assert.equal(placeText(about(), images), undefined);
  assert.equal(placeText(about(first!), { ...images, images: [images.images[0]!] }), undefined);
});

test('WR-MND-01 on images the draft names the pixel; in a multi-frame volume the frame; no side, no organ', () => {
  const one = imageSet([imageFrame([40, 80], () => 0)]);
  const two = imageSet([imageFrame([40, 80], () => 0), imageFrame([40, 80], () => 0)]);
  const [image] = one.images.map(({ header: { sopInstanceUid, sopClassUid } }) => ({ sopInstanceUid, sopClassUid }));
  const on = (region: Region, evidence: Finding['evidence']): Finding => findingsOf(region, { evidence }).findings[0]!;
  const box = on({ kind: 'image-box', image: image!, minimum: [10, 20], maximum: [30, 40] }, [image!]);
  assert.equal(placeText(box, one), 'column 21, row 31');
  assert.equal(placeText(box, two), 'image 1 of 2 (column 21, row 31)');
  const corner = on({ kind: 'image-point', image: image!, point: [0.5, 0.5] }, [image!]);
  assert.equal(placeText(corner, one), 'column 1, row 1');

  const [{ sopInstanceUid, sopClassUid }] = axial.slices as [Volume['slices'][number]];
  const { seriesNumber: _, ...header } = axial.header;
  const slices = axial.slices.map((slice, k) => ({ ...slice, sopInstanceUid, frameNumber: k + 1, instanceNumber: 1 }));
  const enhanced: Volume = { ...axial, slices, header: { ...header, numberOfFrames: 12 } };
  const point: Region = { kind: 'patient-point', ...place(axial, [5, 20, 10]) };
  const found = on(point, [{ sopInstanceUid, sopClassUid, frameNumber: 6 }]);
  assert.equal(placeText(found, enhanced), 'slice 7 of 12 (frame 6, column 11, row 21)');
});

test('WR-DET-09 a box on an image is drawn on that image, and on no other', () => {
  const image = { sopInstanceUid: '1.2.3', sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' };
  const findings = findingsOf({ kind: 'image-box', image, minimum: [10, 20], maximum: [30, 44.5] });
  const [mark] = imageMarks({ sopInstanceUid: '1.2.3', frameNumber: 1 }, findings);
  assert.deepEqual(mark?.shapes, [{ slice: 0, points: [10, 20, 30, 20, 30, 44.5, 10, 44.5] }]);
  assert.deepEqual(imageMarks({ sopInstanceUid: '1.2.4', frameNumber: 1 }, findings), []);
  assert.deepEqual(imageMarks({ sopInstanceUid: '1.2.3', frameNumber: 2 }, findings), []);
  assert.deepEqual(marksOf(axial, findings), []);
});
