/**
 * Runs an npm script of this package after making sure that its dependencies are there: a fresh clone needs nothing but
 * Node >= 20.19 and npm. Plain JavaScript, because it starts under the system's Node; the scripts run under Node 24.
 * Usage: node scripts/bootstrap.mjs run SCRIPT [ARGUMENT …]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');

/** Installs when node_modules is missing or older than the lock file. @returns the path of Node 24. */
export function ensureInstalled() {
  const node = join(root, 'node_modules', '.bin', 'node');
  const mark = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  const current = existsSync(mark) && existsSync(node) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs;
  if (!current) {
    process.stderr.write('Installing dependencies (once) …\n');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const done = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (done.status !== 0) process.exit(done.status ?? 1);
  }
  return node;
}

function main() {
  const [verb, script, ...rest] = process.argv.slice(2);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (verb !== 'run' || scripts[script] === undefined) {
    process.stderr.write('usage: node scripts/bootstrap.mjs run SCRIPT [ARGUMENT …]\n');
    process.exit(2);
  }
  ensureInstalled();
  const done = spawnSync('npm', ['run', '--silent', script, '--', ...rest], { cwd: root, stdio: 'inherit' });
  process.exit(done.status ?? 1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
