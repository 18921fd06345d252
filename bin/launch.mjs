/** Starts a program under Node 24, whichever Node runs this file. Plain JavaScript: it runs under the system's Node. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

/** The Node that the package `node` puts in place when it is installed; undefined where it did not. */
export function bundledNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const path = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function node24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const bundled = bundledNode();
  if (bundled !== undefined) return bundled;
  process.stderr.write(
    `wetread: this is Node ${process.versions.node}, Wetread needs Node 24. Its package "node" brings it along, but its install
script did not run. Let it run, or install Node 24:

  npm rebuild node --ignore-scripts=false --foreground-scripts
`,
  );
  process.exit(1);
}

/** Runs `main` with this process's input and output, hands signals on and ends as it ends. */
export function launch(main, args, cwd = process.cwd()) {
  const child = spawn(node24(), ['--disable-warning=ExperimentalWarning', main, ...args], { stdio: 'inherit', cwd });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`wetread: Node 24 cannot be started (${error.code})\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
