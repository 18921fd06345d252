/**
 * The working tree as a clone would have it, in a folder of its own: what is built, written or installed there disturbs
 * nobody. Dependencies are links to those that are installed here, and count as up to date.
 */
import { cpSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './command-line.ts';
import { TemporaryFolder } from './phantom-studies.ts';

const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'coverage', 'wetread-data']);
/** By this file npm knows what is installed, and the scripts whether it is current. */
const INSTALLED = '.package-lock.json';

export function workingCopy(): TemporaryFolder {
  const folder = new TemporaryFolder();
  cpSync(root, folder.path, { recursive: true, filter: (source) => !LEFT_OUT.has(relative(root, source)) });
  const modules = join(folder.path, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules')).filter((name) => name !== INSTALLED)) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(modules, INSTALLED), '{}');
  utimesSync(join(folder.path, 'package-lock.json'), 0, 0);
  return folder;
}
