/**
 * The page in a real browser, against the real router and a ledger with a study in every state. Heavy: Chromium starts
 * once, and axe looks at eight views.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { sliceVoxels } from '../../src/assembly/volume.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { type ReviewFixture, reviewFixture } from '../support/review-fixture.ts';

const LAPTOP = { width: 1280, height: 800 };
const TABLET = { width: 820, height: 1180 };
const PUBLIC = join(import.meta.dirname, '..', '..', 'services', 'review', 'public');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const skip = withoutBrowser;

let fixture: ReviewFixture;
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  fixture = await reviewFixture();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await fixture?.[Symbol.asyncDispose]();
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts and the Content Security Policy, and requests that left the origin. */
  readonly complaints: string[];
}

async function open(
  path: string,
  options: {
    readonly viewport?: { width: number; height: number };
    readonly hasTouch?: boolean;
    readonly url?: string;
  } = {},
): Promise<Opened> {
  const { viewport = LAPTOP, hasTouch = false, url = fixture.url } = options;
  const context = await browser.newContext({ viewport, hasTouch, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url + path);
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

async function openStudy(name = 'filed', options: Parameters<typeof open>[1] = {}): Promise<Opened> {
  const opened = await open(`/studies/${fixture.studies[name]}`, options);
  await opened.page.getByRole('region', { name: 'Patient and study' }).getByText('SAMPLE-0001').waitFor();
  if (name === 'filed' || name === 'held') await imageShown(opened.page);
  return opened;
}

function imageShown(page: Page): Promise<void> {
  return page.locator('canvas[aria-label*="outlined"]').waitFor();
}

function pixels(page: Page): Promise<string> {
  return page.locator('canvas').evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
}

function sliceNumber(page: Page): Promise<number> {
  return page
    .getByRole('slider', { name: 'Slice' })
    .evaluate((input) => Number((input as unknown as { value: string }).value) + 1);
}

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? '';
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const result = await page.evaluate(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  );
  return (result as { violations: { id: string; nodes: { html: string }[] }[] }).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`,
  );
}

test('WR-PAGE-03 the list says each state in words, with the reason and who it is', { skip }, async () => {
  await using opened = await open('/');
  const row = (name: string) => opened.page.locator(`tr[data-study="${fixture.studies[name]}"]`);
  await row('filed').getByText('SAMPLE-0001').waitFor();
  assert.match(await textOf(row('filed')), /Draft ready[\s\S]*46 set aside/);
  assert.match(
    await textOf(row('not-evaluable')),
    /Not evaluable[\s\S]*Slices are missing.*gap of 10\.0 mm after slice 41/,
  );
  assert.match(await textOf(row('failed')), /Failed, retrying[\s\S]*inference service did not answer/);
  assert.match(await textOf(row('parked')), /Parked[\s\S]*archive not reachable/);
  await opened.page.getByRole('button', { name: 'Needs attention 4' }).click();
  assert.equal(await opened.page.locator('tr[data-study]').count(), 4);
  await opened.page.getByRole('button', { name: 'All 7' }).click();
  await row('filed').getByRole('link').click();
  await opened.page.getByRole('region', { name: 'Images' }).waitFor();
  assert.deepEqual(opened.complaints, []);
});

test('WR-PAGE-04 an empty ledger says how to send a study', { skip }, async () => {
  await using empty = await reviewFixture({ only: 'none' });
  await using opened = await open('/', { url: empty.url });
  await opened.page.getByText('No study has arrived yet').waitFor();
  const text = await textOf(opened.page.getByRole('main'));
  assert.ok(text.includes(`${empty.url}/dicom-web/studies`));
  assert.match(text, /wetread demo FOLDER/);
  assert.deepEqual(await violations(opened.page), []);
});

test('WR-PAGE-05 a study shows label, patient, impression and measurements without scrolling', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const visible = async (text: string | RegExp): Promise<void> => {
    const box = await page.getByText(text).first().boundingBox();
    assert.ok(box !== null && box.y + box.height <= LAPTOP.height, `${String(text)} lies below the fold`);
  };
  for (const text of [
    /^AI draft, not verified/,
    'SAMPLE-0001',
    '29 Feb 1960 (65 y)',
    /lung voxels lie below/,
    'Mean density',
  ]) {
    await visible(text);
  }
  const table = page.getByRole('table', { name: 'Measurements by finding' });
  assert.deepEqual(await table.getByRole('columnheader').allTextContents(), ['Right lung', 'Left lung', 'Both lungs']);
  const volume = fixture.chest.report.readings[0].findings.map(
    (f) => f.measurements.find((m) => m.key === 'volume')!.value!,
  );
  const row = await table
    .getByRole('row', { name: /^Volume/ })
    .getByRole('cell')
    .allTextContents();
  assert.deepEqual(
    row,
    volume.map((v) => `${Math.round(v).toLocaleString('en')} ml`),
  );
  assert.deepEqual(opened.complaints, []);
});

test('WR-PAGE-05 nothing of the patient is in an address, a title or storage', { skip }, async () => {
  await using opened = await openStudy();
  const addresses: string[] = await opened.page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)");
  const kept: string = await opened.page.evaluate(
    'JSON.stringify([document.title, location.href, { ...localStorage }, { ...sessionStorage }, document.cookie])',
  );
  for (const secret of ['SAMPLE-0001', 'gidius', '19600229', 'A-4711']) {
    assert.ok(!kept.includes(secret));
    assert.deepEqual(
      addresses.filter((address) => address.includes(secret)),
      [],
    );
  }
});

test('WR-PAGE-06 slices scroll by keys, wheel and slider; position and number follow', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const start = await sliceNumber(page);
  await page.keyboard.press('ArrowDown');
  assert.equal(await sliceNumber(page), start + 1);
  await page.getByRole('group', { name: /^Image;/ }).focus();
  await page.keyboard.press('PageUp');
  assert.equal(await sliceNumber(page), start - 9);
  await page.keyboard.press('Home');
  assert.equal(await sliceNumber(page), 1);
  await page.keyboard.press('End');
  const count = fixture.chest.volume.shape[0];
  assert.equal(await sliceNumber(page), count);
  await page.getByText(`Slice ${count} of ${count}`).waitFor();
  const before = await pixels(page);
  await page.getByRole('group', { name: /^Image;/ }).hover();
  await page.mouse.wheel(0, -400);
  await page.getByText(`Slice ${count - 10} of ${count}`).waitFor();
  await imageShown(page);
  assert.notEqual(await pixels(page), before);
  await page.getByRole('slider', { name: 'Slice' }).fill('4');
  assert.match(
    (await page.getByRole('slider', { name: 'Slice' }).getAttribute('aria-valuetext'))!,
    /^Slice 5 of \d+, .*mm$/,
  );
});

test('WR-PAGE-06 slices run from head to feet with the right position, and show the voxels of the archive', {
  skip,
}, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  await page.keyboard.press('Home');
  const top = fixture.chest.volume.slices.at(-1)!.imagePositionPatient[2];
  await page.getByText(`${top.toFixed(1).replace('-', '\u2212')} mm`).waitFor();
  await page.keyboard.press('End');
  const k = 0;
  await page.locator('.message:empty').waitFor({ state: 'attached' });
  const box = (await page.locator('.stage').boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const [, rows, columns] = fixture.chest.volume.shape;
  const shown = Number((await textOf(page.locator('.probe'))).replace('\u2212', '-').replace(' HU', ''));
  const stored = sliceVoxels(fixture.chest.volume, k);
  const { slope, intercept } = fixture.chest.volume.slices[k]!;
  const around = [-1, 0, 1].flatMap((dy) =>
    [-1, 0, 1].map((dx) => stored[(rows / 2 + dy) * columns + columns / 2 + dx]! * slope + intercept),
  );
  assert.ok(around.includes(shown), `${shown} is none of ${around.join(', ')}`);
});

test('WR-PAGE-07 window presets, contrast keys and dragging change the picture', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const lung = await pixels(page);
  await page.keyboard.press('2');
  await page.getByText('C 40 W 400').waitFor();
  const soft = await pixels(page);
  assert.notEqual(soft, lung);
  await page.keyboard.press('-');
  await page.getByText('C 40 W 480').waitFor();
  assert.notEqual(await pixels(page), soft);
  await page.getByRole('button', { name: 'Lung', exact: false }).first().click();
  assert.equal(await pixels(page), lung);
  const box = (await page.locator('.stage').boundingBox())!;
  await page.mouse.move(box.x + 100, box.y + 300);
  await page.mouse.down();
  await page.mouse.move(box.x + 160, box.y + 300, { steps: 3 });
  await page.mouse.up();
  await page.getByText('Own window').waitFor();
  assert.notEqual(await pixels(page), lung);
});

test('WR-PAGE-08 the outline can be hidden and shown by one key', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const outlined = await pixels(page);
  await page.keyboard.press('o');
  const plain = await pixels(page);
  assert.equal(await page.getByText('AI outline, not verified').isVisible(), false);
  assert.notEqual(plain, outlined);
  assert.equal(await page.getByRole('button', { name: 'Outline' }).getAttribute('aria-pressed'), 'false');
  await page.keyboard.press('o');
  assert.equal(await pixels(page), outlined);
});

test('WR-PAGE-09 every sentence that claims something leads to its image; what was looked for at all claims nothing', {
  skip,
}, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const sentences = await page.locator('.findings .sentence, .impression .sentence').all();
  for (const sentence of sentences) {
    const text = await textOf(sentence);
    assert.equal(await sentence.getByRole('button').count(), text.startsWith('Only ') ? 0 : 1, text);
    assert.equal(await sentence.getByText('no image evidence').count(), 0, text);
  }
  await page.keyboard.press('Home');
  const right = fixture.chest.report.readings[0].findings.find((f) => f.key === 'lung-right')!;
  const expected =
    fixture.chest.volume.shape[0] -
    fixture.chest.volume.slices.findIndex((s) => s.sopInstanceUid === right.evidence[0]!.sopInstanceUid);
  const button = page.getByRole('button', { name: 'Show Right lung in the images' }).first();
  await button.click();
  assert.equal(await sliceNumber(page), expected);
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  await imageShown(page);
  const emphasised = await pixels(page);
  await page.keyboard.press('Escape');
  assert.notEqual(await pixels(page), emphasised);
  assert.equal(await button.getAttribute('aria-pressed'), 'false');
});

test('WR-PAGE-10 the histogram marks the threshold and Perc15 and says them in words', { skip }, async () => {
  await using opened = await openStudy();
  const figure = opened.page.locator('figure.histogram');
  assert.equal(await figure.locator('.curve').count(), 2);
  assert.equal(await figure.locator('.threshold').count(), 1);
  assert.equal(await figure.locator('.perc15').count(), 2);
  const perc15 = fixture.chest.report.readings[0].findings[0]!.measurements.find((m) => m.key === 'perc15')!.value!;
  const words = await figure.getByRole('img').getAttribute('aria-label');
  assert.ok(words!.includes(`Right lung: 15th percentile \u2212${Math.abs(perc15)} HU`), words!);
});

test('WR-PAGE-11 SR, SEG, FHIR, draft and trace are one click away', { skip }, async () => {
  await using opened = await openStudy();
  const links = await opened.page
    .locator('a[data-link]')
    .evaluateAll((all) => all.map((a) => [a.getAttribute('data-link'), a.getAttribute('href')]));
  assert.deepEqual(
    links.map(([key]) => key),
    ['sr.dcm', 'seg.dcm', 'report.json', 'bundle.json', 'trace.json', 'diagnostic-report'],
  );
  for (const [key, href] of links) assert.equal((await fetch(fixture.url + href)).status, 200, key!);
  const [, fhir] = links.at(-1)!;
  assert.equal(new URL(fixture.url + fhir).searchParams.get('identifier')!.split('|').length, 2);
});

test('WR-PAGE-12 a study without a draft says why and what to do', { skip }, async () => {
  await using opened = await openStudy('not-evaluable');
  const notice = opened.page.getByRole('region', { name: 'State' });
  assert.match(
    await textOf(notice),
    /Slices are missing between the first and the last: gap of 10\.0 mm after slice 41/,
  );
  assert.match(await textOf(notice), /What you can do: .*send the missing images/);
  const aside = opened.page.getByRole('row', { name: /Topogram/ });
  assert.match(await textOf(aside), /118/);
  assert.equal(await opened.page.locator('canvas').count(), 0);
  assert.equal(await opened.page.getByText('AI draft').count(), 0);
});

test('WR-PAGE-12 a held draft is shown with the reason, and an archive that is down is said aloud', {
  skip,
}, async () => {
  await using held = await openStudy('held');
  assert.match(await textOf(held.page.getByRole('region', { name: 'State' })), /Birth date or sex differ/);
  assert.equal(await held.page.locator('a[data-link="diagnostic-report"]').count(), 0);
  await using parked = await open(`/studies/${fixture.studies['parked']}`);
  await parked.page.getByText('Patient unknown').waitFor();
  await using unknown = await open('/studies/1.2.3');
  await unknown.page.getByText('Nothing is known here by this name').first().waitFor();
});

test('WR-LKT-09 a study that the archive does not hold is told from an archive that does not answer; times of other days have their day', {
  skip,
}, async () => {
  await using list = await open('/');
  const row = (name: string) => list.page.locator(`tr[data-study="${fixture.studies[name]}"]`);
  await row('not-selected').getByText('not in the archive').waitFor();
  await row('parked').getByText('archive not reachable').waitFor();
  const said = async (name: string): Promise<string> => {
    await using opened = await open(`/studies/${fixture.studies[name]}`);
    await opened.page.getByText('Patient unknown').waitFor();
    return await textOf(opened.page.getByRole('region', { name: 'Patient and study' }));
  };
  assert.match(await said('not-selected'), /^Patient unknown: The archive does not hold the study\. Check/);
  assert.match(await said('parked'), /^Patient unknown: The archive did not answer\. Check/);
  await using filed = await openStudy();
  const triage = await textOf(filed.page.getByRole('region', { name: 'Triage' }));
  assert.match(triage, /unchanged since 5 Jan 2026, \d\d:/);
  assert.match(await textOf(filed.page.locator('.timeline li').first().locator('time')), /^\d\d:\d\d:\d\d$/);
});

test('WR-PAGE-13 a tablet shows all of it without sideways scrolling; a finger scrolls slices', { skip }, async () => {
  await using opened = await openStudy('filed', { viewport: TABLET, hasTouch: true });
  const { page } = opened;
  const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  assert.ok(Number(wide) <= 0, `${String(wide)} pixels too wide`);
  const start = await sliceNumber(page);
  const touch = await opened.context.newCDPSession(page);
  const at = (type: string, y: number): Promise<unknown> =>
    touch.send('Input.dispatchTouchEvent', {
      type: type as 'touchStart',
      touchPoints: type === 'touchEnd' ? [] : [{ x: 400, y }],
    });
  await at('touchStart', 400);
  await at('touchMove', 440);
  await at('touchEnd', 440);
  await page.getByText(`Slice ${start + 5} of`).waitFor();
  await using list = await open('/', { viewport: TABLET });
  await list.page.locator('tr[data-study]').first().waitFor();
  assert.ok(Number(await list.page.evaluate('document.documentElement.scrollWidth - innerWidth')) <= 0);
});

test('WR-PAGE-14 no violation of WCAG 2.2 AA that axe can find', { skip }, async () => {
  for (const viewport of [LAPTOP, TABLET]) {
    await using list = await open('/', { viewport });
    await list.page.getByText('SAMPLE-0001').first().waitFor();
    assert.deepEqual(await violations(list.page), []);
    await using study = await openStudy('filed', { viewport });
    await study.page.getByRole('button', { name: 'Show Right lung in the images' }).first().click();
    assert.deepEqual(await violations(study.page), []);
    await using none = await openStudy('not-evaluable', { viewport });
    assert.deepEqual(await violations(none.page), []);
  }
  await using reading = await openStudy('reading');
  await reading.page.keyboard.press('?');
  await reading.page.getByRole('dialog', { name: 'Keys' }).waitFor();
  assert.deepEqual(await violations(reading.page), []);
});

test('WR-PAGE-15 Tab goes through in reading order, with a visible focus', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const order: string[] = [];
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Tab');
    order.push(
      await page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent'),
    );
    assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none', order.at(-1));
  }
  assert.deepEqual(
    order.map((name) => name.split(';')[0]),
    [
      'Skip to content',
      'Wetread',
      'Studies',
      'Keys ?',
      'Image',
      'Slice',
      'Lung1',
      'Soft tissue2',
      'Bone3',
      'OutlineO',
      'Draft and record',
      'Copy as text',
    ],
  );
});

test('WR-PAGE-15 single keys can be switched off and never act inside the help', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  const before = await pixels(page);
  await page.keyboard.press('?');
  await page.keyboard.press('o');
  await page.getByLabel('Single-key shortcuts').uncheck();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('o');
  assert.equal(await pixels(page), before);
});

test('WR-PAGE-16 every copy begins with the label: the button and a selection by hand', { skip }, async () => {
  await using opened = await openStudy();
  const { page } = opened;
  await page.getByRole('button', { name: 'Copy as text' }).click();
  await page.getByRole('button', { name: 'Copied with its label' }).waitFor();
  const whole: string = await page.evaluate('navigator.clipboard.readText()');
  assert.ok(whole.startsWith(fixture.chest.report.label) && whole.endsWith(fixture.chest.report.label));
  await page.locator('.impression .sentence').first().selectText();
  await page.keyboard.press('Control+C');
  const part: string = await page.evaluate('navigator.clipboard.readText()');
  assert.ok(part.startsWith(fixture.chest.report.label) && part.includes('lung voxels'), part);
});

test('WR-PAGE-17 a study that changes is shown and announced without a reload', { skip }, async () => {
  await using fresh = await reviewFixture({ only: 'reading' });
  await using opened = await open(`/studies/${fresh.studies['reading']}`, { url: fresh.url });
  const { page } = opened;
  await page.getByRole('region', { name: 'State' }).getByText('Arriving').waitFor();
  await page.evaluate('window.stayed = true');
  await fresh.finishReading();
  await page
    .getByRole('region', { name: 'State' })
    .getByText('The organ is not covered completely: lungs touch the last slice')
    .waitFor();
  assert.match(await textOf(page.locator('#announcements')), /^Not evaluable/);
  assert.equal(await page.evaluate('window.stayed'), true);
});

test('WR-PAGE-18 markup in a header is text', { skip }, async () => {
  await using opened = await openStudy();
  await opened.page.getByText('CT Thorax <img src=x onerror=alert(1)>').waitFor();
  assert.equal(await opened.page.locator('main img').count(), 0);
  assert.deepEqual(opened.complaints, []);
});

test('WR-PAGE-19 the page stays small: scripts without comments under 80 KB', () => {
  const scripts = readdirSync(PUBLIC).filter((name) => name.endsWith('.js'));
  const code = scripts
    .map((name) => readFileSync(join(PUBLIC, name), 'utf8').replace(/\/\*\*[\s\S]*?\*\//g, ''))
    .join('');
  assert.ok(Buffer.byteLength(code) < 80_000, `${Buffer.byteLength(code)} bytes`);
});

test('WR-OPS-23 the list can be narrowed to one state', { skip }, async () => {
  await using own = await reviewFixture();
  await using opened = await open('/', { url: own.url });
  const { page } = opened;
  await page.locator('tr[data-study]').first().waitFor();
  await page.getByRole('combobox', { name: 'State' }).selectOption({ label: 'Parked (1)' });
  const shown = await page
    .locator('tr[data-study]')
    .evaluateAll((rows) => rows.map((r) => r.getAttribute('data-study')));
  assert.deepEqual(shown, [own.studies['parked']]);
  await page.getByRole('button', { name: 'All 7' }).click();
  assert.equal(await page.locator('tr[data-study]').count(), 7);
  assert.equal(await page.getByRole('combobox', { name: 'State' }).inputValue(), '');
});

test('WR-OPS-24 a study is replayed, parked and closed by keyboard, after a question; axe finds nothing', {
  skip,
}, async () => {
  await using own = await reviewFixture();
  for (const viewport of [LAPTOP, TABLET]) {
    await using opened = await open(`/studies/${own.studies['not-evaluable']}`, { url: own.url, viewport });
    const { page } = opened;
    await page.getByRole('button', { name: 'Close …' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Close this study?' });
    await dialog.waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    assert.equal(await dialog.isVisible(), false);
    // The dialog tells of its closing in a task of its own.
    await page.locator('[data-move="close"]:focus').waitFor();
    assert.deepEqual(opened.complaints, []);
  }
  await using opened = await open(`/studies/${own.studies['not-evaluable']}`, { url: own.url });
  const { page } = opened;
  await page.getByRole('button', { name: 'Replay …' }).click();
  await page.keyboard.type('images were sent again');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Park …' }).waitFor();
  assert.match(await textOf(page.locator('.timeline')), /An operator decided it: images were sent again/);
  await page.getByRole('button', { name: 'Park …' }).click();
  await page.getByRole('button', { name: 'Park the study' }).click();
  await page.getByRole('button', { name: 'Close …' }).click();
  await page.getByRole('button', { name: 'Close the study' }).click();
  await page.locator('.panel-head').getByText('Closed').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Park …' }).count(), 0);
  assert.deepEqual(opened.complaints, []);
});

test('WR-OPS-24 a decision that came too late is told and leaves the study alone', { skip }, async () => {
  await using own = await reviewFixture({ only: 'reading' });
  await using opened = await open(`/studies/${own.studies['reading']}`, { url: own.url });
  const { page } = opened;
  await page.getByRole('button', { name: 'Park …' }).click();
  await own.finishReading();
  await page.getByRole('button', { name: 'Park the study' }).click();
  await page.getByRole('alert').getByText("No 'park' in state 'not-evaluable'").waitFor();
});

test('WR-OPS-25 a study shows on what evidence it counted as complete, its rule and its priority', {
  skip,
}, async () => {
  await using opened = await openStudy();
  const triage = opened.page.getByRole('region', { name: 'Triage' });
  assert.match(await textOf(triage), /Two looks at the archive.*120 images in 2 series, 120 expected.*Rule.*routine/s);
  assert.equal(await opened.page.getByRole('button', { name: 'Replay …' }).count(), 1);
});

test('WR-PAGE-31 a draft of several models names the silent one, marks what they disagree on, and says who says what', {
  skip,
}, async () => {
  await using own = await reviewFixture({ several: true, only: 'filed' });
  await using opened = await open(`/studies/${own.studies['filed']}`, { url: own.url });
  const { page } = opened;
  await imageShown(page);
  const partial = page.getByRole('region', { name: 'Partial draft' });
  assert.match(await textOf(partial), /ct-calcium 2\.1\.0: Slices are thicker than the model allows: 5\.0 mm/);
  assert.match(
    await textOf(page.locator('.sentence.disagreement')),
    /^Models disagree: Right lung, volume: ct-lung-density/,
  );
  const present = page.locator('.statements tr').first();
  assert.match(await textOf(present), /present \(probability 0\.91\)/);
  for (const name of ['ct-lung-density', 'ct-chest-second']) {
    assert.ok((await page.locator('.findings .origin', { hasText: name }).count()) > 0, name);
  }
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(opened.complaints, []);
});

test('WR-PAGE-31 the reader chooses whose outlines are shown; a finding is shown in its own model’s view', {
  skip,
}, async () => {
  await using own = await reviewFixture({ several: true, only: 'filed' });
  await using opened = await open(`/studies/${own.studies['filed']}`, { url: own.url });
  const { page } = opened;
  await imageShown(page);
  const shown = page.getByRole('group', { name: 'Reading shown' });
  const pressed = (): Promise<string> => textOf(shown.locator('[aria-pressed="true"]'));
  assert.match(await pressed(), /ct-lung-density/);
  const slice = await sliceNumber(page);
  await shown.getByRole('button', { name: 'ct-chest-second' }).click();
  await imageShown(page);
  assert.match(await pressed(), /ct-chest-second/);
  assert.equal(await sliceNumber(page), slice, 'the same series stays where it is');
  const outlined = await page.locator('canvas').getAttribute('aria-label');
  assert.match(outlined!, /outlined: Right lung$/);
  await page.getByRole('button', { name: 'Show Left lung in the images' }).first().click();
  await imageShown(page);
  assert.match(await pressed(), /ct-lung-density/);
});
