import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WetreadError } from './errors.ts';
import { isUid, nameBasedUid, parseUid, type StudyInstanceUid } from './uid.ts';

test('WR-FND-09 UIDs follow PS3.5 section 9.1', () => {
  for (const good of ['1.2', '1.2.840.10008.1.2', '0.1', `1.${'2'.repeat(62)}`]) assert.equal(isUid(good), true, good);
  for (const bad of ['', '1', '1.', '.1', '1.02', 'a.b', '1..2', `1.${'2'.repeat(63)}`])
    assert.equal(isUid(bad), false, bad);
});

test('WR-FND-09 padding is tolerated, anything else is refused by code', () => {
  assert.equal(parseUid<StudyInstanceUid>('1.2.3\0'), '1.2.3');
  assert.throws(
    () => parseUid<StudyInstanceUid>('1.2.x'),
    (error) => error instanceof WetreadError && error.code === 'uid-invalid',
  );
});

test('WR-FND-09 a name-based UID is valid, stable, and different for names that only join alike', () => {
  const uid = nameBasedUid<StudyInstanceUid>('study', 'a', 'b');
  assert.equal(uid, nameBasedUid<StudyInstanceUid>('study', 'a', 'b'));
  assert.notEqual(uid, nameBasedUid<StudyInstanceUid>('study', 'ab'));
  assert.equal(isUid(uid), true);
  assert.ok(BigInt(uid.slice('2.25.'.length)) < 1n << 128n);
});
