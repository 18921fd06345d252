/**
 * SHA-256 of every file of a package, in the format of `sha256sum`: an operator can run `sha256sum -c SHA256SUMS` in
 * the folder. The package's digest is the SHA-256 of that text, so it covers names and bytes of all files.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WetreadError } from '../../src/errors.ts';
import { SIGNATURE_FILE } from './signature.ts';

export const CHECKSUM_FILE = 'SHA256SUMS';

/** Not among what is summed: they are about the sums. */
const BESIDE: readonly string[] = [CHECKSUM_FILE, SIGNATURE_FILE];

/** Hexadecimal SHA-256 by file name, relative to the folder, `/` between parts. */
export type Checksums = ReadonlyMap<string, string>;

/** @throws WetreadError `package-invalid` where the folder holds anything but files and folders, such as a link. */
export async function checksumsOf(folder: string): Promise<Checksums> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (odd !== undefined) throw new WetreadError('package-invalid', `${odd.name} is neither a file nor a folder`);
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, sep).length).split(sep).join('/'))
    .filter((name) => !BESIDE.includes(name))
    .sort();
  const sums = new Map<string, string>();
  for (const name of names) sums.set(name, await sha256(join(folder, name)));
  return sums;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

export function checksumText(sums: Checksums): string {
  return [...sums].map(([name, sum]) => `${sum}  ${name}\n`).join('');
}

/** @throws WetreadError `package-invalid` naming the line that is not a checksum. */
export function parseChecksums(text: string): Checksums {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line, i) => {
      const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
      if (sum === undefined || name === undefined)
        throw new WetreadError('package-invalid', `${CHECKSUM_FILE}: line ${i + 1} is not a checksum`);
      return [name, sum];
    }),
  );
}

/** `sha256:…` over names and bytes of every file. */
export function digestOf(sums: Checksums): string {
  return `sha256:${createHash('sha256').update(checksumText(sums)).digest('hex')}`;
}

/** Every file that is not what the checksums say, with what is wrong about it. */
export function differences(actual: Checksums, declared: Checksums): readonly string[] {
  const wrong = [...declared].flatMap(([name, sum]) => {
    if (!actual.has(name)) return [`${name} is missing`];
    return actual.get(name) === sum ? [] : [`${name} was changed`];
  });
  const extra = [...actual.keys()].filter((name) => !declared.has(name));
  return [...wrong, ...extra.map((name) => `${name} is not listed`)];
}
