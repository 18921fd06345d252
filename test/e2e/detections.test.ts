/**
 * A detection model on the whole running system: a chest with nodules becomes marks on the page, an SR with regions and
 * Observations with places. Heavy: reads a chest with two models and starts Chromium.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Bundle, FhirResource } from 'fhir/r4.js';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { chestCt } from '../../adapters/phantom/chest-ct.ts';
import { phantomStudy } from '../../adapters/phantom/phantom-study.ts';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import type { DocumentName } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { itemsNamed } from '../support/content-tree.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'models', 'examples', 'ct-nodule-candidates');
const CHEST = {
  seed: 11,
  matrix: 256,
  slices: 120,
  nodules: { count: 3, smallestRadius: 4, largestRadius: 7 },
} as const;

async function readChest(): Promise<RunningWetread> {
  const running = await runWetread({
    models: [EXAMPLES],
    rules: [{ name: 'nodules', readings: [{ model: 'ct-lung-density' }, { model: 'ct-nodule-candidates' }] }],
  });
  await running.send(phantomStudy(CHEST));
  await running.reached('filed');
  return running;
}

async function documentOf(running: RunningWetread, name: DocumentName): Promise<Uint8Array> {
  const [record] = await running.wetread.ports.ledger.list();
  const bytes = await running.wetread.ports.ledger.document(record!.studyInstanceUid, name);
  return bytes ?? assert.fail(name);
}

async function jsonOf<T>(running: RunningWetread, name: DocumentName): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await documentOf(running, name))) as T;
}

test('WR-DET-10 nodules of a chest are told, written and drawn where they are', { skip: withoutBrowser }, async () => {
  await using running = await readChest();
  const report = await jsonOf<Report>(running, 'report.json');
  const nodules = report.readings[1]!.findings;
  const { nodules: planted } = chestCt(CHEST);
  assert.equal(nodules.length, planted.length);
  for (const { region } of nodules) {
    assert.ok(region?.kind === 'patient-sphere');
    const apart = planted.map(({ center }) => Math.hypot(...center.map((mm, axis) => mm - region.center[axis]!)));
    assert.ok(Math.min(...apart) < 3, `${Math.min(...apart)} mm`);
  }
  const said = report.sections.flatMap(({ sentences }) => sentences).map(({ text }) => text);
  assert.ok(
    said.some((text) =>
      /Nodule, (left|right) lung: present \(probability (?:above )?[\d.]+\), slice \d+ of 120 \(series \d+, image \d+, column \d+, row \d+\), /.test(
        text,
      ),
    ),
  );
  const { views } = await jsonOf<ViewSet>(running, 'view.json');
  assert.equal(views[1]?.marks?.length, planted.length);
  const { entry = [] } = await jsonOf<Bundle<FhirResource>>(running, 'bundle.json');
  const places = entry
    .flatMap(({ resource }) => (resource?.resourceType === 'Observation' ? [resource] : []))
    .flatMap(({ component = [] }) => component.flatMap(({ valueString }) => valueString ?? []));
  assert.equal(places.filter((text) => text.startsWith('Sphere of radius')).length, planted.length);
  const sr = readDataSet(await documentOf(running, 'sr.dcm'));
  assert.ok(!isSkipped(sr));
  assert.equal(itemsNamed(sr.dataSet, 'Volume Surface').length, planted.length);
  await looksAtMarks(running, views[1]!.marks![0]!.label);
});

/** A click on what a sentence rests on goes to the slice, and names the mark to who cannot see it. */
async function looksAtMarks({ wetread: { url } }: RunningWetread, label: string): Promise<void> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(url);
    await page.getByRole('cell', { name: 'Draft ready' }).waitFor();
    await page.getByRole('link', { name: /Synthetic chest CT/ }).click();
    await page.locator('button[data-findings="ct-nodule-candidates/nodule-1"]').first().click();
    await page.locator(`canvas[aria-label*="marked: "][aria-label*="${label}"]`).waitFor();
  } finally {
    await browser.close();
  }
}
