/** Starts a program under Node 24, whichever Node runs this file. Plain JavaScript: it runs under the system's Node. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const { resolve } = createRequire(import.meta.url);

/** The Node that the package `node` puts in place when it is installed; undefined where it did not. */
export function bundledNode() {
  const manifest = installed('node/package.json');
  if (manifest === undefined) return undefined;
  const path = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(path) ? path : undefined;
}

function installed(file) {
  try {
    return resolve(file);
  } catch {
    return undefined;
  }
}

function node24() {
  if (installed('yaml') === undefined) fail('its dependencies are not installed: run "npm ci"');
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return bundledNode() ?? fail(NODE_IS_MISSING);
}

const NODE_IS_MISSING = `this is Node ${process.versions.node}, and Node 24 is needed. The package "node" brings it along, but
its install script did not run. Install Node 24, or let that script run:

  npm rebuild node --ignore-scripts=false --foreground-scripts`;

function fail(text) {
  process.stderr.write(`wetread: ${text}\n`);
  process.exit(1);
}

/** Runs `main` with this process's input and output, hands signals on and ends as it ends. */
export function launch(main, args, cwd = process.cwd()) {
  const child = spawn(node24(), ['--disable-warning=ExperimentalWarning', main, ...args], { stdio: 'inherit', cwd });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`Node 24 cannot be started (${error.code})`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
