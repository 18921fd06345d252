/**
 * A segmentation of radiographs on the whole running system: two images of one series arrive by STOW-RS, and each is in the
 * archive, in the record and on the page with its own outlines.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Bundle, FhirResource } from 'fhir/r4.js';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { dxFiles } from '../../adapters/phantom/dx-files.ts';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import { validateReport, validateViewSet } from '../../contracts/generated/validators.js';
import { documentKind } from '../../services/review/documents.ts';
import { stringOf, stringsOf } from '../../src/dicom-json.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { tagOf } from '../../src/writeback/data-set.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import type { Mark } from '../support/marked-radiograph.ts';
import { exactly, HEART, LUNGS, outlinedRadiograph, writeOutlinePackage } from '../support/outlined-radiograph.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const MOVED: Mark = { minimum: [120, 60], maximum: [180, 120] };

const folder = new TemporaryFolder();
let running: RunningWetread;
let record: StudyRecord;

before(async () => {
  const model = await writeOutlinePackage(folder.path, exactly);
  running = await runWetread({ models: [model], rules: [{ name: 'outlines', model: 'dx-outline' }] });
  const images = [{ heart: HEART, lungs: LUNGS }, { heart: MOVED }].map(outlinedRadiograph);
  await running.send(dxFiles(images, { study: 'outlines' }));
  record = await running.reached('filed');
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

test('WR-SGI-11 the draft tells sizes at the detector, shares, parts, and what is absent, image by image', async () => {
  const report = await jsonOf<Report>('report.json');
  assert.equal(validateReport(structuredClone(report)), true, JSON.stringify(validateReport.errors));
  const said = report.sections.find(({ key }) => key === 'findings')!.sentences.map(({ text }) => text);
  const [first, lungs, part, , second, absent] = said;
  assert.equal(said.length, 6, said.join('\n'));
  // 66 × 68 pixels of 0.5 mm
  assert.match(first!, /^Heart: image 1 of 2, area at the detector 11\.22 cm², .*long axis at the detector 4\d\.\d mm/);
  assert.match(lungs!, /^Lung: present, image 1 of 2, quantity 2, share of the area 30\.5 %\.$/);
  assert.match(part!, /^Lung, part 1: image 1 of 2 \(column 76, row 106\), area at the detector 26\.25 cm²\.$/);
  assert.match(second!, /^Heart: image 2 of 2, area at the detector 9 cm²/);
  assert.match(absent!, /^Lung: absent, image 2 of 2, quantity 0, share of the area 0\.0 %\.$/);
  assert.ok(report.caveats.includes('Sizes on the image are those at the detector; in the patient they are smaller.'));
});

test('WR-SGI-11 every image has a SEG in the archive, and each is a document of the study', async () => {
  const names = ['seg.dcm', 'seg-dx-outline.2.dcm'] as const;
  const series = new Set<string | undefined>();
  for (const name of names) {
    const seg = readDataSet(await documentOf(name));
    assert.ok(!isSkipped(seg));
    assert.equal(stringOf(seg.dataSet, tagOf('frameOfReferenceUid')), undefined);
    assert.deepEqual(stringsOf(seg.dataSet, tagOf('patientOrientation')), ['L', 'F']);
    series.add(stringOf(seg.dataSet, tagOf('seriesInstanceUid')));
    const address = `${running.wetread.url}/api/studies/${record.studyInstanceUid}/documents/${name}`;
    assert.equal((await fetch(address)).status, 200, name);
    assert.equal(
      documentKind(name)?.detail,
      `outlines${name === 'seg.dcm' ? '' : ' of dx-outline, image 2,'} as stored in the archive`,
    );
  }
  assert.equal(series.size, 1);
  const { results } = (await running.wetread.ports.ledger.list())[0]!;
  assert.deepEqual(
    results?.objects.map(({ kind }) => kind),
    ['seg', 'seg', 'sr'],
  );
});

test('WR-SGI-11 in the record an area at the detector names its method', async () => {
  const { entry = [] } = await jsonOf<Bundle<FhirResource>>('bundle.json');
  const observations = entry.flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource] : []));
  const areas = observations.filter(({ code }) => code.coding?.[0]?.code === '42798000');
  assert.equal(areas.length, 4);
  for (const { code, method, valueQuantity } of areas) {
    assert.equal(code.text, 'Area (At the detector, not corrected for magnification)');
    assert.equal(method?.coding?.[0]?.code, 'ATDETECTOR');
    assert.equal(valueQuantity?.code, 'cm2');
  }
});

test('WR-SGI-12 the page is given the outlines of each image, where the model saw them', async () => {
  const set = await jsonOf<ViewSet>('view.json');
  assert.equal(validateViewSet(structuredClone(set)), true, JSON.stringify(validateViewSet.errors));
  assert.deepEqual(
    set.views.map(({ segmentation, segments }) => [segmentation, segments.map(({ extent }) => extent !== undefined)]),
    [
      ['seg.dcm', [true, true]],
      ['seg-dx-outline.2.dcm', [false, true]],
    ],
  );
  for (const [at, { minimum, maximum }] of [HEART, MOVED].entries()) {
    const study = `${running.wetread.url}/api/studies/${record.studyInstanceUid}`;
    const outlines = (await (await fetch(`${study}/views/${at}/slices/0/outlines`)).json()) as {
      readonly segmentNumber: number;
      readonly contours: readonly { readonly points: readonly number[] }[];
    }[];
    assert.deepEqual(
      outlines.map(({ segmentNumber }) => segmentNumber),
      at === 0 ? [1, 2] : [2],
    );
    const [contour] = outlines.find(({ segmentNumber }) => segmentNumber === 2)!.contours;
    const columns = contour!.points.filter((_, i) => i % 2 === 0);
    const rows = contour!.points.filter((_, i) => i % 2 === 1);
    assert.deepEqual([Math.min(...columns), Math.min(...rows)], minimum);
    assert.deepEqual([Math.max(...columns), Math.max(...rows)], maximum);
  }
});

test('WR-SGI-12 a reader sees them on the radiograph', { skip: withoutBrowser }, async () => {
  await using browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(running.wetread.url);
  await page.getByRole('cell', { name: 'Draft ready' }).waitFor();
  await page.getByRole('link', { name: /Synthetic radiograph/ }).click();
  await page.locator('canvas[aria-label*="outlined: Lung, Heart"]').waitFor();
  await page.locator('button[data-findings="dx-outline/heart-2"]').first().click();
  await page.locator('canvas[aria-label*="outlined: Heart"]').waitFor();
});
