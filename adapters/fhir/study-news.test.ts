import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Study } from '../../src/arrival/study.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { studyUid } from '../../test/support/part10.ts';
import { StudyNews } from './study-news.ts';

const studyInstanceUid = studyUid('known');
const READ = { rung: 'counts-unchanged', counts: { series: 1, instances: 3 }, since: '2026-01-01T00:00:00Z' } as const;
const RESULTS = { objects: [], diagnosticReport: 'DiagnosticReport/1' };

/** What is said of a study that the ledger knows in this way, and that has so many images in the archive. */
async function said(record: Partial<StudyRecord> | undefined, images: number, expected?: number): Promise<StudyHint[]> {
  const instances = Array.from({ length: images }, () => ({}));
  const study = { series: [{ instances }] } as unknown as Study;
  const news = new StudyNews({
    ledger: { get: async () => record as StudyRecord | undefined },
    archive: { findStudy: async () => study },
  });
  const hints: StudyHint[] = [];
  const hint = { studyInstanceUid, ...(expected !== undefined && { expectedInstances: expected }) };
  const notice = async (given: StudyHint): Promise<void> => void hints.push(given);
  await news.tell(new Map(), 'key', { hint, facts: 'facts' }, notice, new AbortController().signal);
  return hints;
}

test('WR-SUB-07 a study that was read with as many images is not named', async () => {
  assert.deepEqual(await said({ state: 'filed', completeness: READ, results: RESULTS }, 3, 3), []);
});

test("WR-SUB-07 an update that counts Wetread's own results is no news: the images in the archive are", async () => {
  const filed = { state: 'filed', completeness: READ, results: RESULTS } as const;
  assert.deepEqual(await said(filed, 3, 5), []);
  assert.deepEqual(await said(filed, 4, 6), [{ studyInstanceUid }]);
});

test('WR-SUB-07 a study that is new, or that nobody has read yet, is named with what is expected of it', async () => {
  const hint = { studyInstanceUid, expectedInstances: 3 };
  assert.deepEqual(await said(undefined, 3, 3), [hint]);
  assert.deepEqual(await said({ state: 'settling', completeness: READ }, 3, 3), [hint]);
  assert.deepEqual(await said({ state: 'not-selected' }, 3, 3), [hint]);
});

test('WR-SUB-07 what was said is not said again, unless it was not committed', async () => {
  const news = new StudyNews({ ledger: { get: async () => undefined }, archive: { findStudy: async () => undefined } });
  const known = new Map<string, string>();
  let given = 0;
  const tell = (facts: string, notice = async (): Promise<void> => {}): Promise<void> => {
    const counted = async (): Promise<void> => {
      await notice();
      given += 1;
    };
    return news.tell(known, 'key', { hint: { studyInstanceUid }, facts }, counted, new AbortController().signal);
  };
  await Promise.all([tell('1/3'), tell('1/3')]);
  assert.equal(given, 1);
  const fails = async (): Promise<void> => {
    throw new WetreadError('disk-full', 'No space is left');
  };
  await assert.rejects(tell('1/4', fails), { code: 'disk-full' });
  await tell('1/4');
  assert.equal(given, 2);
});
