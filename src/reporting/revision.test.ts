import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from './report.ts';
import { newProvenance, repeatedProvenance, workIdentity } from './revision.ts';

const done = { studyInstanceUid: '1.2', sopInstanceUids: ['1.2.2', '1.2.1'], packageDigests: ['p'], configDigest: 'c' };
const made = {
  revision: 1,
  createdAt: '2026-03-14T15:00:00.000Z',
  software: { name: 'Wetread', version: '0.1.0' },
};

function reportOf(provenance: Report['provenance']): Report {
  return { provenance } as Report;
}

test('WR-CON-04 the same study, images, package and configuration are the same work, in whatever order', () => {
  const identity = workIdentity(done);
  assert.deepEqual(workIdentity({ ...done, sopInstanceUids: ['1.2.1', '1.2.2'] }), identity);
  for (const other of [
    { studyInstanceUid: '1.3' },
    { sopInstanceUids: ['1.2.1'] },
    { packageDigests: ['q'] },
    { configDigest: 'd' },
  ])
    assert.notEqual(workIdentity({ ...done, ...other }).attemptKey, identity.attemptKey, JSON.stringify(other));
});

test('WR-CON-04 the same work keeps its provenance; other work comes after the last draft', () => {
  const identity = workIdentity(done);
  const first = newProvenance(undefined, identity, made);
  assert.equal(first.revision, 1);
  const last = reportOf(first);
  assert.equal(repeatedProvenance(last, identity), first);
  assert.equal(repeatedProvenance(undefined, identity), undefined);
  const more = workIdentity({ ...done, sopInstanceUids: ['1.2.1', '1.2.2', '1.2.3'] });
  assert.equal(repeatedProvenance(last, more), undefined);
  assert.equal(newProvenance(last, more, made).revision, 2, 'never a revision that was there');
  assert.equal(newProvenance(last, more, { ...made, revision: 5 }).revision, 5, 'the ledger may be ahead');
});
