/**
 * The package installed by npm, as the README says, in a project of its own: about a minute and 200 packages from the
 * registry, which is why it is not among the tests that need nothing but what is installed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Summary } from '../../contracts/generated/types.ts';
import { systemNode } from '../support/command-line.ts';
import { type Packed, pack } from '../support/packed.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';

const reachable = spawnSync('npm', ['view', 'yaml', 'version', '--fetch-retries=0'], { timeout: 20_000 }).status === 0;
const skip = reachable ? false : 'NPM REGISTRY ABSENT: the package cannot be installed here';
if (skip !== false) process.stderr.write(`\n*** ${skip}: tests of the installed package are skipped ***\n`);

let packed: Packed;
before(() => {
  if (reachable) packed = pack();
});
after(async () => packed?.[Symbol.asyncDispose]());

/** As on the machine of somebody who has never seen the clone: its programs are not on the PATH. */
function run(project: TemporaryFolder, command: string, env: Record<string, string> = {}) {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  const { npm_config_local_prefix: _prefix, ...inherited } = process.env;
  return spawnSync('/bin/sh', ['-c', command], {
    cwd: project.path,
    encoding: 'utf8',
    env: { ...inherited, PATH: [join(systemNode, '..'), ...path].join(':'), ...env },
  });
}

function newProject(): TemporaryFolder {
  const project = new TemporaryFolder();
  project.write({ 'package.json': '{ "name": "site", "private": true }' });
  project.writeStudy('FOLDER', smallChest());
  return project;
}

function assertReads(project: TemporaryFolder): void {
  const read = run(project, 'npx --loglevel=error wetread read FOLDER --out DIR');
  assert.equal(read.status, 0, read.stderr);
  assert.doesNotMatch(read.stdout + read.stderr, /warn|deprecat|^\s+at /im);
  const { studies } = JSON.parse(readFileSync(join(project.path, 'DIR', 'summary.json'), 'utf8')) as Summary;
  assert.deepEqual(
    studies.map(({ state }) => state),
    ['filed'],
  );
}

test('WR-CLI-19 installed as the README says: quiet, without CUDA, and it reads', { skip }, async () => {
  await using project = newProject();
  const env = { ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const installed = run(project, `npm install --loglevel=error ${packed.path}`, env);
  assert.equal(installed.status, 0, installed.stderr);
  assert.equal(installed.stderr, '');
  assertReads(project);
});

test('WR-CLI-19 installed where install scripts are forbidden: says what is missing, and reads when that is done', {
  skip,
}, async () => {
  await using project = newProject();
  const installed = run(project, `npm install --loglevel=error --ignore-scripts ${packed.path}`);
  assert.equal(installed.status, 0, installed.stderr);
  const refused = run(project, 'npx --loglevel=error wetread --version');
  if (systemNode !== process.execPath) {
    assert.equal(refused.status, 1);
    const [, advice] = /\n {2}(npm rebuild .*)\n/.exec(refused.stderr) ?? [];
    assert.ok(advice, refused.stderr);
    assert.equal(run(project, `${advice} --loglevel=error`).status, 0);
  }
  assertReads(project);
});
