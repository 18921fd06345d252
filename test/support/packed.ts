/** The package as it would be published, made from a copy of the working tree. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { workingCopy } from './working-copy.ts';

export interface Packed extends AsyncDisposable {
  /** The tarball. */
  readonly path: string;
  /** Names of its files, below `package/`. */
  readonly files: readonly string[];
}

export function pack(): Packed {
  const copy = workingCopy();
  const packed = spawnSync('npm', ['pack', '--json', '--loglevel=error'], { cwd: copy.path, encoding: 'utf8' });
  if (packed.status !== 0) throw new Error(packed.stderr);
  const path = join(copy.path, /wetread-[\d.]+\.tgz/.exec(packed.stdout)![0]);
  const listed = spawnSync('tar', ['-tzf', path], { encoding: 'utf8' });
  const files = listed.stdout.trim().split('\n').sort();
  return {
    path,
    files: files.map((name) => name.replace('package/', '')),
    [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
  };
}
