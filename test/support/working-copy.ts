/**
 * The working tree as a clone would have it, in a folder of its own: what is built or written there disturbs nobody.
 * Dependencies are those that are installed here.
 */
import { cpSync, symlinkSync, utimesSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './command-line.ts';
import { TemporaryFolder } from './phantom-studies.ts';

const LEFT_OUT = new Set(['node_modules', 'dist', '.git', 'coverage', 'wetread-data']);

export function workingCopy(): TemporaryFolder {
  const folder = new TemporaryFolder();
  cpSync(root, folder.path, { recursive: true, filter: (source) => !LEFT_OUT.has(relative(root, source)) });
  symlinkSync(join(root, 'node_modules'), join(folder.path, 'node_modules'));
  // Older than what is installed: nothing may be installed through the link.
  utimesSync(join(folder.path, 'package-lock.json'), 0, 0);
  return folder;
}
