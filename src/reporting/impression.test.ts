import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImpressionRule } from '../../contracts/generated/types.ts';
import { effusionFinding, findingsOf, lungFinding, volumeOf } from '../../test/support/findings.ts';
import { sampleVolume } from '../../test/support/sample-report.ts';
import { applyAffine } from '../assembly/geometry.ts';
import type { Volume } from '../assembly/volume.ts';
import { CT_CHEST } from '../codes.ts';
import type { Finding } from '../inference/findings.ts';
import { impressionOf } from './impression.ts';

const VOLUME = withoutKernel(sampleVolume({ shape: [12, 40, 30], spacing: [1.25, 0.5, 0.8] }));

function withoutKernel(volume: Volume): Volume {
  const { convolutionKernel: _, ...header } = volume.header;
  return {
    ...volume,
    header: { ...header, seriesNumber: 3, frames: [{ ...header.frames[0]!, sliceThickness: 1.25 }] },
  };
}

function sentences(finding: Finding, ...impression: ImpressionRule[]): string[] {
  const rule = { title: 'CT chest', procedure: CT_CHEST, scope: 'Only this was assessed.', impression };
  return impressionOf(findingsOf('ct-a', [finding]), VOLUME, rule).map(({ text }) => text);
}

test('WR-DRF-04 a rule speaks at its minimum and no more at the value that it ends below', () => {
  const low = { finding: 'lung-right', measure: 'volume', below: 100, text: 'small: {value}' };
  const high = {
    finding: 'lung-right',
    measure: 'volume',
    minimum: 100,
    text: 'large: {value}, {kernel}, {thickness}',
  };
  const said = (value: number): string[] => sentences(lungFinding([volumeOf(value)]), low, high);
  assert.deepEqual(said(99), ['small: 99 ml', 'Only this was assessed.']);
  assert.deepEqual(said(100), ['large: 100 ml, not recorded, 1.3 mm', 'Only this was assessed.']);
});

test('WR-DRF-04 a rule on presence speaks of that presence alone', () => {
  const rule = { finding: 'effusion', presence: 'present', text: 'Effusion ({probability}).' } as const;
  assert.deepEqual(sentences(effusionFinding('present', { probability: 0.9 }), rule), [
    'Effusion (0.90).',
    'Only this was assessed.',
  ]);
  for (const presence of ['absent', 'undetermined'] as const) {
    assert.deepEqual(sentences(effusionFinding(presence), rule), [
      'No measurement supports an impression.',
      'Only this was assessed.',
    ]);
  }
});

test('WR-DRF-04 a rule on a finding that is numbered speaks of each', () => {
  const rule = { finding: 'nodule', text: 'A nodule.' };
  assert.equal(sentences(effusionFinding('present', { key: 'nodule-2' }), rule)[0], 'A nodule.');
  assert.equal(sentences(effusionFinding('present', { key: 'nodule-bed' }), rule).length, 2);
  assert.match(sentences(effusionFinding('present', { key: 'nodule-bed' }), rule)[0]!, /^No measurement/);
});

test('WR-MND-01 several detections of one kind give sentences that a reader can tell apart and look up', () => {
  const slices = VOLUME.slices.map((slice, k) => ({ ...slice, instanceNumber: 101 + k }));
  const volume = { ...VOLUME, slices };
  const nodule = (number: number, k: number, row: number, column: number): Finding => {
    const [x, y, z] = applyAffine(VOLUME.affine, [k, row, column]);
    const { sopInstanceUid, sopClassUid } = slices[k]!;
    return effusionFinding('present', {
      key: `nodule-${number}`,
      region: { kind: 'patient-point', frameOfReferenceUid: VOLUME.frameOfReferenceUid, center: [x, y, z] },
      evidence: [{ sopInstanceUid, sopClassUid }],
    });
  };
  const impression = [{ finding: 'nodule', presence: 'present', text: 'A nodule at {place}.' } as const];
  const rule = { title: 'CT chest', procedure: CT_CHEST, scope: 'Only this was assessed.', impression };
  const found = findingsOf('ct-a', [nodule(1, 5, 19.4, 9), nodule(2, 5, 30, 9), nodule(3, 11, 0, 29)]);
  assert.deepEqual(
    impressionOf(found, volume, rule).map(({ text }) => text),
    [
      'A nodule at slice 7 of 12 (series 3, image 106, column 10, row 20).',
      'A nodule at slice 7 of 12 (series 3, image 106, column 10, row 31).',
      'A nodule at slice 1 of 12 (series 3, image 112, column 30, row 1).',
      'Only this was assessed.',
    ],
  );
});
