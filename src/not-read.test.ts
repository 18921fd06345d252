import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Series } from './arrival/study.ts';
import { mainReason, NotReadList } from './not-read.ts';
import { reason } from './reasons.ts';
import type { SeriesInstanceUid, SopInstanceUid } from './uid.ts';

function series(uid: string, instances: number): Series {
  const listed = Array.from({ length: instances }, (_, i) => ({
    sopInstanceUid: `${uid}.${i + 1}` as SopInstanceUid,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  }));
  return { seriesInstanceUid: uid as SeriesInstanceUid, modality: 'CT', instances: listed };
}

const LOCALIZER = reason('localizer');
const FEW = reason('too-few-slices', '1 slice');

test('WR-CON-01 the reason of a series stands for the instances that no other row names', () => {
  const list = new NotReadList();
  list.add({ seriesInstanceUid: '1.1', sopInstanceUid: '1.1.1', count: 1, reason: LOCALIZER });
  list.add({ seriesInstanceUid: '1.1', count: 1, reason: reason('truncated-file') });
  list.add({ seriesInstanceUid: '1.1', count: 1, reason: reason('truncated-file') });
  list.addSeries(series('1.1', 5), FEW);
  list.addSeries(series('1.2', 3), FEW);
  assert.deepEqual(list.rows(), [
    { seriesInstanceUid: '1.1', sopInstanceUid: '1.1.1', count: 1, reason: LOCALIZER },
    { seriesInstanceUid: '1.1', count: 2, reason: reason('truncated-file') },
    { seriesInstanceUid: '1.1', count: 2, reason: FEW },
    { seriesInstanceUid: '1.2', count: 3, reason: FEW },
  ]);
});

test('WR-CON-01 a series whose instances all have a row is not told again, unless for another reason', () => {
  const list = new NotReadList();
  list.add({ seriesInstanceUid: '1.1', sopInstanceUid: '1.1.1', count: 1, reason: LOCALIZER });
  list.addSeries(series('1.1', 1), LOCALIZER);
  assert.equal(list.rows().length, 1);
  // Ten frames of one enhanced instance could not be decoded; the rest is too little.
  list.add({ seriesInstanceUid: '1.2', count: 10, reason: reason('decode-failed') });
  list.addSeries(series('1.2', 1), FEW);
  assert.deepEqual(list.rows().at(-1), { seriesInstanceUid: '1.2', reason: FEW });
});

test('WR-CON-01 the main reason is that of most, whatever the order', () => {
  const some = [
    { reason: LOCALIZER, count: 2 },
    { reason: FEW },
    { reason: reason('truncated-file') },
    { reason: reason('truncated-file'), count: 2 },
  ];
  assert.equal(mainReason(some)?.code, 'truncated-file');
  assert.equal(mainReason([...some].reverse())?.code, 'truncated-file');
  const equal = [{ reason: FEW }, { reason: LOCALIZER }];
  assert.equal(mainReason(equal)?.code, mainReason([...equal].reverse())?.code);
  assert.equal(mainReason([]), undefined);
});
