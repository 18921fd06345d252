/**
 * Runs an npm script of this package after making sure that its dependencies are there: a fresh clone needs nothing but
 * Node >= 20.19 and npm. Plain JavaScript, because it starts under the system's Node; the scripts run under Node 24.
 * Usage: node scripts/bootstrap.mjs run SCRIPT [ARGUMENT …]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundledNode } from '../bin/launch.mjs';

export const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');

/** Installs when node_modules is missing or older than the lock file. @returns the path of Node 24. */
export function ensureInstalled() {
  const mark = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  const current = existsSync(mark) && bundledNode() !== undefined && statSync(mark).mtimeMs >= statSync(lock).mtimeMs;
  if (!current) {
    process.stderr.write('Installing dependencies (once) …\n');
    npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      stdio: ['ignore', 2, 2],
      // An npm that does not know `allowScripts` would download CUDA libraries that nothing here needs.
      env: { ONNXRUNTIME_NODE_INSTALL: 'skip', ...process.env },
    });
  }
  const node = bundledNode();
  if (node === undefined) {
    process.stderr.write('The install script of the package "node", which brings Node 24, is not allowed to run.\n');
    process.exit(1);
  }
  return node;
}

/** Ends this process as npm ended where that is not with 0. */
function npm(args, options) {
  const { status } = spawnSync('npm', args, { cwd: root, shell: process.platform === 'win32', ...options });
  if (status !== 0) process.exit(status ?? 1);
}

function main() {
  const [verb, script, ...rest] = process.argv.slice(2);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (verb !== 'run' || scripts[script] === undefined) {
    process.stderr.write('usage: node scripts/bootstrap.mjs run SCRIPT [ARGUMENT …]\n');
    process.exit(2);
  }
  ensureInstalled();
  npm(['run', '--silent', script, '--', ...rest], { stdio: 'inherit' });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
