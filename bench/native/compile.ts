/** Limits in C: compiled when the benchmark runs, by the machine's own compiler, against the machine's own libraries. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cacheFolder } from '../study/stored-form.ts';

export interface NativeSource {
  /** Of the C file beside this one. */
  readonly name: string;
  readonly libraries?: readonly string[];
  /** Debian packages without which it does not compile. */
  readonly packages: readonly string[];
}

export const RESAMPLE: NativeSource = { name: 'resample', libraries: ['-lm'], packages: ['gcc', 'libc6-dev'] };
export const CHARLS: NativeSource = { name: 'charls', libraries: ['-lcharls'], packages: ['gcc', 'libcharls-dev'] };
export const OPENJPEG: NativeSource = {
  name: 'openjpeg',
  libraries: ['-lopenjp2'],
  packages: ['gcc', 'libopenjp2-7-dev'],
};

const FLAGS = ['-O3', '-msse4.2', '-pthread', '-Wall', '-Werror'];

/** Path of the program, or the sentence that says what to install. */
export function compileNative({
  name,
  libraries = [],
  packages,
}: NativeSource): { path: string } | { missing: string } {
  const path = join(cacheFolder(), `native-${name}`);
  const source = join(import.meta.dirname, `${name}.c`);
  const compiled = spawnSync('gcc', [...FLAGS, source, '-o', path, ...libraries], { encoding: 'utf8' });
  if (compiled.status === 0) return { path };
  return { missing: `the limit does not compile here; apt-get install ${packages.join(' ')}` };
}
