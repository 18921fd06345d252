import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard, packageOf } from '../../test/support/model-card.ts';
import type { Series, Study } from '../arrival/study.ts';
import { isSkipped } from '../reasons.ts';
import { nameBasedUid } from '../uid.ts';
import { selectModel } from './select-model.ts';

const packages = [packageOf(lungCard())];

function series(modality: string, count: number, seriesNumber = 1): Series {
  return {
    seriesInstanceUid: nameBasedUid('select', modality, String(count), String(seriesNumber)),
    modality,
    seriesNumber,
    instances: Array.from({ length: count }, (_, i) => ({
      sopInstanceUid: nameBasedUid('select', modality, String(count), String(i)),
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    })),
  };
}

function study(...all: readonly Series[]): Study {
  return { header: { studyInstanceUid: nameBasedUid('select'), requests: [] }, series: all };
}

test('WR-MOD-03 the series with the most instances comes first; series of other modalities are named', () => {
  const [scout, thick, thin, sharp, report] = [
    series('CT', 2),
    series('CT', 60, 2),
    series('CT', 300, 4),
    series('CT', 300, 3),
    series('SR', 1),
  ] as const;
  const selected = selectModel(study(scout, thick, thin, sharp, report), packages);
  assert.ok(!isSkipped(selected));
  assert.equal(selected.package, packages[0]);
  assert.deepEqual(
    selected.candidates.map(({ seriesNumber }) => seriesNumber),
    [3, 4, 2, 1],
  );
  assert.deepEqual(selected.others, [report]);
});

test('WR-MOD-03 no model reads the modality', () => {
  const detail = 'no model reads MR, SR';
  assert.deepEqual(selectModel(study(series('SR', 1), series('MR', 200)), packages), {
    skipped: { code: 'no-model-selected', detail },
  });
});

test('WR-MOD-03 without packages nothing is selected', () => {
  assert.deepEqual(selectModel(study(series('CT', 100)), []), {
    skipped: { code: 'no-model-selected', detail: 'no model package is loaded' },
  });
});

test('WR-MOD-03 the first package that finds a series reads the study', () => {
  const forMr = lungCard();
  const mr = packageOf({ ...forMr, name: 'mr', intendedUse: [{ ...forMr.intendedUse[0], modality: 'MR' }] });
  const selected = selectModel(study(series('CT', 100)), [mr, ...packages]);
  assert.ok(!isSkipped(selected));
  assert.equal(selected.package.card.name, 'ct-lung-density');
});
