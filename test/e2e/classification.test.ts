/**
 * A classifier of images on the whole running system: a radiograph arrives by STOW-RS, and its draft is in the archive as
 * SR and in the record as Observation.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Bundle, FhirResource, Observation } from 'fhir/r4.js';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { dxFiles } from '../../adapters/phantom/dx-files.ts';
import { type RadiographOptions, radiograph } from '../../adapters/phantom/radiograph.ts';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import { validateReport, validateSummary } from '../../contracts/generated/validators.js';
import { summaryText } from '../../services/wetread/cli/progress.ts';
import { summaryOf } from '../../services/wetread/summary.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { outline } from '../support/content-tree.ts';
import { dciodvfy, withoutTool } from '../support/dicom-tools.ts';
import { HEART_PACKAGE } from '../support/heart-model.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

let running: RunningWetread;
before(async () => {
  running = await runWetread({ models: [HEART_PACKAGE], rules: [{ name: 'hearts', model: 'dx-heart-size' }] });
});
after(async () => running?.[Symbol.asyncDispose]());

async function ended(study: string, ...images: readonly RadiographOptions[]): Promise<StudyRecord> {
  const before = new Set((await running.wetread.ports.ledger.list()).map(({ studyInstanceUid }) => studyInstanceUid));
  await running.send(
    dxFiles(
      images.map((options) => radiograph(options)),
      { study },
    ),
  );
  for (;;) {
    const records = await running.wetread.ports.ledger.list();
    const found = records.find(({ studyInstanceUid }) => !before.has(studyInstanceUid));
    if (found !== undefined && isFinal(found.state)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function documentOf({ studyInstanceUid }: StudyRecord, name: DocumentName): Promise<Uint8Array> {
  return (await running.wetread.ports.ledger.document(studyInstanceUid, name)) ?? assert.fail(name);
}
const jsonOf = async <T>(record: StudyRecord, name: DocumentName): Promise<T> =>
  JSON.parse(new TextDecoder().decode(await documentOf(record, name))) as T;
const observationsIn = (bundle: Bundle<FhirResource>): Observation[] =>
  bundle.entry!.flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource] : []));

test('WR-CLS-20 an enlarged heart is told in draft, SR and record; nothing else is said', async () => {
  const record = await ended('large', { heart: 1.4 });
  assert.equal(record.state, 'filed', JSON.stringify(record.reason));
  const report = await jsonOf<Report>(record, 'report.json');
  assert.equal(validateReport(structuredClone(report)), true, JSON.stringify(validateReport.errors));
  const texts = report.sections.map(({ sentences }) => sentences.map(({ text }) => text));
  assert.deepEqual(texts[0], ['DX of the chest: 1 image, view PA.']);
  assert.match(texts[1]!.join(' '), /^Cardiomegaly: present \(probability (above )?0\.\d\d\)\.$/);
  assert.match(texts[2]![0]!, /^The heart appears enlarged \(probability .*\)\. Correlate with the images\.$/);
  assert.match(texts[2]!.at(-1)!, /nothing else was looked for/);
  const [observation] = observationsIn(await jsonOf<Bundle<FhirResource>>(record, 'bundle.json'));
  assert.equal(observation!.code.coding![0]!.code, '8186001');
  assert.equal(observation!.valueCodeableConcept!.coding![0]!.code, '52101004');
});

test('WR-CLS-21 what was looked for and is not there is stated as absent, with its probability', async () => {
  const record = await ended('small', { heart: 0.95 });
  const bundle = await jsonOf<Bundle<FhirResource>>(record, 'bundle.json');
  const [observation] = observationsIn(bundle);
  assert.equal(observation!.valueCodeableConcept!.coding![0]!.code, '272519000');
  assert.equal(observation!.component![0]!.valueQuantity!.value! < 0.1, true);
  const sr = readDataSet(await documentOf(record, 'sr.dcm'));
  assert.ok(!isSkipped(sr));
  const lines = outline(sr.dataSet).map((line) => line.replace(/^>+ /, ''));
  assert.ok(lines.includes('CONTAINS CODE Cardiomegaly = Absent'), lines.join('\n'));
  assert.ok(!lines.includes('CONTAINS CODE Finding = Cardiomegaly'), 'what is absent is not coded as found');
  assert.ok(lines.includes('HAS ACQ CONTEXT CODE Image View = postero-anterior'));
  assert.ok(lines.includes('HAS ACQ CONTEXT NUM Pixel Data Rows = 512 pixels'));
});

test('WR-LOK-06 the summary of a run says whether a finding is there and how probable, and the terminal in words', async () => {
  const record = await ended('summed up', { heart: 1.4 });
  const noFiles = { seen: 0, stored: 0, repeated: 0, skipped: 0, notRead: [] };
  const summary = await summaryOf(running.wetread.ports.ledger, noFiles, 'test');
  assert.equal(validateSummary(structuredClone(summary)), true, JSON.stringify(validateSummary.errors));
  const [row, ...others] = summary.studies.find((one) => one.studyInstanceUid === record.studyInstanceUid)!.findings;
  assert.deepEqual([row!.model, row!.finding, row!.presence, others], ['dx-heart-size', 'Cardiomegaly', 'present', []]);
  assert.match(summaryText(summary), /\n {2}Cardiomegaly: present \(probability (above )?0\.\d\d\)\n/);
});

test('WR-CLS-22 the SR of a classified radiograph is valid', { skip: withoutTool('dciodvfy') }, async (t) => {
  const record = await ended('valid', { heart: 1.3 });
  const folder = mkdtempSync(join(tmpdir(), 'wetread-classified-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'sr.dcm');
  writeFileSync(path, await documentOf(record, 'sr.dcm'));
  const { errors, iod } = dciodvfy(path);
  assert.deepEqual(errors, []);
  assert.match(iod, /Comprehensive3DSR/);
});

test('WR-IMG-16 the page is given the radiograph to show: matrix, image and window', async () => {
  const record = await ended('shown', { heart: 1.2 });
  const { views } = await jsonOf<ViewSet>(record, 'view.json');
  const [view] = views;
  assert.deepEqual([views.length, view!.modality, view!.rows, view!.columns], [1, 'DX', 512, 512]);
  const report = await jsonOf<Report>(record, 'report.json');
  assert.equal(view!.slices[0].sopInstanceUid, report.readings[0].evidence[0].sopInstanceUid);
  assert.ok(view!.windows[0].width > 0);
});

test('WR-CLS-23 no frontal chest, no draft: the study is refused with the reason', async () => {
  const record = await ended('abdomen', { part: 'abdomen' });
  assert.equal(record.state, 'not-evaluable');
  assert.match(record.reason!.code, /^(wrong-body-part|out-of-distribution)$/);
});
