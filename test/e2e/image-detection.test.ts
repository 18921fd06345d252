/**
 * Detections on radiographs in the whole running system: a mark at known pixels of one of two images, found as a box by a
 * model that is given fitted images, one that is given stretched ones, and as a point by a third.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Bundle, FhirResource, Observation } from 'fhir/r4.js';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { dxFiles } from '../../adapters/phantom/dx-files.ts';
import type { Report, StudyEmbedding, ViewSet } from '../../contracts/generated/types.ts';
import { type DicomDataSet, itemsOf, numbersOf, stringOf } from '../../src/dicom-json.ts';
import type { Finding } from '../../src/inference/findings.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { tagOf } from '../../src/writeback/data-set.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { itemsNamed } from '../support/content-tree.ts';
import { type Mark, markedRadiograph, SIZE, writeMarkPackages } from '../support/marked-radiograph.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

/** Neither square nor in the middle, and on no pixel of either model's input. */
const MARK: Mark = { minimum: [61, 143], maximum: [120, 301] };
const CORNERS = [...MARK.minimum, ...MARK.maximum];
const MIDDLE = [0, 1].map((axis) => (MARK.minimum[axis]! + MARK.maximum[axis]!) / 2);
const BOXES = ['dx-mark-fit', 'dx-mark-stretch'] as const;
const POINTS = 'dx-point-fit';

const folder = new TemporaryFolder();
let running: RunningWetread;
let record: StudyRecord;
let report: Report;
/** Of the marked image, and of the one without a mark. */
let marked: string;
let plain: string;

before(async () => {
  const models = await writeMarkPackages(folder.path);
  const readings = [...BOXES, POINTS].map((model) => ({ model }));
  running = await runWetread({ models, rules: [{ name: 'marks', readings }] });
  await running.send(dxFiles([markedRadiograph(MARK), markedRadiograph(undefined, 2)], { study: 'marks' }));
  record = await running.reached('filed', 'held');
  report = await jsonOf<Report>('report.json');
  [marked, plain] = report.readings[0].evidence.map(({ sopInstanceUid }) => sopInstanceUid) as [string, string];
});
after(async () => {
  await running?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function documentOf(name: DocumentName): Promise<Uint8Array> {
  return (await running.wetread.ports.ledger.document(record.studyInstanceUid, name)) ?? assert.fail(name);
}
const jsonOf = async <T>(name: DocumentName): Promise<T> =>
  JSON.parse(new TextDecoder().decode(await documentOf(name))) as T;

function findingOf(model: string, key: string): Finding {
  const reading = report.readings.find(({ algorithm }) => algorithm.name === model);
  return reading?.findings.find((finding) => finding.key === key) ?? assert.fail(`${model}/${key}`);
}

/** Half a pixel of the image, whatever the model's input made of it. */
function assertNear(places: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(places.length, expected.length, what);
  for (const [at, place] of places.entries())
    assert.ok(Math.abs(place - expected[at]!) <= 0.5, `${what}: ${places.join(' ')} for ${expected.join(' ')}`);
}

test('WR-CNF-01 a box found in a fitted and in a stretched image lies at its pixels; a point at its middle', () => {
  for (const model of BOXES) {
    const { region, evidence, presence } = findingOf(model, 'mark-1-1');
    assert.ok(region?.kind === 'image-box');
    assertNear([...region.minimum, ...region.maximum], CORNERS, model);
    assert.deepEqual([presence, region.image.sopInstanceUid, evidence], ['present', marked, [region.image]]);
  }
  const { region } = findingOf(POINTS, 'mark-1-1');
  assert.ok(region?.kind === 'image-point');
  assertNear(region.point, MIDDLE, POINTS);
});

test('WR-CNF-01 the SR has them as SCOORD on that image, inside it', async () => {
  const sr = readDataSet(await documentOf('sr.dcm'));
  assert.ok(!isSkipped(sr));
  const regions = itemsNamed(sr.dataSet, 'Image Region').map((item) => {
    const data = numbersOf(item, tagOf('graphicData'));
    return { type: stringOf(item, tagOf('graphicType')), data, image: imageOf(item) };
  });
  assert.deepEqual(
    regions.map(({ type, image }) => [type, image]),
    [...BOXES.map(() => ['POLYLINE', marked]), ['POINT', marked]],
  );
  const [left, top, right, bottom] = CORNERS as [number, number, number, number];
  const around = [left, top, right, top, right, bottom, left, bottom, left, top];
  for (const [at, { data }] of regions.entries()) assertNear(data, at < BOXES.length ? around : MIDDLE, `region ${at}`);
  const [rows, columns] = SIZE;
  for (const { data } of regions)
    for (const [at, place] of data.entries()) assert.ok(place >= 0 && place <= (at % 2 === 0 ? columns : rows));
});

function imageOf(item: DicomDataSet): string | undefined {
  const [selected] = itemsOf(item, tagOf('contentSequence'));
  const [reference] = itemsOf(selected!, tagOf('referencedSopSequence'));
  return stringOf(reference!, tagOf('referencedSopInstanceUid'));
}

test('WR-CNF-02 of several images every sentence says which one it is of', () => {
  const said = report.sections.find(({ key }) => key === 'findings')!.sentences;
  const ofModel = said.filter(({ findingKeys }) => findingKeys[0]?.startsWith(`${POINTS}/`)).map(({ text }) => text);
  assert.deepEqual(
    ofModel.map((text) => text.replace(`[${POINTS}] `, '')),
    [
      'Opacity: present (probability above 0.99), image 1 of 2 (column 91, row 223).',
      'Cardiomegaly: present (probability 0.98), image 1 of 2.',
      'Pneumothorax: undetermined (probability 0.50), image 1 of 2.',
      'Pleural effusion: absent (probability 0.02), image 1 of 2.',
      'Bright part of an image: image 1 of 2, share of the image 4.0 %, share and a half value out of range.',
      'Square mark: undetermined, image 1 of 2, cosine similarity to reference 0.91.',
      'Opacity: absent, image 2 of 2.',
      'Cardiomegaly: present (probability 0.98), image 2 of 2.',
      'Pneumothorax: undetermined (probability 0.50), image 2 of 2.',
      'Pleural effusion: absent (probability 0.02), image 2 of 2.',
      'Bright part of an image: image 2 of 2, share of the image 0.0 %, share and a half value out of range.',
      'Square mark: present, image 2 of 2, cosine similarity to reference 1.',
    ],
  );
});

test('WR-CNF-03 in the health record every finding is derived from its image, and a region is told in numbers', async () => {
  const { entry = [] } = await jsonOf<Bundle<FhirResource>>('bundle.json');
  const observations = entry.flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource] : []));
  const groups = observations.filter(({ category = [] }) => category.length === 2);
  assert.equal(groups.length, report.readings.length * 12);
  const images = (one: Observation): readonly (string | undefined)[] =>
    (one.derivedFrom ?? []).flatMap(({ type, identifier }) => (type === 'Media' ? [identifier?.value] : []));
  assert.deepEqual(
    groups.slice(0, 12).map(images),
    [marked, plain].flatMap((uid) => Array.from({ length: 6 }, () => [`urn:oid:${uid}`])),
  );
  const places = observations.flatMap(({ component = [] }) =>
    component.flatMap(({ valueString }) => valueString ?? []),
  );
  assert.equal(places.length, report.readings.length);
  for (const place of places) assert.ok(place.includes(`of image ${marked}`), place);
});

test('WR-CNF-04 vectors of both images are kept with the study, and are in nothing that leaves', async () => {
  const { embeddings } = await jsonOf<StudyEmbedding>('embedding.json');
  assert.deepEqual(
    embeddings.map(({ sopInstanceUid, vector }) => [sopInstanceUid, vector.length]),
    report.readings.flatMap(() => [marked, plain].map((uid) => [uid, 2])),
  );
  const bundle = new TextDecoder().decode(await documentOf('bundle.json'));
  for (const { vector } of embeddings) assert.ok(!bundle.includes(String(vector[0])));
});

test('WR-CNF-05 the page is given the mark on the view of its image, and draws it there', {
  skip: withoutBrowser,
}, async () => {
  const { views } = await jsonOf<ViewSet>('view.json');
  const shown = views.map(({ slices: [{ sopInstanceUid }], marks = [] }) => [sopInstanceUid, marks.length]);
  assert.deepEqual(
    shown,
    report.readings.flatMap(() => [
      [marked, 1],
      [plain, 0],
    ]),
  );
  const [shape] = views[0]!.marks![0]!.shapes;
  const [left, top, right, bottom] = CORNERS as [number, number, number, number];
  assertNear(shape.points, [left, top, right, top, right, bottom, left, bottom], 'mark');
  await using browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(running.wetread.url);
  await page.getByRole('cell', { name: 'Draft ready' }).waitFor();
  await page.getByRole('link', { name: /Synthetic radiograph/ }).click();
  await page.locator(`button[data-findings="${BOXES[0]}/mark-1-1"]`).first().click();
  await page.locator('canvas[aria-label*="marked: "][aria-label*="mark-1-1"]').waitFor();
});
