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
