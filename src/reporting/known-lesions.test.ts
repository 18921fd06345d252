import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effusionFinding, findingsOf } from '../../test/support/findings.ts';
import { random } from '../../test/support/random.ts';
import { sampleReport, sampleSegmentation, sampleVolume } from '../../test/support/sample-report.ts';
import type { Finding, Findings, Region } from '../inference/findings.ts';
import { withKnownKeys } from './known-lesions.ts';
import type { Report } from './report.ts';

type Center = [number, number, number];

const sphere = (center: Center, frameOfReferenceUid = '1.2.9'): Region => {
  return { kind: 'patient-sphere', frameOfReferenceUid, center, radiusMm: 4 };
};
const point = (...center: Center): Region => ({ kind: 'patient-point', frameOfReferenceUid: '1.2.9', center });

function found(key: string, region: Region, probability = 0.5): Finding {
  return effusionFinding('present', { key, region, probability });
}

function reportOf(...findings: Finding[]): Report {
  return { ...sampleReport(sampleSegmentation(sampleVolume())), readings: [findingsOf('nodules', findings)] };
}

function keysOf({ findings }: Findings): readonly string[] {
  return findings.map(({ key }) => key);
}

function keysNow(last: Report | undefined, ...findings: Finding[]): readonly string[] {
  return keysOf(withKnownKeys(findingsOf('nodules', findings), ['nodule'], last));
}

test('WR-MND-04 lesions keep their keys where probabilities change their order and places move a little', () => {
  const last = reportOf(found('nodule-1', sphere([0, 0, 0]), 0.9), found('nodule-2', sphere([50, 0, 0]), 0.8));
  const now = [found('nodule-1', sphere([51, 1, 0]), 0.95), found('nodule-2', sphere([0, -1, 2]), 0.85)];
  assert.deepEqual(keysNow(last, ...now), ['nodule-2', 'nodule-1']);
  assert.deepEqual(
    keysNow(undefined, ...now),
    ['nodule-1', 'nodule-2'],
    'a first draft numbers as the model tells them',
  );
});

test('WR-MND-04 a new lesion has a number that the last draft gave to none, whichever vanished', () => {
  const last = reportOf(found('nodule-1', sphere([0, 0, 0])), found('nodule-3', sphere([50, 0, 0])));
  const now = [found('nodule-1', sphere([0, 90, 0])), found('nodule-2', sphere([50, 0, 0]))];
  assert.deepEqual(keysNow(last, ...now), ['nodule-4', 'nodule-3']);
  assert.deepEqual(keysNow(reportOf(effusionFinding('absent', { key: 'nodule' })), ...now), ['nodule-1', 'nodule-2']);
});

test('WR-MND-04 of several near each other, those that share most are the same', () => {
  const last = reportOf(found('nodule-1', sphere([0, 0, 0])), found('nodule-2', sphere([5, 0, 0])));
  const now = [found('nodule-1', sphere([4.5, 0, 0])), found('nodule-2', sphere([-1, 0, 0]))];
  assert.deepEqual(keysNow(last, ...now), ['nodule-2', 'nodule-1']);
});

test('WR-MND-04 the same findings again have the same keys, in whatever order they are told', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const numbers = random(seed);
    const centers = Array.from({ length: 8 }, (): Center => [numbers.integer(0, 20), numbers.integer(0, 20), 0]);
    const first = centers.map((center, at) => found(`nodule-${at + 1}`, sphere(center)));
    const last = reportOf(...first);
    assert.deepEqual(
      keysNow(last, ...first),
      first.map(({ key }) => key),
    );
    const told = first.toReversed().map((finding, at) => ({ ...finding, key: `nodule-${at + 1}` }));
    const placed = keysNow(last, ...told).map((key, at) => [key, told[at]!.region]);
    const before = new Map(first.map(({ key, region }) => [key, region]));
    for (const [key, region] of placed) assert.deepEqual(region, before.get(key as string));
  }
});

test('WR-MND-04 another frame of reference, image, class or model is another lesion', () => {
  const here = sphere([0, 0, 0]);
  const last = reportOf(found('nodule-7', here));
  assert.deepEqual(keysNow(last, found('nodule-1', here)), ['nodule-7']);
  assert.deepEqual(keysNow(last, found('nodule-1', sphere([0, 0, 0], '1.2.10'))), ['nodule-8']);
  assert.deepEqual(keysNow(last, found('mass-1', here)), ['mass-1']);
  assert.deepEqual(keysOf(withKnownKeys(findingsOf('other', [found('nodule-1', here)]), ['nodule'], last)), [
    'nodule-1',
  ]);
  const on = (sopInstanceUid: string, left: number): Region => {
    const image = { sopInstanceUid, sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' };
    return { kind: 'image-box', image, minimum: [left, 0], maximum: [left + 20, 30] };
  };
  const images = reportOf(found('nodule-1-2', on('1.2.3', 0)), found('nodule-2-2', on('1.2.3', 100)));
  const now = [found('nodule-1-3', on('1.2.3', 95)), found('nodule-1-2', on('1.2.4', 95))];
  assert.deepEqual(keysNow(images, ...now), ['nodule-2-2', 'nodule-3-2'], 'a late image came before it');
});

test('WR-MND-04 points are the same within a few millimetres, and on an image within a few pixels', () => {
  const last = reportOf(found('nodule-2', point(0, 0, 0)));
  assert.deepEqual(keysNow(last, found('nodule-1', point(3, 0, 0))), ['nodule-2']);
  assert.deepEqual(keysNow(last, found('nodule-1', point(9, 0, 0))), ['nodule-3']);
  const image = { sopInstanceUid: '1.2.3', sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' };
  const at = (column: number): Region => ({ kind: 'image-point', image, point: [column, 50] });
  assert.deepEqual(keysNow(reportOf(found('nodule-2', at(100))), found('nodule-1', at(112))), ['nodule-2']);
  assert.deepEqual(keysNow(reportOf(found('nodule-2', at(100))), found('nodule-1', at(140))), ['nodule-3']);
});

test('WR-MND-04 an oblique box is the box around it', () => {
  const box = (shift: number): Region => ({
    kind: 'patient-box',
    frameOfReferenceUid: '1.2.9',
    center: [shift, 0, 0],
    edges: [
      [4, 4, 0],
      [-4, 4, 0],
      [0, 0, 6],
    ],
  });
  const last = reportOf(found('nodule-2', box(0)));
  assert.deepEqual(keysNow(last, found('nodule-1', box(6))), ['nodule-2']);
  assert.deepEqual(keysNow(last, found('nodule-1', box(7))), ['nodule-3']);
});
