/** The main job on embedded defaults: a study arrives by STOW-RS, and its draft is in the archive and the record. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Bundle, DiagnosticReport, Observation } from 'fhir/r4.js';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { chestCt } from '../../adapters/phantom/chest-ct.ts';
import type { Report } from '../../contracts/generated/types.ts';
import { validateReport } from '../../contracts/generated/validators.js';
import { stringOf } from '../../src/dicom-json.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { spansOf } from '../support/otlp-receiver.ts';
import { SMALL_CHEST, smallChest } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

let running: RunningWetread;
let record: StudyRecord;
let uid: StudyInstanceUid;

before(async () => {
  running = await runWetread();
  await running.send(smallChest());
  record = await running.reached('filed');
  uid = record.studyInstanceUid;
});
after(async () => running?.[Symbol.asyncDispose]());

async function documentOf(name: DocumentName): Promise<Uint8Array> {
  const bytes = await running.wetread.ports.ledger.document(uid, name);
  assert.ok(bytes, name);
  return bytes;
}
const json = async <T>(name: DocumentName): Promise<T> =>
  JSON.parse(new TextDecoder().decode(await documentOf(name))) as T;
const get = (path: string, accept: string): Promise<Response> =>
  fetch(`${running.wetread.url}${path}`, { headers: { accept } });

test('WR-RUN-01 the report keeps its contract and its values are those of the phantom', async () => {
  const report = await json<Report>('report.json');
  assert.equal(validateReport(structuredClone(report)), true, JSON.stringify(validateReport.errors));
  const { truth } = chestCt(SMALL_CHEST);
  const value = (finding: string, key: string): number =>
    report.readings[0].findings.find((f) => f.key === finding)!.measurements.find((m) => m.key === key)!.value!;
  for (const [finding, lung] of [
    ['lung-right', truth.right],
    ['lung-left', truth.left],
    ['lungs', truth.both],
  ] as const) {
    assert.ok(Math.abs(value(finding, 'volume') / lung.milliliters - 1) < 0.02, `${finding} volume`);
    assert.ok(Math.abs(value(finding, 'laa-950') - lung.laa950Percent) < 0.5, `${finding} LAA-950`);
    assert.ok(Math.abs(value(finding, 'perc15') - lung.perc15Hu) < 5, `${finding} Perc15`);
  }
});

test('WR-RUN-01 SR and SEG are in the archive, byte for byte as drafted, and refer to the study', async () => {
  for (const [modality, name] of [
    ['SR', 'sr.dcm'],
    ['SEG', 'seg.dcm'],
  ] as const) {
    const found = (await (
      await get(`/dicom-web/studies/${uid}/instances?Modality=${modality}`, 'application/dicom+json')
    ).json()) as Record<string, { Value: string[] }>[];
    assert.equal(found.length, 1, modality);
    const [series, instance] = [found[0]!['0020000E']!.Value[0], found[0]!['00080018']!.Value[0]];
    const stored = await get(
      `/dicom-web/studies/${uid}/series/${series}/instances/${instance}`,
      'application/dicom; transfer-syntax=*',
    );
    assert.equal(stored.status, 200);
    const drafted = await documentOf(name);
    assert.deepEqual(Buffer.from(await stored.arrayBuffer()), Buffer.from(drafted));
    const read = readDataSet(drafted);
    assert.ok(!isSkipped(read));
    assert.equal(stringOf(read.dataSet, '0020000D'), uid);
  }
});

test('WR-RUN-01 the health record shows a preliminary report with its observations', async () => {
  const search = async <T>(query: string): Promise<T[]> =>
    (((await (await get(`/fhir/${query}`, 'application/fhir+json')).json()) as Bundle).entry ?? []).map(
      (e) => e.resource as unknown as T,
    );
  const [report, ...others] = await search<DiagnosticReport>('DiagnosticReport?_count=5');
  assert.ok(report);
  assert.equal(others.length, 0);
  assert.equal(report.status, 'preliminary');
  assert.equal(report.resultsInterpreter, undefined);
  assert.match(report.conclusion ?? '', /^AI draft, not verified/);
  assert.ok(report.meta?.security?.some((label) => label.code === 'AIAST'));
  const byPatient = await search<DiagnosticReport>(`DiagnosticReport?subject=${report.subject!.reference}`);
  assert.equal(byPatient.length, 1);
  const observations = await search<Observation>('Observation?_count=100');
  assert.equal(observations.filter((o) => o.valueQuantity !== undefined).length, 12);
  assert.ok(observations.every((o) => o.status === 'preliminary'));
});

test('WR-TEL-01 one trace leads from the STOW request to SR and FHIR, across the inference process', async () => {
  const spans = spansOf(await json<object>('trace.json'));
  assert.deepEqual([...new Set(spans.map((span) => span.traceId))], [record.traceId]);
  const names = new Set(spans.map((span) => span.name));
  for (const name of [
    'wetread.http',
    'wetread.import',
    'wetread.read',
    'wetread.arrival',
    'wetread.assembly',
    'wetread.inference',
    'wetread.reporting',
    'wetread.writeback',
    'inference.run',
    'store',
    'file',
  ]) {
    assert.ok(names.has(name), `${name} in ${[...names].join(', ')}`);
  }
  assert.deepEqual([...new Set(spans.map((span) => span.service))].sort(), ['wetread', 'wetread-inference']);
  const ids = new Set(spans.map((span) => span.spanId));
  const roots = spans.filter((span) => span.parentSpanId === undefined || !ids.has(span.parentSpanId));
  assert.equal(roots.length, 1, roots.map((span) => span.name).join(', '));
});

test('WR-TEL-02 metrics count the study by state and time its stages', async () => {
  const text = await (await get('/metrics', 'text/plain')).text();
  assert.match(text, /^wetread_studies\{state="filed"\} 1$/m);
  for (const stage of ['arrival', 'assembly', 'inference', 'reporting', 'writeback']) {
    assert.match(text, new RegExp(`^wetread_stage_duration_seconds_count\\{stage="${stage}"\\} 1$`, 'm'));
  }
});

test('WR-RUN-02 the same work done again gives the same bytes, and no second draft', async () => {
  const before = {
    sr: await documentOf('sr.dcm'),
    seg: await documentOf('seg.dcm'),
    bundle: await documentOf('bundle.json'),
  };
  await running.wetread.ports.ledger.move(uid, 'replay');
  await running.reached('filed');
  assert.deepEqual(await documentOf('sr.dcm'), before.sr);
  assert.deepEqual(await documentOf('seg.dcm'), before.seg);
  assert.deepEqual(await documentOf('bundle.json'), before.bundle);
  const found = (await (
    await get(`/dicom-web/studies/${uid}/instances?Modality=SR`, 'application/dicom+json')
  ).json()) as object[];
  assert.equal(found.length, 1);
  const reports = (await (await get('/fhir/DiagnosticReport', 'application/fhir+json')).json()) as Bundle;
  assert.equal(reports.total, 1);
});

test('WR-RUN-02 the same study sent again is stored once and not read again', async () => {
  const sent = await running.send(smallChest());
  assert.deepEqual(sent, { stored: smallChest().length, failed: 0 });
  assert.equal((await running.wetread.ports.ledger.get(uid))?.state, 'filed');
  assert.equal((await running.wetread.ports.ledger.get(uid))?.revision, 1);
});
