/** The page on the whole running system: a study arrives while it is open. Heavy: reads a chest and starts Chromium. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Bundle } from 'fhir/r4.js';
import type { Browser } from 'playwright-core';
import type { Report } from '../../contracts/generated/types.ts';
import { REASONS } from '../../src/reasons.ts';
import { measurementText } from '../../src/reporting/text.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { smallChest } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const skip = withoutBrowser;
let running: RunningWetread;
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  running = await runWetread();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await running?.[Symbol.asyncDispose]();
});

test('WR-PAGE-23 a study sent by STOW-RS appears by itself, and its draft, outlines and links are all there', {
  skip,
}, async () => {
  const { url } = running.wetread;
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  const address = await page.getByText(`${url}/dicom-web/studies`).textContent();
  assert.equal(address, `${url}/dicom-web/studies`);
  await running.send(smallChest());
  await page.getByRole('cell', { name: 'Draft ready' }).waitFor();
  await page.getByRole('link', { name: /Synthetic chest CT/ }).click();

  await page.locator('canvas[aria-label*="outlined: Right lung"]').waitFor();
  const [record] = await running.wetread.ports.ledger.list();
  const bytes = await running.wetread.ports.ledger.document(record!.studyInstanceUid, 'report.json');
  const report = JSON.parse(new TextDecoder().decode(bytes)) as Report;
  const volumes = report.readings[0].findings.map((f) =>
    measurementText(f.measurements.find((m) => m.key === 'volume')!),
  );
  const row = page.getByRole('row', { name: /^Volume/ }).getByRole('cell');
  assert.deepEqual(await row.allTextContents(), volumes);
  await page.getByText(report.label).first().waitFor();
  await page.getByRole('region', { name: 'Patient and study' }).getByText('PHANTOM-3').waitFor();

  await page.getByRole('row', { name: /inference\.run/ }).waitFor();
  const links = await page.locator('a[data-link]').evaluateAll((all) => all.map((a) => a.getAttribute('href')!));
  assert.equal(links.length, 6);
  for (const href of links) assert.equal((await fetch(url + href)).status, 200, href);
  const found = (await (await fetch(url + links.at(-1)!)).json()) as Bundle;
  assert.equal(found.total, 1);
  assert.deepEqual(complaints, []);
});

test('WR-PAGE-24 images that were not accepted are listed with the reason and what to do', { skip }, async () => {
  await running.send([smallChest()[0]!.subarray(0, 20_000)]);
  const page = await browser.newPage();
  await page.goto(running.wetread.url);
  const refused = page.getByRole('listitem').filter({ hasText: REASONS['truncated-file'] });
  await refused.waitFor();
  const text = (await refused.textContent()) ?? '';
  assert.match(text, /^1 × .*, last (just now|\d+ sec\. ago)\. Send the study again/);
});
