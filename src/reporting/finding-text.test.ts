import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effusionFinding, lungFinding, volumeOf } from '../../test/support/findings.ts';
import { BILATERAL, LEFT } from '../codes.ts';
import { findingText, findingTitle } from './finding-text.ts';

test('WR-DRF-03 an organ is called by its side, what was found by its place', () => {
  assert.equal(findingTitle(lungFinding([])), 'Right lung');
  assert.equal(findingTitle(lungFinding([], { laterality: BILATERAL })), 'Both lungs');
  assert.equal(findingTitle(effusionFinding('present', { laterality: LEFT })), 'Pleural effusion, left pleura');
  const { site: _, ...nowhere } = effusionFinding('present');
  assert.equal(findingTitle(nowhere), 'Pleural effusion');
});

test('WR-DRF-03 presence is stated, absence too, and then what was measured', () => {
  const { site: _, ...effusion } = effusionFinding('absent', { probability: 0.034 });
  assert.equal(findingText(effusion), 'Pleural effusion: absent (probability 0.03).');
  assert.equal(
    findingText({ ...effusion, presence: 'undetermined' }),
    'Pleural effusion: undetermined (probability 0.03).',
  );
  assert.equal(
    findingText({ ...effusion, presence: 'present', probability: 0.91, measurements: [volumeOf(42)] }),
    'Pleural effusion: present (probability 0.91), volume 42 ml.',
  );
  assert.equal(
    findingText(lungFinding([volumeOf(2410, { name: 'aerated volume' })])),
    'Right lung: aerated volume 2,410 ml.',
  );
  assert.equal(findingText(lungFinding([])), 'Right lung.');
});

test('WR-MEA-07 parts are told by number, counts without decimals, sizes to a tenth of a millimetre', () => {
  const part = lungFinding([volumeOf(42)], { component: { number: 2, segmentNumbers: [1] } });
  assert.equal(findingTitle(part), 'Right lung, part 2');
  const measured = (ucum: string, value: number): string =>
    findingText(lungFinding([{ ...volumeOf(value), name: 'x', unit: { value: ucum, scheme: 'UCUM', meaning: ucum } }]));
  assert.equal(measured('1', 3), 'Right lung: x 3.');
  assert.equal(measured('mm', 41.26), 'Right lung: x 41.3 mm.');
  assert.equal(measured('a', 12.6), 'Right lung: x 12.6 a.');
  assert.equal(measured('1', 0.6214), 'Right lung: x 0.62.');
});
