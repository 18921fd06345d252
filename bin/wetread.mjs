#!/usr/bin/env node
/**
 * Starts Wetread under Node 24, whichever Node runs this file: the `node` package brings it along. Compiled code is
 * preferred (`dist`, in the published package and after `npm run build`); a clone without it runs the sources.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function node24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  try {
    const bundled = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    if (existsSync(bundled)) return bundled;
  } catch {
    // told below
  }
  process.stderr.write(
    'wetread needs Node 24: run "npm install" with install scripts allowed for the package "node".\n',
  );
  process.exit(1);
}

const compiled = join(root, 'dist', 'services', 'wetread', 'main.js');
const main = existsSync(compiled) ? compiled : join(root, 'services', 'wetread', 'main.ts');
const child = spawn(node24(), ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
