import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { Report, Summary } from '../../contracts/generated/types.ts';
import { validateSummary } from '../../contracts/generated/validators.js';
import { parseUid, type StudyInstanceUid } from '../../src/uid.ts';
import { chestStudy } from '../../test/support/chest-study.ts';
import { claimForReading } from '../../test/support/claim.ts';
import { effusionFinding, findingsOf } from '../../test/support/findings.ts';
import { severalModels } from '../../test/support/several-models.ts';
import { summaryText } from './cli/progress.ts';
import { summaryOf } from './summary.ts';
import { systemClock } from './system-clock.ts';

const NO_FILES = { seen: 0, stored: 0, repeated: 0, skipped: 0, notRead: [] };

/** Of one study that has this draft. */
async function summaryWith(report: Report): Promise<Summary> {
  using ledger = sqliteLedger({ file: ':memory:', clock: systemClock });
  const studyInstanceUid: StudyInstanceUid = parseUid('1.2.3');
  const now = new Date().toISOString();
  await ledger.notice({ source: 'stow', studyInstanceUid, receivedAt: now }, now);
  const attempt = (await claimForReading(ledger, 'summary', 60_000))!;
  await ledger.saveDocument(attempt, 'report.json', new TextEncoder().encode(JSON.stringify(report)));
  await ledger.advance(attempt, 'draft', {});
  await ledger.advance(attempt, 'file', {});
  return await summaryOf(ledger, NO_FILES, 'Wetread');
}

test('WR-LKM-02 the summary names every model that gave no result, with the reason', async () => {
  const { report } = severalModels(await chestStudy());
  const summary = await summaryWith(report);
  assert.ok(validateSummary(summary), JSON.stringify(validateSummary.errors));
  assert.deepEqual(summary.studies[0]?.unavailable, [
    { model: 'ct-calcium', version: '2.1.0', reason: { code: 'slice-too-thick', detail: '5.0 mm, at most 3.0 mm' } },
  ]);
  assert.match(
    summaryText(summary),
    /\n {2}partial: ct-calcium 2\.1\.0 gave no result: .*: 5\.0 mm, at most 3\.0 mm\n/,
  );
});

test('WR-MND-09 findings that are called the same carry their keys in the summary, as on the page', async () => {
  const { report } = severalModels(await chestStudy());
  const nodules = [1, 2].map((number) => effusionFinding('present', { key: `nodule-${number}` }));
  const summary = await summaryWith({ ...report, readings: [findingsOf('ct-a', nodules)] });
  assert.match(summaryText(summary), /\] Pleural effusion, pleura \(nodule-1\): present\n.* \(nodule-2\): present\n/);
});
