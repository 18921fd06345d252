/**
 * Several models on one study in a running Wetread: copies of the bundled package that outline less, refuse, or stand on a
 * server that is away. About a minute: every reading is a whole one.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { part10Reader } from '../../adapters/part10/reader.ts';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import { validateReport, validateViewSet } from '../../contracts/generated/validators.js';
import { documentKind } from '../../services/review/documents.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { copyPackage, editCard, seal } from '../support/model-package.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const LUNG = 'ct-lung-density';
/** Counts less of the lung than the bundled package does. */
const DARK = 'ct-lung-dark';
/** Reads no study of fewer slices than any has. */
const STRICT = 'ct-lung-strict';
/** Runs on a server that does not answer. */
const AWAY = 'ct-lung-away';

async function packages(folder: TemporaryFolder): Promise<readonly string[]> {
  const copies = [DARK, STRICT, AWAY].map((name) => copyPackage(join(folder.path, name)));
  const [dark, strict, away] = copies as [string, string, string];
  for (const [at, name] of [DARK, STRICT, AWAY].entries())
    editCard(copies[at]!, (card) => Object.assign(card, { name }));
  editCard(dark, ({ outputs: [output] }) => Object.assign(output, { refine: { range: { low: -1200, high: -850 } } }));
  editCard(strict, ({ input }) => Object.assign(input.gate, { minimumSlices: 5000 }));
  editCard(away, (card) =>
    Object.assign(card, { runtime: { kind: 'open-inference', server: 'away', deterministic: true } }),
  );
  rmSync(join(away, 'lungs.onnx'));
  for (const copy of copies) {
    rmSync(join(copy, 'golden'), { recursive: true, force: true });
    await seal(copy);
  }
  return copies;
}

interface ReadStudy extends AsyncDisposable {
  readonly running: RunningWetread;
  readonly record: StudyRecord;
  readonly report: Report;
  /** How often a series was assembled. */
  readonly assembled: number;
  /** Models that the log names as giving no result, with the reason. */
  readonly unavailable: readonly string[];
  document(name: DocumentName): Promise<Uint8Array | undefined>;
}

/** Reads a chest by a rule that names these models. */
async function readBy(models: readonly string[], more: object = {}): Promise<ReadStudy> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const running = stack.use(
    await runWetread({
      models: await packages(folder),
      inference: { servers: { away: { kind: 'open-inference', remote: false, url: 'http://127.0.0.1:26891' } } },
      rules: [{ name: 'several', readings: models.map((model) => ({ model })) }],
      ...more,
    }),
  );
  let assembled = 0;
  const without: string[] = [];
  running.onLog = (event, { stage, model, modelVersion, reason }) => {
    if (event === 'stage-started' && stage === 'assembly') assembled += 1;
    if (event === 'model-unavailable') without.push(`${model} ${modelVersion} ${reason}`);
  };
  await running.send(smallChest());
  await running.wetread.whenFinal();
  const { ledger } = running.wetread.ports;
  const [record] = await ledger.list();
  assert.ok(record !== undefined);
  const document = (name: DocumentName): Promise<Uint8Array | undefined> =>
    ledger.document(record.studyInstanceUid, name);
  const report = JSON.parse(new TextDecoder().decode(await document('report.json'))) as Report;
  return {
    running,
    record,
    report,
    assembled,
    unavailable: without,
    document,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const sentences = (report: Report, key: string): readonly string[] =>
  report.sections.find((section) => section.key === key)!.sentences.map(({ text }) => text);

test('WR-MUL-03 two models on one series: it is fetched once, and one draft tells both, with a SEG and a view for each', async () => {
  await using study = await readBy([LUNG, DARK]);
  const { record, report } = study;
  assert.equal(record.state, 'filed', JSON.stringify(record.reason));
  assert.ok(validateReport(structuredClone(report)), JSON.stringify(validateReport.errors));
  assert.deepEqual(
    report.readings.map(({ algorithm }) => algorithm.name),
    [LUNG, DARK],
  );
  assert.deepEqual(report.unavailable, []);
  assert.equal(study.assembled, 1);
  assert.match(
    sentences(report, 'impression')[0]!,
    /^Models disagree: Right lung, volume: ct-lung-density [\d,]+ ml, ct-lung-dark [\d,]+ ml\.$/,
  );
  assert.equal(sentences(report, 'technique').length, 1, 'the series is described once');
  assert.match(sentences(report, 'findings')[0]!, /^\[ct-lung-density\] Right lung: volume/);
  assert.match(sentences(report, 'findings')[3]!, /^\[ct-lung-dark\] Right lung: volume/);

  const kinds = record.results!.objects.map(({ kind }) => kind);
  assert.deepEqual(kinds, ['seg', 'seg', 'sr']);
  const views = JSON.parse(new TextDecoder().decode(await study.document('view.json'))) as ViewSet;
  assert.ok(validateViewSet(structuredClone(views)), JSON.stringify(validateViewSet.errors));
  assert.deepEqual(
    views.views.map(({ algorithm, segmentation }) => [algorithm.name, segmentation]),
    [
      [LUNG, 'seg.dcm'],
      [DARK, 'seg-ct-lung-dark.dcm'],
    ],
  );
  for (const { segmentation } of views.views) {
    assert.equal(documentKind(segmentation!)?.mediaType, 'application/dicom');
    assert.ok(await study.document(segmentation as DocumentName));
  }
});

test('WR-MUL-04 a model that refuses gives a partial draft that says so in text, SR and record', async () => {
  await using study = await readBy([STRICT, LUNG]);
  const { record, report } = study;
  assert.equal(record.state, 'filed', JSON.stringify(record.reason));
  assert.deepEqual(
    report.unavailable.map(({ algorithm, reason }) => [algorithm.name, reason.code]),
    [[STRICT, 'too-few-slices']],
  );
  assert.deepEqual(study.unavailable, [`${STRICT} 1.0.0 too-few-slices`]);
  assert.match(sentences(report, 'impression')[0]!, /^This draft is partial: ct-lung-strict 1\.0\.0 gave no result\./);
  const sr = part10Reader.readDataSet((await study.document('sr.dcm'))!);
  assert.ok(!isSkipped(sr));
  const text = JSON.stringify(sr.dataSet);
  assert.match(text, /"111244"/);
  assert.match(text, /This draft is partial: ct-lung-strict/);
  const bundle = JSON.parse(new TextDecoder().decode(await study.document('bundle.json'))) as object;
  assert.match(JSON.stringify(bundle), /"conclusion":"[^"]*This draft is partial: ct-lung-strict/);
  // The series was read: that one of its models refused it is told in the draft and not as a series that was left.
  assert.deepEqual(record.notRead, []);
});

test('WR-MUL-04 where every model refuses there is no draft, and the reason is that of the first', async () => {
  await using folder = new TemporaryFolder();
  await using running = await runWetread({
    models: await packages(folder),
    bundledModels: false,
    inference: { servers: { away: { kind: 'open-inference', remote: false, url: 'http://127.0.0.1:26891' } } },
    rules: [{ name: 'strict', model: STRICT }],
  });
  await running.send(smallChest());
  await running.wetread.whenFinal();
  const [record] = await running.wetread.ports.ledger.list();
  assert.deepEqual([record?.state, record?.reason?.code], ['not-evaluable', 'too-few-slices']);
});

test('WR-MUL-05 a fault of one model has the study read again; after the last retry the others go out without it', async () => {
  await using study = await readBy([LUNG, AWAY], { retries: { maximum: 1 } });
  const { record, report, running } = study;
  assert.equal(record.state, 'filed', JSON.stringify(record.reason));
  assert.equal(record.attempts, 2);
  const history = await running.wetread.ports.ledger.history(record.studyInstanceUid);
  assert.ok(history.some(({ state, reason }) => state === 'failed' && reason?.code === 'inference-unreachable'));
  assert.deepEqual(report.unavailable[0]?.reason, { code: 'inference-unreachable' });
  assert.equal(report.readings.length, 1);
});
