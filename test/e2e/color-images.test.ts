/** Colour ultrasound in the whole running system: as RGB and as YBR, read in colour by a model that measures it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { nameBasedUid } from '../../src/uid.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { BLUE_PERCENT, dopplerFile, RED_PERCENT, writeDopplerPackage } from '../support/doppler-image.ts';
import { HEART_PACKAGE } from '../support/heart-model.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const folder = new TemporaryFolder();
let running: RunningWetread;
before(async () => {
  const models = [await writeDopplerPackage(folder.path), HEART_PACKAGE];
  running = await runWetread({ models, rules: [{ name: 'ultrasound', model: 'us-color' }] });
});
after(async () => {
  await running?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function ended(model: 'RGB' | 'YBR_FULL'): Promise<StudyRecord> {
  await running.send([dopplerFile(model, model)]);
  for (;;) {
    const records = await running.wetread.ports.ledger.list();
    const found = records.find(({ studyInstanceUid }) => studyInstanceUid === nameBasedUid('doppler', model));
    if (found !== undefined && isFinal(found.state)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function jsonOf<T>({ studyInstanceUid }: StudyRecord, name: DocumentName): Promise<T> {
  const document = (await running.wetread.ports.ledger.document(studyInstanceUid, name)) ?? assert.fail(name);
  return JSON.parse(new TextDecoder().decode(document)) as T;
}

for (const model of ['RGB', 'YBR_FULL'] as const) {
  test(`WR-COL-06 colour is measured as it was stored, in ${model}`, async () => {
    const record = await ended(model);
    assert.equal(record.state, 'filed', JSON.stringify(record.reason));
    const { readings } = await jsonOf<Report>(record, 'report.json');
    const [finding] = readings[0].findings;
    const values = finding!.measurements.map(({ key, value }) => [key, value]);
    assert.deepEqual(values, [
      ['red', Number(RED_PERCENT.toFixed(2))],
      ['blue', Number(BLUE_PERCENT.toFixed(2))],
    ]);
    const { views } = await jsonOf<ViewSet>(record, 'view.json');
    assert.deepEqual(
      views.map(({ label }) => label),
      ['image 1, in grey'],
    );
  });
}

test('WR-COL-07 the page shows a colour image as bright as it is, and says that it is in grey', {
  skip: withoutBrowser,
}, async () => {
  const study = nameBasedUid('doppler', 'RGB');
  const response = await fetch(`${running.wetread.url}/api/studies/${study}/views/0/slices/0/voxels`);
  const shown = new Int16Array(await response.arrayBuffer());
  assert.deepEqual(
    [shown.length, shown[100 * 320 + 120]],
    [240 * 320, Math.round(0.299 * 220 + 0.587 * 30 + 0.114 * 20)],
  );
  await using browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${running.wetread.url}/studies/${study}`);
  await page.getByText(/^Image 1 of 1\s*image 1, in grey/).waitFor();
});
