/** Parts of the benchmark that need no server run to their end and find the product's results equal to their references. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { root } from '../support/command-line.ts';

interface Document {
  readonly results: readonly { readonly goal: string; readonly verdict: string; readonly value?: number }[];
}

const PARTS = 'kernel,write-back,whole-reading,inference';
const GOALS = ['G12', 'G13', 'G3', 'INF', 'REST'];

test('WR-BEN-05 npm run bench -- --quick --json answers every goal it is asked for, and no result is unequal', () => {
  const command = ['run', '--silent', 'bench', '--', '--quick', '--json', '--only', PARTS];
  const { stdout, stderr } = spawnSync('npm', command, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  assert.match(stdout, /^\{/, stderr);
  const { results } = JSON.parse(stdout) as Document;
  assert.deepEqual([...new Set(results.map(({ goal }) => goal))].sort(), GOALS);
  for (const { goal, verdict, value } of results) {
    assert.notEqual(verdict, 'unequal', goal);
    assert.ok(value !== undefined || verdict === 'limit-missing', `${goal} has no value`);
  }
});
