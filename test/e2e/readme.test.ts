/**
 * Every command that README and CONTRIBUTING show works as it stands there: it is run, word by word, in a copy of the
 * working tree that has a folder FOLDER. About a minute: the demo builds and reads, as it says.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import type { Summary } from '../../contracts/generated/types.ts';
import { parseConfig } from '../../services/wetread/config.ts';
import { type Ended, type RunningCommand, root, startCommand } from '../support/command-line.ts';
import { smallChest, type TemporaryFolder } from '../support/phantom-studies.ts';
import { workingCopy } from '../support/working-copy.ts';

const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
};

function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, named]) => named === language)
    .map(([, , text]) => text!.trimEnd());
}

/** A block that is one script, or a command per line without its comment. */
function commandsOf(block: string): string[] {
  if (block.includes('\\\n')) return [block];
  return block.split('\n').map((line) => line.replace(/ +# .*$/, ''));
}

let copy: TemporaryFolder;
before(() => {
  copy = workingCopy();
  copy.writeStudy('FOLDER', smallChest());
});
after(async () => copy[Symbol.asyncDispose]());

function start(command: string, env: Record<string, string> = {}): RunningCommand {
  return startCommand(['-c', command], { program: ['/bin/sh'], cwd: copy.path, env });
}

async function run(command: string, env: Record<string, string> = {}): Promise<Ended> {
  await using running = start(command, env);
  const ended = await running.ended;
  assert.equal(ended.code, 0, `${command}\n${ended.stdout}\n${ended.stderr}`);
  return ended;
}

async function interrupt(running: RunningCommand): Promise<void> {
  running.killAll('SIGINT');
  await running.ended;
  assert.deepEqual(running.processes(), []);
}

async function demo(command: string): Promise<void> {
  await using running = start(`${command}${command.includes(' -- ') ? '' : ' --'} --port 0`);
  const [, address] = await running.printed(/The draft is at (http:\S+)\n/);
  assert.equal((await fetch(address!)).status, 200);
  await interrupt(running);
}

async function readFolder(command: string): Promise<void> {
  await run(command);
  const summary = JSON.parse(readFileSync(join(copy.path, 'DIR', 'summary.json'), 'utf8')) as Summary;
  assert.deepEqual(
    summary.studies.map(({ state }) => state),
    ['filed'],
  );
  const documents = readdirSync(join(copy.path, 'DIR', summary.studies[0]!.studyInstanceUid));
  assert.deepEqual(documents.sort(), ['bundle.json', 'report.json', 'seg.dcm', 'sr.dcm', 'trace.json']);
}

/** The server, on another port, and what is sent to it: curl is told where the documented port is. */
async function serveAndSend(command: string): Promise<void> {
  await using running = start(`${command} --port 0`);
  const [, port] = await running.printed(/listens on http:\/\/127\.0\.0\.1:(\d+)\n/);
  copy.write({ 'curl/.curlrc': `connect-to = 127.0.0.1:8042:127.0.0.1:${port}\nsilent\n` });
  const { stdout } = await run(sending(), { CURL_HOME: join(copy.path, 'curl') });
  const answer = JSON.parse(stdout) as Record<string, { readonly Value?: readonly object[] }>;
  assert.equal(answer['00081199']?.Value?.length, smallChest().length);
  assert.ok(!('00081198' in answer));
  await interrupt(running);
}

const sending = (): string => {
  const found = blocks(read('README.md'), 'sh').find((block) => block.includes('curl'));
  assert.ok(found);
  return found;
};

async function pack(command: string): Promise<void> {
  const { stdout } = await run(command);
  const name = `wetread-${manifest.version}.tgz`;
  assert.ok(stdout.endsWith(`${name}\n`), stdout);
  assert.ok(existsSync(join(copy.path, name)));
}

/** What needs a registry is run with the conformance tests; here its words are checked. */
function installs(command: string): void {
  assert.ok(command.endsWith(` ./wetread-${manifest.version}.tgz`), command);
  assert.match(read('test/conformance/installed-package.test.ts'), /ONNXRUNTIME_NODE_INSTALL: 'skip'/);
}

/** What runs these tests, or takes as long as they do: each part that its script names must be there. */
function namesWhatIsThere(command: string): void {
  const script = / (?:run )?([\w:]+)/.exec(command.replace(/^npm( run)?/, ''))![1]!;
  const words = manifest.scripts[script];
  assert.ok(words !== undefined, `${command}: no script ${script}`);
  for (const word of words.split(' ')) {
    if (/\.(m?js|ts|json)$/.test(word) || /^(src|adapters|services|models|test|bench)(\/|$)/.test(word)) {
      assert.ok(existsSync(join(root, word)), `${script}: ${word}`);
    } else if (/^[a-z]+:[a-z:]+$/.test(word)) namesWhatIsThere(`npm run ${word}`);
  }
}

const EXERCISES: Readonly<Record<string, (command: string) => void | Promise<void>>> = {
  'npm run demo': demo,
  'npm test': namesWhatIsThere,
  'npm run demo -- FOLDER': demo,
  'npx wetread read FOLDER --out DIR': readFolder,
  'npm pack': pack,
  [`ONNXRUNTIME_NODE_INSTALL=skip npm install --loglevel=error ./wetread-${manifest.version}.tgz`]: installs,
  'npx wetread serve': serveAndSend,
  [sending()]: () => undefined, // sent while the server of the line before runs
};

test('WR-CLI-13 every command of the README is run here, and none that it does not have', () => {
  const shown = blocks(read('README.md'), 'sh').flatMap(commandsOf);
  assert.deepEqual(shown, Object.keys(EXERCISES));
});

for (const [command, exercise] of Object.entries(EXERCISES)) {
  if (command !== sending()) test(`WR-CLI-13 ${command}`, () => exercise(command));
}

test('WR-CLI-14 every command of CONTRIBUTING exists, and those that write do what they say', async () => {
  const commands = [...read('CONTRIBUTING.md').matchAll(/^\| `(npm [^`]+)` \|/gm)].map(([, command]) => command!);
  assert.ok(commands.length > 5);
  for (const command of commands) namesWhatIsThere(command);
  assert.deepEqual(blocks(read('CONTRIBUTING.md'), 'sh'), [], 'commands stand in the table');
  for (const command of ['npm run build', 'npm run contracts', 'npm run models']) assert.ok(commands.includes(command));
  const written = [
    'contracts/generated/types.ts',
    'contracts/generated/validators.js',
    'models/ct-lung-density/SHA256SUMS',
  ];
  await run('npm run --silent contracts && npm run --silent models && npm run --silent build');
  for (const path of written) assert.equal(readFileSync(join(copy.path, path), 'utf8'), read(path), path);
  assert.ok(existsSync(join(copy.path, 'dist', 'services', 'wetread', 'main.js')));
});

test('WR-CLI-15 the configuration that the README shows is valid, and its keys have an effect', () => {
  const [example, ...others] = blocks(read('README.md'), 'yaml');
  assert.ok(example !== undefined && others.length === 0);
  const config = parseConfig(parse(example), 'README.md');
  assert.notDeepEqual(config, parseConfig({}));
  assert.equal(config.archive.kind, 'dicomweb');
});
