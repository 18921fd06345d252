/**
 * A language model looks at radiographs: two views of one series leave as pictures in one question, and what is said of
 * them stands in draft, SR, health record and page with the image that it is about.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Bundle, FhirResource, Observation } from 'fhir/r4.js';
import { readDataSet } from '../../adapters/part10/reader.ts';
import { dxFiles } from '../../adapters/phantom/dx-files.ts';
import { radiograph } from '../../adapters/phantom/radiograph.ts';
import type { Report, ViewSet } from '../../contracts/generated/types.ts';
import { validateReport } from '../../contracts/generated/validators.js';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { CHAT_TOKEN, type ChatServer, darkShare, startChatServer } from '../support/chat-server.ts';
import { wetread } from '../support/command-line.ts';
import { outline } from '../support/content-tree.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { IDENTIFIERS, identifiersIn, withIdentifiers } from '../support/planted-identifiers.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';
import { RADIOGRAPH_MODEL, writeRadiographPackage } from '../support/text-package.ts';

const SHADES = { kind: 'percentiles', low: 33, high: 99 };
const folder = new TemporaryFolder();
let server: ChatServer;
let running: RunningWetread;
let record: StudyRecord;

before(async () => {
  server = await startChatServer();
  const models = join(folder.path, 'models');
  // Lungs are the darkest third of a chest: they become black.
  await writeRadiographPackage(models, (card) => Object.assign(card.input, { window: SHADES }));
  const tokenFile = join(folder.path, 'token');
  writeFileSync(tokenFile, CHAT_TOKEN);
  const credentials = { kind: 'bearer', tokenFile };
  const pictures = { kind: 'openai', url: server.url, remote: true, imagesMayLeave: true, credentials };
  const site = { bundledModels: false, models: [models], inference: { servers: { pictures } } };
  writeFileSync(join(folder.path, 'site.yaml'), JSON.stringify(site));
  running = await runWetread(site);
  const [frontal, lateral] = [radiograph(), radiograph({ view: 'lateral' })];
  const files = dxFiles([lateral, frontal], { study: 'two views', viewPosition: ['LL', 'PA'] });
  await running.send([...files].map((bytes) => withIdentifiers(bytes)));
  record = await running.reached('filed', 'held');
});
after(async () => {
  server?.close();
  await running?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function documentOf(name: DocumentName): Promise<Uint8Array> {
  return (await running.wetread.ports.ledger.document(record.studyInstanceUid, name)) ?? assert.fail(name);
}
const jsonOf = async <T>(name: DocumentName): Promise<T> =>
  JSON.parse(new TextDecoder().decode(await documentOf(name))) as T;

/** What the server, which looks at its pictures, found darkest: the frontal view is shown first. */
function darkest(): { readonly view: string; readonly at: number } {
  const shares = server.requests[0]!.pictures.map(darkShare);
  const at = shares.indexOf(Math.max(...shares));
  return { view: ['PA', 'LL'][at]!, at };
}

test('WR-VLM-26 two views go in one question, and the draft has what is said of them with the image', async () => {
  assert.equal(server.requests.length, 1);
  const { pictures, prompt } = server.requests[0]!;
  assert.deepEqual(
    pictures.map(({ width, height, channels }) => [width, height, channels]),
    [
      [256, 256, 1],
      [256, 256, 1],
    ],
  );
  assert.match(prompt, /2 pictures, grey, numbered from 1; 1: frontal; 2: lateral\./);
  const report = await jsonOf<Report>('report.json');
  assert.equal(validateReport(structuredClone(report)), true, JSON.stringify(validateReport.errors));
  const [{ evidence, findings }] = report.readings;
  assert.deepEqual(
    findings.map(({ key, presence }) => [key, presence]),
    [['low-attenuation', 'present']],
  );
  const about = evidence[darkest().at]!;
  assert.deepEqual(findings[0]!.evidence, [about]);
  const { views } = await jsonOf<ViewSet>('view.json');
  assert.equal(views.find(({ label }) => label === darkest().view)?.slices[0].sopInstanceUid, about.sopInstanceUid);
  const sentence = report.sections
    .flatMap(({ sentences }) => sentences)
    .find(({ text }) => text === 'There is low attenuation of the lung parenchyma.');
  assert.equal(sentence?.generatedBy, `${RADIOGRAPH_MODEL} 1.0.0`);
  assert.deepEqual(sentence?.evidence, [about]);
});

test('WR-VLM-26 SR and health record have the finding as present, without a value, and the image that it is about', async () => {
  const [about] = (await jsonOf<Report>('report.json')).readings[0].findings[0]!.evidence;
  const sr = readDataSet(await documentOf('sr.dcm'));
  assert.ok(!isSkipped(sr));
  const lines = outline(sr.dataSet).map((line) => line.replace(/^>+ /, ''));
  assert.ok(lines.includes('CONTAINS CODE Finding = Pulmonary emphysema'), lines.join('\n'));
  assert.ok(lines.some((line) => line.includes('TEXT Finding = There is low attenuation of the lung parenchyma.')));
  assert.match(JSON.stringify(sr.dataSet), new RegExp(about!.sopInstanceUid.replaceAll('.', String.raw`\.`)));
  const bundle = await jsonOf<Bundle<FhirResource>>('bundle.json');
  const observations = bundle.entry!.flatMap(({ resource }): Observation[] =>
    resource?.resourceType === 'Observation' ? [resource] : [],
  );
  assert.equal(observations.length, 1);
  assert.equal(observations[0]!.valueCodeableConcept?.coding?.[0]?.code, '52101004');
  assert.equal(observations[0]!.valueQuantity, undefined);
  const derived = observations[0]!.derivedFrom?.flatMap(({ identifier }) => identifier?.value ?? []);
  assert.deepEqual(derived, [`urn:oid:${about!.sopInstanceUid}`]);
});

test('WR-VLM-27 nothing that left with the radiographs holds an identifier, a UID or a date', () => {
  const [body] = server.bodies;
  assert.ok(body && IDENTIFIERS.length >= 40);
  assert.deepEqual(identifiersIn(body), []);
  const text = body.replaceAll(/data:image\/png;base64,[\w+/=]+/g, '');
  assert.doesNotMatch(text, /\d\.\d+\.\d+\.\d/, 'UIDs');
  assert.doesNotMatch(text, /\b(?:19|20)\d{6}\b/, 'dates');
});

test('WR-VLM-28 the tokens of the answer are in the metrics, by model, with nothing of the patient', async () => {
  const text = await (await fetch(`${running.wetread.url}/metrics`)).text();
  const labels = `model="${RADIOGRAPH_MODEL}",version="1.0.0"`;
  assert.ok(text.includes(`\nwetread_text_answers_total{${labels}} 1\n`), text);
  assert.ok(text.includes(`\nwetread_text_tokens_total{${labels},kind="prompt"} ${100 + 2 * 256}\n`), text);
  assert.ok(text.includes(`\nwetread_text_tokens_total{${labels},kind="completion"} 42\n`), text);
  assert.deepEqual(identifiersIn(text), []);
});

test('WR-VLM-29 models check, show, test and reference know pictures: what is shown, and that the server keeps to the schema', async () => {
  const models = (...args: readonly string[]): ReturnType<typeof wetread> =>
    wetread(['models', ...args], { cwd: folder.path });
  const checked = await models('check', join('models', RADIOGRAPH_MODEL));
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  const { stdout } = await models('show', RADIOGRAPH_MODEL, '--config', 'site.yaml');
  const words = stdout.replaceAll(/\s+/g, ' ');
  for (const part of [
    'in: images as pictures of 256 pixels, from percentile 33 to 99; frontal, lateral where there is one',
    'at least 64 × 64 pixels, at most 4 images',
    'out: text for findings and impression',
    'low-attenuation: Pulmonary emphysema',
  ])
    assert.ok(words.includes(part), stdout);
  const tested = await models('test', '--config', 'site.yaml');
  assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  assert.equal(server.requests.at(-1)!.pictures[0]!.channels, 1);
  const views = ['PA', 'LL', 'LLO'].map(() => radiograph({ matrix: 128 }));
  folder.writeStudy('views', [...dxFiles(views, { study: 'views', viewPosition: ['PA', 'LL', 'LLO'] })]);
  const looks = await models('reference', join('models', RADIOGRAPH_MODEL), 'views');
  assert.equal((JSON.parse(looks.stdout) as { reference: { cases: number } }).reference.cases, 2);
  assert.match(looks.stderr, /1 left out: The view is not one/);
});

test('WR-VLM-26 the page shows the radiograph that a sentence is about', { skip: withoutBrowser }, async () => {
  await using browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(running.wetread.url);
  await page.getByRole('link', { name: /Thorax nativ/ }).click();
  const sentence = page.locator('.sentence', { hasText: 'There is low attenuation of the lung parenchyma.' });
  await sentence.waitFor();
  const words = (await sentence.textContent()) ?? '';
  assert.ok(words.includes(`written by ${RADIOGRAPH_MODEL}`), words);
  const button = sentence.locator('button.evidence');
  assert.ok((await button.textContent())!.includes(darkest().view), (await button.textContent())!);
  const shows = (view: string): Promise<void> =>
    page.locator(`input[aria-valuetext*="${view}"]`).waitFor({ state: 'attached' });
  await page.locator('.views button[aria-pressed="false"]').click();
  await shows(darkest().view === 'PA' ? 'LL' : 'PA');
  await button.click();
  await shows(darkest().view);
});
