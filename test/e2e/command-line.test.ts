/**
 * The command line as a newcomer meets it: real processes, started by the launcher under the system's own Node. About a
 * minute, because every test starts the whole product.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report, Summary } from '../../contracts/generated/types.ts';
import { validateReport, validateSummary } from '../../contracts/generated/validators.js';
import { type Ended, root, startCommand, systemNode, wetread } from '../support/command-line.ts';
import { scout, smallChest, smallHead, TemporaryFolder } from '../support/phantom-studies.ts';
import { runWetread } from '../support/running-wetread.ts';

const DOCUMENTS = ['bundle.json', 'report.json', 'seg.dcm', 'sr.dcm', 'trace.json'];

function summaryIn(folder: string): Summary {
  const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Summary;
  assert.equal(validateSummary(structuredClone(summary)), true, JSON.stringify(validateSummary.errors));
  return summary;
}

/** What a person sees is made for a person: no log lines, no warnings of the runtime, no stacks. */
function assertReadable({ stdout, stderr }: Ended): void {
  for (const line of `${stdout}\n${stderr}`.split('\n')) {
    assert.doesNotMatch(line, /^\s*[{[]|Warning|deprecat|^\s+at |node:internal/i);
    assert.ok(line.length < 250, line);
  }
}

/** The command's temporary folder is `tmp` of the folder; nothing may stay in it. */
function environmentIn(folder: TemporaryFolder): { readonly TMPDIR: string } {
  const TMPDIR = join(folder.path, 'tmp');
  mkdirSync(TMPDIR, { recursive: true });
  return { TMPDIR };
}

const leftIn = ({ TMPDIR }: { readonly TMPDIR: string }): string[] => readdirSync(TMPDIR);

test('WR-CLI-01 read writes a folder per study and a summary, under whatever Node starts it', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('in/deep/er', smallChest());
  const env = environmentIn(folder);
  const out = join(folder.path, 'out');
  const ended = await wetread(['read', join(folder.path, 'in'), '--out', out], { env });
  assert.equal(ended.code, 0, ended.stderr);
  assertReadable(ended);
  const summary = summaryIn(out);
  assert.deepEqual(
    summary.studies.map(({ state, final, findings }) => [state, final, findings.length]),
    [['filed', true, 12]],
  );
  const [study] = summary.studies;
  assert.deepEqual(readdirSync(out).sort(), [study!.studyInstanceUid, 'summary.json'].sort());
  assert.deepEqual(readdirSync(join(out, study!.studyInstanceUid)).sort(), DOCUMENTS);
  const report = JSON.parse(readFileSync(join(out, study!.studyInstanceUid, 'report.json'), 'utf8')) as Report;
  assert.equal(validateReport(report), true);
  assert.ok((study!.timingsMs['inference'] ?? 0) > 0);
  assert.match(ended.stdout, /Both lungs, volume: [\d,]+ ml/);
  assert.match(ended.stderr, /assembly +\d+\.\d+ s/);
  assert.deepEqual(leftIn(env), []);
});

test('WR-CLI-02 a folder of mixed studies: each has its row, other files are counted, no file is named aloud', async () => {
  await using folder = new TemporaryFolder();
  const chest = smallChest();
  folder.writeStudy('a/chest', chest);
  folder.writeStudy('b/c/head', smallHead());
  folder.writeStudy('scout', scout());
  folder.write({ 'letter.pdf': '%PDF-1.4', 'a/DOE^JOHN.dcm': chest[0]!.subarray(0, 9000), 'a/ROE^JANE.dcm': '' });
  const out = join(folder.path, 'out');
  const ended = await wetread(['read', folder.path, '--out', out]);
  assert.equal(ended.code, 0, ended.stderr);
  assertReadable(ended);
  const summary = summaryIn(out);
  assert.deepEqual(summary.studies.map(({ state }) => state).sort(), ['filed', 'not-evaluable', 'not-evaluable']);
  assert.deepEqual(summary.files.notRead.map(({ file }) => file).sort(), ['a/DOE^JOHN.dcm', 'a/ROE^JANE.dcm']);
  assert.match(ended.stdout, /: 91 stored, 0 repeated, 1 skipped, 2 not read\n {2}The file ends before its data set/);
  assert.match(ended.stdout, /not-evaluable: The images do not show the body part/);
  assert.doesNotMatch(ended.stdout + ended.stderr, /DOE|ROE|letter/);
});

test('WR-CLI-03 the same folder read again into the same data directory: nothing is done twice', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('in', smallChest());
  const args = ['read', join(folder.path, 'in'), '--data', join(folder.path, 'data'), '--out'];
  const [one, two] = [join(folder.path, 'one'), join(folder.path, 'two')];
  assert.equal((await wetread([...args, one])).code, 0);
  assert.equal((await wetread([...args, two])).code, 0);
  const [first, second] = [summaryIn(one), summaryIn(two)];
  assert.deepEqual(second.studies, first.studies);
  assert.deepEqual([second.files.stored, second.files.repeated], [0, smallChest().length]);
  const uid = first.studies[0]!.studyInstanceUid;
  for (const name of DOCUMENTS) {
    assert.deepEqual(readFileSync(join(two, uid, name)), readFileSync(join(one, uid, name)), name);
  }
});

test('WR-CLI-04 --study reads from the configured archive, and names what the archive does not have', async () => {
  await using pacs = await runWetread({ bundledModels: false });
  await pacs.send(smallChest());
  const [held] = (await (
    await fetch(`${pacs.wetread.url}/dicom-web/studies`, { headers: { accept: 'application/dicom+json' } })
  ).json()) as Record<string, { readonly Value: readonly string[] }>[];
  const uid = held!['0020000D']!.Value[0]!;
  await using folder = new TemporaryFolder();
  folder.write({
    'site.yaml': `archive: { kind: dicomweb, url: '${pacs.wetread.url}/dicom-web' }\ntelemetry: { logLevel: debug }\n`,
  });
  const out = join(folder.path, 'out');
  const config = join(folder.path, 'site.yaml');
  const ended = await wetread(['read', '--study', uid, '--study', '1.2.3', '--config', config, '--out', out]);
  assert.equal(ended.code, 0, ended.stderr);
  assertReadable(ended);
  const rows = summaryIn(out).studies.map((row) => [row.studyInstanceUid, row.state, row.reason?.code]);
  assert.deepEqual(rows, [
    ['1.2.3', 'not-selected', 'study-not-found'],
    [uid, 'filed', undefined],
  ]);
});

test('WR-MND-07 with a configuration too, read tells a person of errors in words; log lines are for who asks', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('in', smallChest());
  const broken = join(folder.path, 'broken');
  folder.write({ 'broken/card.json': '{}', 'site.yaml': `models: ['${broken}']\ntelemetry: { logLevel: debug }\n` });
  const given = [join(folder.path, 'in'), '--config', join(folder.path, 'site.yaml')];
  const read = ['read', ...given, '--out', join(folder.path, 'out')];
  for (const args of [read, ['rules', 'test', ...given]]) {
    const quiet = await wetread(args);
    assert.equal(quiet.code, 0, quiet.stderr);
    assertReadable(quiet);
    assert.match(quiet.stderr, /^ {2}A model package fails its schema or its digest \[package-invalid\]\n/);
  }
  const told = await wetread([...read, '--log-level', 'error']);
  const logged = told.stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as object] : []));
  assert.deepEqual(
    logged.map((line) => ({ ...line, time: '' })),
    [{ level: 'error', time: '', service: 'wetread', event: 'model-refused', errorCode: 'package-invalid' }],
  );
  const wrong = await wetread([...read, '--log-level', 'loud']);
  assert.deepEqual([wrong.code, wrong.stderr.startsWith('wetread: --log-level is one of debug, info,')], [2, true]);
});

test('WR-CLI-05 a mistake in the call is named and ends with 2, before any work', async () => {
  await using folder = new TemporaryFolder();
  folder.write({
    'in/x': '',
    'key.yaml': 'archiv: { kind: directory }\n',
    'value.yaml': 'http: { port: many }\n',
    'text.yaml': 'a: b: c\n',
  });
  const at = (name: string): string => join(folder.path, name);
  const mistakes: [args: string[], message: RegExp][] = [
    [[], /no command is given; see wetread --help/],
    [['raed', 'x'], /the command is one of read, serve, demo/],
    [['read'], /read needs --out DIR and either a folder or --study UID/],
    [['read', at('in')], /read needs --out DIR/],
    [['read', at('in'), '--study', '1.2', '--out', at('o')], /either a folder or --study UID/],
    [['read', at('absent'), '--out', at('o')], /FOLDER does not exist/],
    [['read', at('in/x'), '--out', at('o')], /FOLDER is not a folder/],
    [['read', at('in'), at('in'), '--out', at('o')], /read takes one folder, 2 are given/],
    [['read', at('in'), '--out', at('key.yaml')], /--out DIR cannot be written \(EEXIST\)/],
    [['read', '--study', '1.02', '--out', at('o')], /--study needs a Study Instance UID/],
    [['read', at('in'), '--out'], /--out <value>' argument missing/],
    [['read', at('in'), '--ouput', at('o')], /Unknown option '--ouput'; see/],
    [['read', at('in'), '--out', at('o'), '--port', '1'], /read takes no --port/],
    [['serve', at('in')], /serve takes no folder/],
    [['serve', '--port', '70000'], /--port needs a number from 0 to 65535/],
    [['demo', '--once'], /--once needs --out DIR/],
    [['serve', '--config', at('absent.yaml')], /absent\.yaml: ENOENT/],
    [['serve', '--config', at('key.yaml')], /key\.yaml: the file has an unknown key 'archiv'/],
    [['serve', '--config', at('value.yaml')], /value\.yaml: http\.port must be integer/],
    [['serve', '--config', at('text.yaml')], /text\.yaml: Nested mappings are not allowed/],
  ];
  const answers = await Promise.all(mistakes.map(([args]) => wetread(args)));
  for (const [index, ended] of answers.entries()) {
    const [args, message] = mistakes[index]!;
    assert.equal(ended.code, 2, args.join(' '));
    assert.match(ended.stderr, message, args.join(' '));
    assert.equal(ended.stdout, '');
    assertReadable(ended);
  }
  assert.ok(!existsSync(at('o')));
});

test('WR-CLI-06 --help and --version answer on stdout', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual(await wetread(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  const help = await wetread(['read', '--help']);
  assert.deepEqual([help.code, help.stderr], [0, '']);
  for (const word of ['read FOLDER --out DIR', 'serve', 'demo', '--config', '--study', '--data', '--port']) {
    assert.ok(help.stdout.includes(word), word);
  }
  assert.ok(help.stdout.split('\n').every((line) => line.length <= 120));
});

test('WR-CLI-07 demo --once reads the synthetic chest by STOW-RS, or a folder, and ends', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('head', smallHead());
  const env = environmentIn(folder);
  const [one, two] = [join(folder.path, 'one'), join(folder.path, 'two')];
  const phantom = await wetread(['demo', '--once', '--out', one], { env });
  assert.equal(phantom.code, 0, phantom.stderr);
  assertReadable(phantom);
  assert.match(phantom.stderr, /140 instances stored, 0 failed/);
  assert.deepEqual(
    summaryIn(one).studies.map(({ state, findings }) => [state, findings.length]),
    [['filed', 12]],
  );
  const head = await wetread(['demo', join(folder.path, 'head'), '--once', '--out', two], { env });
  assert.equal(head.code, 0, head.stderr);
  assert.deepEqual(
    summaryIn(two).studies.map(({ state, reason }) => [state, reason?.code]),
    [['not-evaluable', 'wrong-body-part']],
  );
  assert.deepEqual(leftIn(env), []);
});

test('WR-CLI-08 demo shows where the draft is, on another port where its own is held, and ends with Ctrl+C', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('in', smallChest());
  const env = environmentIn(folder);
  const holder = createServer().listen(8042, '127.0.0.1');
  // Held by somebody else already: just as well.
  holder.on('error', () => undefined);
  await using demo = startCommand(['demo', join(folder.path, 'in')], { env });
  const [, address] = await demo.printed(/The draft is at (http:\/\/127\.0\.0\.1:\d+\/studies\/[\d.]+)\n/);
  assert.notEqual(new URL(address!).port, '8042');
  const page = await fetch(address!);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<title>[^<]*Wetread/);
  demo.kill('SIGINT');
  const ended = await demo.ended;
  holder.close();
  assert.equal(ended.code, 0);
  assertReadable(ended);
  assert.deepEqual(demo.processes(), []);
  assert.deepEqual(leftIn(env), []);
});

test('WR-CLI-09 WR-LKT-12 serve ends with 0 on SIGINT and SIGTERM, also in the middle of a study, and leaves no process', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('in', smallChest());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    await using serve = startCommand(['serve', '--port', '0', '--data', join(folder.path, signal)]);
    const [, url] = await serve.printed(/^Wetread listens on (http:\S+)\n$/);
    await stow(`${url}/dicom-web/studies`, smallChest());
    await serve.said(/"event":"read-started"/);
    if (signal === 'SIGTERM') await serve.said(/"event":"inference-started"|"service":"wetread-inference"/);
    serve.kill(signal);
    const ended = await serve.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(serve.processes(), []);
    const lines = ended.stderr.trim().split('\n');
    const events = lines.map((line) => JSON.parse(line) as { readonly event?: string; readonly service: string });
    for (const { event } of events) assert.ok(event !== undefined, ended.stderr);
    const own = events.filter(({ service }) => service === 'wetread').map(({ event }) => event);
    assert.deepEqual([own[0], own.at(-1)], ['server-started', 'server-stopped']);
  }
});

async function stow(url: string, instances: readonly Uint8Array[]): Promise<void> {
  const parts = instances.flatMap((bytes) => [
    Buffer.from('\r\n--part\r\nContent-Type: application/dicom\r\n\r\n'),
    bytes,
  ]);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=part' },
    body: Buffer.concat([...parts, Buffer.from('\r\n--part--\r\n')]),
  });
  assert.equal(answer.status, 200);
}

test('WR-CLI-10 read and demo stop at once when they are told to, and leave no images behind', async () => {
  await using folder = new TemporaryFolder();
  folder.writeStudy('in', smallChest());
  const env = environmentIn(folder);
  const runs: [args: string[], signal: NodeJS.Signals, code: number][] = [
    [['read', join(folder.path, 'in'), '--out', join(folder.path, 'out')], 'SIGINT', 130],
    [['demo', join(folder.path, 'in'), '--port', '0'], 'SIGTERM', 143],
  ];
  for (const [args, signal, code] of runs) {
    await using command = startCommand(args, { env });
    await command.said(/ arrival /);
    // The process below the launcher gets it twice: once of its own, once from the launcher.
    command.killAll(signal);
    const ended = await command.ended;
    assert.equal(ended.code, code, ended.stderr);
    assertReadable(ended);
    assert.deepEqual(command.processes(), []);
    assert.deepEqual(leftIn(env), []);
  }
});

test('WR-CLI-11 what fails for another reason than the call ends with 1 and says what', async () => {
  await using folder = new TemporaryFolder();
  const data = join(folder.path, 'data');
  await using serve = startCommand(['serve', '--port', '0', '--data', data]);
  const [, port] = await serve.printed(/:(\d+)\n/);
  const second = await wetread(['serve', '--port', '0', '--data', data]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /^wetread: Another process has .* \[conflict\]\n$/);
  const taken = await wetread(['serve', '--port', port!, '--data', join(folder.path, 'other')]);
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /http\.port: cannot listen on 127\.0\.0\.1:\d+ \[config-invalid\]\n$/);
});

test('WR-CLI-12 without its dependencies, or without Node 24, the launcher says what to do', {
  skip: systemNode === process.execPath && 'no older Node on the PATH',
}, async () => {
  await using folder = new TemporaryFolder();
  cpSync(join(root, 'bin'), join(folder.path, 'bin'), { recursive: true });
  const program = [systemNode, join(folder.path, 'bin', 'wetread.mjs')] as const;
  const bare = await wetread(['--version'], { program, cwd: folder.path });
  assert.equal(bare.code, 1);
  assert.match(bare.stderr, /dependencies are not installed: run "npm ci"/);
  mkdirSync(join(folder.path, 'node_modules', 'node'), { recursive: true });
  writeFileSync(join(folder.path, 'node_modules', 'node', 'package.json'), '{}');
  mkdirSync(join(folder.path, 'node_modules', 'yaml'));
  writeFileSync(join(folder.path, 'node_modules', 'yaml', 'index.js'), '');
  const denied = await wetread(['--version'], { program, cwd: folder.path });
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /this is Node \d+\.\d+\.\d+, and Node 24 is needed/);
  assert.match(denied.stderr, /npm rebuild node --ignore-scripts=false/);
});
