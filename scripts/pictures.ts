/**
 * Takes the pictures of the page that the README shows, of synthetic chests. Needs Chromium (test/support/browser.ts).
 * Usage: node scripts/pictures.ts
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { ChestCtOptions } from '../adapters/phantom/chest-ct.ts';
import { phantomStudy } from '../adapters/phantom/phantom-study.ts';
import { launchBrowser } from '../test/support/browser.ts';
import { runWetread } from '../test/support/running-wetread.ts';

const root = join(import.meta.dirname, '..');
const VIEWPORT = { width: 1280, height: 860 };

await picture('study.png', {}, { seed: 7, emphysema: 0.12 }, async () => {});
await picture(
  'several-models.png',
  {
    models: [join(root, 'models', 'examples', 'ct-nodule-candidates')],
    rules: [{ name: 'chests', readings: [{ model: 'ct-lung-density' }, { model: 'ct-nodule-candidates' }] }],
  },
  { seed: 11, nodules: { count: 3, smallestRadius: 4, largestRadius: 7 } },
  async (page) => {
    await page.locator('button[data-findings="ct-nodule-candidates/nodule-1"]').first().click();
    await page.locator('canvas[aria-label*="marked: "]').waitFor();
  },
);

async function picture(
  name: string,
  config: object,
  chest: ChestCtOptions,
  act: (page: Page) => Promise<void>,
): Promise<void> {
  await using running = await runWetread(config);
  await running.send(phantomStudy({ slices: 140, sliceSpacing: 2.5, ...chest }));
  const { studyInstanceUid } = await running.reached('filed');
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: VIEWPORT });
    await page.goto(`${running.wetread.url}/studies/${studyInstanceUid}`);
    await page.locator('canvas[aria-label*="outlined: "]').waitFor();
    await act(page);
    await page.screenshot({ path: join(root, 'docs', 'images', name) });
  } finally {
    await browser.close();
  }
}
