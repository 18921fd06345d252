/**
 * No patient data leaves by the side doors. A study full of invented identifiers is read by a real server at its most
 * talkative, with a collector; everything goes wrong that can; then all that it said is searched. Half a minute: two
 * studies are read, and Chromium opens the page.
 *
 * Where identifiers are at home, and are not searched: the archive and its DICOMweb answers, the health record and its
 * FHIR answers, `sr.dcm`, `seg.dcm`, `bundle.json`, the page's `/api/studies/{uid}/header`, and the names of files that
 * were not read in `summary.json`, which is written for whoever owns the files.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, request as forward, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { phantomStudy } from '../../adapters/phantom/phantom-study.ts';
import type { Summary } from '../../contracts/generated/types.ts';
import { launchBrowser, withoutBrowser } from '../support/browser.ts';
import { type Ended, type RunningCommand, startCommand, wetread } from '../support/command-line.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { SMALL_CHEST, smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import {
  base64Cores,
  IDENTIFIERS,
  identifiersIn,
  SAID,
  withIdentifiers,
  writtenForms,
} from '../support/planted-identifiers.ts';
import { runWetread } from '../support/running-wetread.ts';

const NAME = 'Zwirbelgruber^Ägidia^Mechthild^Freifrau';
const PATIENT_ID = 'PID-7QX4431';

let folder: TemporaryFolder;
let collector: OtlpReceiver;
let server: RunningCommand;
let ended: Ended;
/** What the server answered outside the allowed places: errors of all kinds, states, metrics, the page. */
const answers: { readonly what: string; readonly text: string }[] = [];
let studies: readonly { readonly studyInstanceUid: string; readonly state: string; readonly reason?: object }[];
/** Answers that must hold identifiers: they prove that the study was full of them. */
let archived: string;
let recorded: string;
/** What Chromium asked for and said while it showed the study; empty without Chromium. */
const browsed: string[] = [];
let shown = '';

before(async () => {
  folder = new TemporaryFolder();
  for (const name of ['tmp', 'home']) mkdirSync(join(folder.path, name));
  collector = await startOtlpReceiver();
  folder.write({
    'site.yaml': [
      `dataDirectory: ${join(folder.path, 'data')}`,
      'http: { port: 0 }',
      'completeness: { quietSeconds: 0.3 }',
      `telemetry: { logLevel: debug, otlpUrl: '${collector.url}' }`,
    ].join('\n'),
  });
  server = startCommand(['serve', '--config', join(folder.path, 'site.yaml')], { env: environment() });
  const [, url] = await server.printed(/listens on (http:\S+)\n/);
  await sendStudies(url!);
  studies = await whenFinal(url!);
  await askForEverything(url!);
  await askWrongly(url!);
  await readDocuments(url!);
  if (withoutBrowser === false) await browse(url!);
  server.kill('SIGTERM');
  ended = await server.ended;
});

after(async () => {
  await server?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** As on a site's machine: nothing is suppressed because this is a test. */
function environment(): Record<string, string> {
  const at = (name: string): string => join(folder.path, name);
  return { TMPDIR: at('tmp'), HOME: at('home'), XDG_CACHE_HOME: at('home'), CI: '', ORT_DISABLE_TELEMETRY: '' };
}

let chest: readonly Uint8Array[];
function plantedChest(): readonly Uint8Array[] {
  chest ??= smallChest().map((bytes) => withIdentifiers(bytes));
  return chest;
}

/** Of the same patient by number, with another birth date: the result is held. */
function plantedOther(): readonly Uint8Array[] {
  return [...phantomStudy({ ...SMALL_CHEST, seed: 11 })].map((bytes) =>
    withIdentifiers(bytes, { '00100030': '19310418' }),
  );
}

async function sendStudies(url: string): Promise<void> {
  assert.equal((await stow(url, plantedChest())).status, 200);
  await until(url, 1);
  assert.equal((await stow(url, plantedOther())).status, 200);
}

/** A sender that tells all it knows: in headers of the request and of the parts. */
async function stow(url: string, instances: readonly Uint8Array[], path = '/dicom-web/studies'): Promise<Response> {
  const head = `\r\n--part\r\nContent-Type: application/dicom\r\nContent-Location: /${encodeURI(SAID.file)}\r\n\r\n`;
  const parts = instances.flatMap((bytes) => [Buffer.from(head), bytes]);
  return fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'multipart/related; type="application/dicom"; boundary=part',
      ...credentials(),
    },
    body: Buffer.concat([...parts, Buffer.from('\r\n--part--\r\n')]),
  });
}

function credentials(): Record<string, string> {
  return {
    authorization: `Bearer ${SAID.token}`,
    cookie: `session=${SAID.token}`,
    'user-agent': `Modality of ${SAID.asked}`,
    baggage: `patient=${PATIENT_ID}`,
    tracestate: `vendor=${PATIENT_ID.toLowerCase()}`,
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'x-patient': encodeURIComponent(NAME),
  };
}

type Row = (typeof studies)[number];

async function until(url: string, count: number): Promise<readonly Row[]> {
  for (;;) {
    const { studies: rows } = (await (await fetch(`${url}/api/studies`)).json()) as { studies: readonly Row[] };
    const settled = rows.filter(({ state }) => ['filed', 'held', 'not-evaluable', 'parked'].includes(state));
    if (settled.length >= count) return rows;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const whenFinal = (url: string): Promise<readonly Row[]> => until(url, 2);

/** What clients ask rightly. Answers of DICOMweb and FHIR hold identifiers by design; that they were asked must show nowhere. */
async function askForEverything(url: string): Promise<void> {
  const get = async (path: string, accept: string): Promise<string> => {
    const answer = await fetch(url + path, { headers: { ...credentials(), accept } });
    assert.ok(answer.status === 200 || answer.status === 204, `${path} ${answer.status}`);
    return answer.text();
  };
  const dicom = 'application/dicom+json';
  const fhir = 'application/fhir+json';
  archived = await get(
    `/dicom-web/studies?PatientName=${encodeURIComponent('Zwirbelgruber*')}&includefield=all`,
    dicom,
  );
  archived += await get(`/dicom-web/studies?PatientID=${PATIENT_ID}&PatientBirthDate=19310417`, dicom);
  await get(`/dicom-web/studies?AccessionNumber=ACC-77X1948&ReferringPhysicianName=Quacksalberova*`, dicom);
  await get(`/dicom-web/instances?00100020=${SAID.asked}`, dicom);
  archived += await get(`/dicom-web/studies/${studies[0]!.studyInstanceUid}/metadata`, dicom);
  recorded = await get(`/fhir/Patient?identifier=${encodeURIComponent(PATIENT_ID)}`, fhir);
  recorded += await get(`/fhir/DiagnosticReport?patient.identifier=${PATIENT_ID}`, fhir).catch(() => '');
  const posted = await fetch(`${url}/fhir/Patient/_search`, {
    method: 'POST',
    headers: { ...credentials(), 'content-type': 'application/x-www-form-urlencoded', accept: fhir },
    body: `identifier=${PATIENT_ID}&_count=5`,
  });
  recorded += await posted.text();
  for (const { studyInstanceUid } of studies) {
    for (const rest of ['', '/state']) await keep(url, `/api/studies/${studyInstanceUid}${rest}`);
    assert.ok((await get(`/api/studies/${studyInstanceUid}/header`, '*/*')).includes('Zwirbelgruber'));
  }
  await keep(url, '/api/studies');
  await keep(url, '/metrics');
  for (const path of ['/', `/studies/${studies[0]!.studyInstanceUid}`]) await keep(url, path);
}

interface Request {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

async function keep(url: string, path: string, init: Request = {}): Promise<Response> {
  const answer = await fetch(url + path, { ...init, headers: { ...credentials(), ...init.headers } });
  const text = `${[...answer.headers].join('\n')}\n${await answer.text()}`;
  answers.push({ what: `${init.method ?? 'GET'} ${path}: ${answer.status}`, text });
  return answer;
}

/** What clients ask wrongly, with names where names can stand. */
async function askWrongly(url: string): Promise<void> {
  const name = encodeURIComponent(NAME);
  const refused = [
    `/dicom-web/studies/${name}`,
    `/dicom-web/studies/${name}/metadata`,
    `/dicom-web/studies/1.2.3/series/${PATIENT_ID}/instances/${name}/frames/1`,
    `/dicom-web/studies?${name}=1`,
    `/dicom-web/studies?PatientName=${name}&limit=${PATIENT_ID}`,
    `/dicom-web/studies?PatientBirthDate=${name}`,
    `/dicom-web/studies?includefield=${name}`,
    `/dicom-web/${name}`,
    `/dicom-web/studies/%E0%A4%A/${name}`,
    `/fhir/${name}`,
    `/fhir/Patient/${PATIENT_ID}`,
    `/fhir/Patient/${PATIENT_ID}/_history/${name}`,
    `/fhir/Patient?name-of-patient=${name}`,
    `/fhir/Patient?_count=${name}`,
    `/fhir/Patient?identifier=${name}&_format=${name}`,
    `/api/studies/${name}`,
    `/api/studies/${name}/header`,
    `/api/studies/${studies[0]!.studyInstanceUid}/documents/${name}`,
    `/api/studies/${studies[0]!.studyInstanceUid}/views/0/slices/${name}/voxels`,
    `/api/${name}`,
    `/api/%E0%A4%A${name}`,
    `/assets/${name}.js`,
    `/assets/..%2f${name}`,
    `/${name}`,
    `/%E0%A4%A${name}`,
    `/studies/%E0%A4%A${name}`,
    `/api/studies/%E0%A4%A${name}`,
    `/fhir/Patient/%E0%A4%A${name}`,
    `/wado?requestType=WADO&objectUID=${name}`,
  ];
  for (const path of refused) {
    const { status } = await keep(url, path, { headers: { accept: '*/*' } });
    assert.ok(status >= 400 && status < 500, `${path} ${status}`);
  }
  await keep(url, '/dicom-web/studies', { method: 'PUT', body: NAME });
  await keep(url, `/fhir/Patient/${PATIENT_ID}`, { method: 'DELETE' });
  await keep(url, '/fhir/Patient/_search', { method: 'POST', body: NAME, headers: { 'content-type': 'text/plain' } });
  await sendWrongly(url);
  for (const request of [
    `GET /${NAME} HTTP/1.1\r\nHost: ${SAID.asked}\r\n\r\n`,
    `${SAID.asked} ${PATIENT_ID}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX-Name: ${'Zwirbelgruber'.repeat(5000)}\r\n\r\n`,
  ]) {
    answers.push({ what: `raw ${request.slice(0, 20)}`, text: await raw(url, request) });
  }
}

/** Files that are refused, all of them full of names. */
async function sendWrongly(url: string): Promise<void> {
  const [first, second] = plantedChest() as [Uint8Array, Uint8Array];
  const file = Buffer.from(first);
  const otherBytes = Buffer.from(first);
  otherBytes[otherBytes.length - 1]! ^= 1;
  const badLength = Buffer.from(first);
  badLength.writeUInt16LE(0xfff0, badLength.indexOf('Zwirbelgruber') - 2);
  const noUid = Buffer.from(file.toString('latin1').replaceAll('2.25.', '2.Zwi'), 'latin1');
  const otherPatient = Buffer.from(second.map((byte) => byte));
  otherPatient.write('PID-7QX4432', otherPatient.indexOf(PATIENT_ID));
  const broken: Record<string, Uint8Array> = {
    cut: file.subarray(0, file.indexOf('Zwirbelgruber') + 9),
    text: Buffer.from(`${NAME};${PATIENT_ID};1931-04-17`),
    'other bytes': otherBytes,
    'bad length': badLength,
    'no UID': noUid,
    'other patient': otherPatient,
  };
  for (const [what, bytes] of Object.entries(broken)) {
    const answer = await stow(url, [bytes]);
    answers.push({ what, text: await answer.text() });
    assert.ok(answer.status === 409 || answer.status === 400, `${what} ${answer.status}`);
  }
  const elsewhere = await stow(url, [first], `/dicom-web/studies/${encodeURIComponent(NAME)}`);
  answers.push({ what: 'STOW to a name', text: await elsewhere.text() });
  const type = `multipart/related; type="application/${SAID.asked}"; boundary=${SAID.asked}`;
  await keep(url, '/dicom-web/studies', { method: 'POST', body: first.slice(), headers: { 'content-type': type } });
  const { host } = new URL(url);
  const cut = `POST /dicom-web/studies HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 99999\r\nContent-Type: multipart/related; type="application/dicom"; boundary=part\r\n\r\n--part\r\n\r\n${NAME}`;
  answers.push({ what: 'cut off', text: await raw(url, cut) });
}

/** Bytes as they are, and what comes back until either side has had enough. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.end(bytes));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

async function readDocuments(url: string): Promise<void> {
  for (const path of ['/api/studies', '/metrics']) await keep(url, path);
  for (const { studyInstanceUid } of studies) {
    for (const name of ['trace.json', 'report.json', 'view.json']) {
      await keep(url, `/api/studies/${studyInstanceUid}/documents/${name}`);
    }
  }
}

async function browse(url: string): Promise<void> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    page.on('request', (request) => browsed.push(`${request.method()} ${request.url()} ${request.postData() ?? ''}`));
    page.on('console', (message) => browsed.push(message.text()));
    await page.goto(url);
    await page
      .getByRole('link', { name: /Zwirbelgruber/ })
      .first()
      .click();
    await page.locator('canvas').first().waitFor();
    await page.getByRole('region', { name: 'Patient and study' }).getByText(PATIENT_ID).waitFor();
    shown = (await page.locator('body').textContent()) ?? '';
    browsed.push(page.url(), await page.title());
    browsed.push(...(await page.locator('a').evaluateAll((all) => all.map((a) => a.getAttribute('href') ?? ''))));
    browsed.push(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])'));
  } finally {
    await browser.close();
  }
}

function assertSilent(what: string, text: string): void {
  assert.deepEqual(identifiersIn(text), [], what);
}

test('WR-SEC-01 every identifier is found in each form in which it could hide', () => {
  assert.ok(IDENTIFIERS.length > 60);
  for (const identifier of IDENTIFIERS) {
    const forms = [
      ...writtenForms(identifier),
      identifier.toUpperCase(),
      identifier.toLowerCase(),
      JSON.stringify({ a: identifier }),
    ];
    for (const form of forms) assert.ok(identifiersIn(`x${form}y`).includes(identifier), form);
    for (const before of ['', 'a', 'ab']) {
      const encoded = Buffer.from(`${before}${identifier}!`).toString('base64');
      assert.ok(identifiersIn(encoded).includes(identifier), `${before}${identifier} in base64`);
    }
    for (const core of base64Cores(identifier)) assert.ok(core.length >= 5, identifier);
  }
  assertSilent(
    'ordinary output',
    'Reading 2.25.195664713012194665801226706418462306345\n  filed, 12.5 % 2026-01-05T09:30:00Z',
  );
});

test('WR-SEC-02 the study was full of identifiers, and one was filed and one held', () => {
  assert.ok(identifiersIn(archived).length > 40, String(identifiersIn(archived).length));
  assert.ok(identifiersIn(recorded).includes(PATIENT_ID));
  assert.deepEqual(studies.map(({ state }) => state).sort(), ['filed', 'held']);
});

test('WR-SEC-03 logs at level debug name no patient', () => {
  assert.equal(ended.code, 0);
  assert.match(ended.stderr, /"level":"debug".*"event":"http-request"/);
  assert.match(ended.stderr, /"service":"wetread-inference"/);
  assert.match(ended.stderr, /"event":"instance-refused"/);
  assertSilent('stdout', ended.stdout);
  for (const line of ended.stderr.split('\n')) {
    assertSilent(line, line);
    if (line !== '') assert.ok('event' in (JSON.parse(line) as object), line);
  }
});

test('WR-SEC-04 spans name no patient, neither at the collector nor in trace.json', () => {
  assert.deepEqual([...new Set(collector.spans.map(({ service }) => service))].sort(), [
    'wetread',
    'wetread-inference',
  ]);
  assert.ok(collector.spans.length > 60);
  assertSilent('spans', collector.text());
});

test('WR-SEC-05 answers about states, metrics, drafts and traces name no patient, and no error repeats what was asked', () => {
  assert.ok(answers.length > 40);
  for (const { what, text } of answers) {
    assert.deepEqual(identifiersIn(text), [], decodeURIComponent(what.replace('%E0%A4%A', '')));
  }
});

test('WR-SEC-06 the page puts no patient into an address, a title, the console or the browser’s storage', {
  skip: withoutBrowser,
}, () => {
  assert.ok(browsed.length > 20);
  for (const line of browsed) assertSilent(line, line);
  assert.ok(identifiersIn(shown).length > 2, 'it does show who the patient is');
});

test('WR-SEC-07 nothing is written beside the data directory, and no name of a file there names a patient', () => {
  for (const name of ['tmp', 'home']) assert.deepEqual(readdirSync(join(folder.path, name), { recursive: true }), []);
  const names = readdirSync(join(folder.path, 'data'), { recursive: true, encoding: 'utf8' });
  assert.ok(names.length > 100);
  assertSilent('names of files', names.join('\n'));
  // Rows of tables and documents may hold patients; whoever may read them is decided by the folder.
  assert.equal(statSync(join(folder.path, 'data')).mode & 0o077, 0, 'for its owner alone');
});

test('WR-SEC-08 the command line names no patient aloud, and the summary only the files that were not read', async () => {
  const source = `in/${SAID.folder}`;
  folder.writeStudy(`${source}/${NAME}`, plantedChest());
  const [first] = plantedChest();
  folder.write({
    [`${source}/${SAID.file}`]: Buffer.from(first!).subarray(0, Buffer.from(first!).indexOf('Zwirbelgruber') + 9),
    [`${source}/${PATIENT_ID}.txt`]: NAME,
  });
  const out = join(folder.path, 'out');
  const read = await wetread(['read', join(folder.path, source), '--out', out], { env: environment() });
  assert.equal(read.code, 0, read.stderr);
  assertSilent('stdout', read.stdout);
  assertSilent('stderr', read.stderr);
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  const notRead = summary.files.notRead.map(({ file, ...rest }) => ({ ...rest, file: file === SAID.file ? '' : file }));
  assert.deepEqual(
    notRead.map(({ file, reason }) => [file, reason.code]),
    [['', 'truncated-file']],
  );
  assertSilent('summary.json', JSON.stringify({ ...summary, files: { ...summary.files, notRead } }));
  const study = join(out, summary.studies[0]!.studyInstanceUid);
  for (const name of ['trace.json', 'report.json']) assertSilent(name, readFileSync(join(study, name), 'utf8'));
  const absent = await wetread(['read', join(folder.path, `${SAID.folder}-x`), '--out', out], { env: environment() });
  assert.equal(absent.code, 2);
  assertSilent('a folder that is not there', absent.stderr);
  for (const name of ['tmp', 'home']) assert.deepEqual(readdirSync(join(folder.path, name), { recursive: true }), []);
});

test('WR-SEC-09 a PACS and an EHR whose errors quote the patient: neither error is repeated, no address names anyone', async () => {
  await using pacs = await runWetread({ bundledModels: false });
  await pacs.send(plantedChest());
  await using passing = await recordingServer((request, response) => {
    const onward = forward(pacs.wetread.url + request.url!, { headers: request.headers, method: request.method });
    onward.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode!, answer.headers)));
    request.pipe(onward);
  });
  await using quoting = await recordingServer((_request, response) => {
    const issue = [{ severity: 'error', code: 'invalid', diagnostics: `No ${NAME} with ${PATIENT_ID}` }];
    response.statusMessage = `No ${PATIENT_ID}`;
    response.writeHead(422, { 'content-type': 'application/fhir+json', warning: `299 - "${PATIENT_ID}"` });
    response.end(JSON.stringify({ resourceType: 'OperationOutcome', issue }));
  });
  const uid = studies.find(({ state }) => state === 'filed')!.studyInstanceUid;
  const runs = [
    { archive: passing.url, code: 'health-record-refused' },
    { archive: quoting.url, code: 'archive-refused' },
  ];
  for (const { archive, code } of runs) {
    const config = join(folder.path, `${code}.yaml`);
    folder.write({
      [`${code}.yaml`]: [
        `archive: { kind: dicomweb, url: '${archive}/dicom-web' }`,
        `healthRecord: { kind: fhir, url: '${quoting.url}/fhir', issuers: { ISSUER-KLIEBENSTEIN-X: 'urn:oid:1.2.3' } }`,
        `telemetry: { otlpUrl: '${collector.url}' }`,
      ].join('\n'),
    });
    const out = join(folder.path, code);
    const args = ['read', '--study', uid, '--config', config, '--out', out, '--log-level', 'debug'];
    const read = await wetread(args, { env: environment() });
    assert.match(read.stderr, /^\{"level":"info"/m);
    const summary = readFileSync(join(out, 'summary.json'), 'utf8');
    assert.equal((JSON.parse(summary) as Summary).studies[0]!.reason?.code, code);
    for (const text of [read.stdout, read.stderr, summary]) assertSilent(code, text);
    assertSilent('trace.json', readFileSync(join(out, uid, 'trace.json'), 'utf8'));
  }
  assertSilent('spans', collector.text());
  const addresses = [...passing.addresses, ...quoting.addresses];
  assert.ok(addresses.some((address) => address.includes('/fhir/')));
  assertSilent('addresses', addresses.join('\n'));
});

interface RecordingServer extends AsyncDisposable {
  readonly url: string;
  /** Paths with queries, as an access log would have them. */
  readonly addresses: readonly string[];
}

async function recordingServer(answer: RequestListener): Promise<RecordingServer> {
  const addresses: string[] = [];
  const server = createServer((request, response) => {
    addresses.push(request.url!);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    addresses,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
