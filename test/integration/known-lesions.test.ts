/**
 * A second draft of a study names lesions as the first did: in the draft, on the page, in the SR. A chest is read twice by
 * the example that detects; between the two, the first draft is renamed, as if probabilities had been others. Heavy.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { phantomStudy } from '../../adapters/phantom/phantom-study.ts';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import { stringOf } from '../../src/dicom-json.ts';
import type { DocumentName } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { itemsNamed } from '../support/content-tree.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const MODEL = join(import.meta.dirname, '..', '..', 'models', 'examples', 'ct-nodule-candidates');
const RULES = [{ name: 'nodules', readings: [{ model: 'ct-nodule-candidates' }] }];
const CHEST = {
  seed: 11,
  matrix: 256,
  slices: 120,
  nodules: { count: 3, smallestRadius: 4, largestRadius: 7 },
} as const;

async function documentOf({ wetread }: RunningWetread, name: DocumentName): Promise<Uint8Array> {
  const [record] = await wetread.ports.ledger.list();
  return (await wetread.ports.ledger.document(record!.studyInstanceUid, name)) ?? assert.fail(name);
}

async function jsonOf<T>(running: RunningWetread, name: DocumentName): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await documentOf(running, name))) as T;
}

/** As the last draft would be if the model had found the first nodule the least probable. */
function rename({ dataDirectory }: RunningWetread, report: Report): void {
  const renamed = JSON.stringify(report).replaceAll(
    /nodule-([123])\b/g,
    (_, n: string) => `nodule-${(Number(n) % 3) + 1}`,
  );
  const ledger = new DatabaseSync(join(dataDirectory, 'ledger.sqlite'));
  ledger.prepare("UPDATE document SET bytes = ? WHERE name = 'report.json'").run(new TextEncoder().encode(renamed));
  ledger.close();
}

/** Tracking Identifier and Unique Identifier of every finding of the SR. */
async function trackedIn(running: RunningWetread): Promise<ReadonlyMap<string | undefined, string | undefined>> {
  const sr = readDataSet(await documentOf(running, 'sr.dcm'));
  assert.ok(!isSkipped(sr));
  const uids = itemsNamed(sr.dataSet, 'Tracking Unique Identifier').map((item) => stringOf(item, '0040A124'));
  return new Map(
    itemsNamed(sr.dataSet, 'Tracking Identifier').map((item, at) => [stringOf(item, '0040A160'), uids[at]]),
  );
}

test('WR-MND-04 a second draft has the keys, marks and Tracking UIDs of the first, lesion by lesion', async () => {
  await using running = await runWetread({ models: [MODEL], rules: RULES });
  await running.send(phantomStudy(CHEST));
  const { studyInstanceUid } = await running.reached('filed');
  const first = await jsonOf<Report>(running, 'report.json');
  const tracked = await trackedIn(running);
  rename(running, first);
  await running.wetread.ports.ledger.move(studyInstanceUid, 'replay');
  await running.reached('filed');

  const second = await jsonOf<Report>(running, 'report.json');
  assert.equal(second.provenance.revision, 2);
  const before = first.readings[0].findings;
  assert.equal(before.length, 3);
  assert.deepEqual(
    second.readings[0].findings,
    before.map((finding, at) => ({ ...finding, key: ['nodule-2', 'nodule-3', 'nodule-1'][at] })),
  );
  const said = second.sections.flatMap(({ sentences }) => sentences).flatMap(({ findingKeys }) => findingKeys);
  assert.ok(said.includes('ct-nodule-candidates/nodule-3'));
  const { views } = await jsonOf<ViewSet>(running, 'view.json');
  assert.deepEqual(
    views[0]?.marks?.map(({ findingKey, label }) => [findingKey, label.split(' ')[0]]),
    ['nodule-2', 'nodule-3', 'nodule-1'].map((key) => [`ct-nodule-candidates/${key}`, key]),
  );
  assert.deepEqual(await trackedIn(running), tracked);
});
