/**
 * A package as one file: gzip of a tar with one folder NAME-VERSION, its checksums included. The same package gives the
 * same bytes: no times, no owners, files in the order of their names.
 */
import type { KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type Extract, extract, type Header, type Pack, pack } from 'tar-stream';
import { WetreadError } from '../../src/errors.ts';
import type { ModelPackage } from '../../src/inference/model-package.ts';
import { CHECKSUM_FILE, type Checksums, checksumText } from './checksums.ts';
import { complaintsText, inspectPackage } from './inspect.ts';
import { loadModelPackage } from './model-shelf.ts';
import { SIGNATURE_FILE, signatureLine, signatureText, type TrustedKey } from './signature.ts';
import { isPathInside } from './stored-tensors.ts';

/**
 * Writes the archive; where the folder has no checksums yet, those of what it holds go into the archive, and so does a
 * signature, in place of the folder's own, where a key is given.
 * @throws WetreadError `package-invalid` with what speaks against the package
 */
export async function packPackage(folder: string, archive: string, key?: KeyObject): Promise<ModelPackage> {
  const { card, sums, digest, changed = [], complaints } = await inspectPackage(folder);
  const wrong = [...changed, ...complaints];
  if (card === undefined || wrong.length > 0) throw new WetreadError('package-invalid', complaintsText(wrong));
  const unfinished = `${archive}.part`;
  const signature = key === undefined ? await signatureText(folder) : signatureLine(digest, key);
  const tar = pack();
  const written = pipeline(tar, createGzip({ level: 9 }), createWriteStream(unfinished));
  await Promise.all([
    written,
    addAll(tar, folder, `${card.name}-${card.version}`, sums, signature).catch((cause: unknown) =>
      tar.destroy(WetreadError.from(cause)),
    ),
  ]);
  await rename(unfinished, archive);
  return { card, digest };
}

const PLAIN = { mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, type: 'file' } as const;

async function addAll(
  tar: Pack,
  folder: string,
  top: string,
  sums: Checksums,
  signature: string | undefined,
): Promise<void> {
  tar.entry({ ...PLAIN, name: `${top}/${CHECKSUM_FILE}` }, checksumText(sums));
  if (signature !== undefined) tar.entry({ ...PLAIN, name: `${top}/${SIGNATURE_FILE}` }, signature);
  for (const name of sums.keys()) {
    const { size } = await stat(join(folder, name));
    await pipeline(createReadStream(join(folder, name)), tar.entry({ ...PLAIN, name: `${top}/${name}`, size }));
  }
  tar.finalize();
}

/**
 * Unpacks below `home`, into NAME-VERSION, once everything has been looked at; until then under a name that no server
 * looks into, and nothing of a package that is refused is left.
 * @throws WetreadError `package-invalid`, `package-untrusted`, or `conflict` where a folder of that name is there
 */
export async function unpackPackage(
  archive: string,
  home: string,
  trustedKeys: readonly TrustedKey[] = [],
): Promise<ModelPackage & { readonly folder: string }> {
  await mkdir(home, { recursive: true });
  const scratch = await mkdtemp(join(home, '.unpacking-'));
  try {
    const top = await unpackInto(scratch, archive);
    const model = await loadModelPackage(join(scratch, top), trustedKeys);
    const folder = join(home, top);
    if (top !== `${model.card.name}-${model.card.version}`)
      throw refused(`is of another package: its folder is not ${model.card.name}-${model.card.version}`);
    if ((await stat(folder).catch(() => undefined)) !== undefined)
      throw new WetreadError('conflict', `${top} is already there`);
    await rename(join(scratch, top), folder);
    return { ...model, folder };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @returns the one folder that everything lies in. */
async function unpackInto(scratch: string, archive: string): Promise<string> {
  const tar = extract();
  const limit = await unpackedLimit(archive);
  const seen = new Set<string>();
  const tops = new Set<string>();
  const reading = pipeline(createReadStream(archive), createGunzip(), tar);
  // An entry whose archive ends in its middle waits for ever: nobody else tells it that no more comes.
  const ended = new AbortController();
  reading.catch((cause: unknown) => ended.abort(cause));
  let bytes = 0;
  try {
    for await (const entry of tar) {
      const { name, size } = acceptable(entry.header, seen);
      bytes += size;
      if (bytes > limit) throw refused(`unpacks to more than ${limit} bytes`);
      tops.add(name.split('/')[0]!);
      await write(entry, join(scratch, name), ended.signal);
    }
    await reading;
  } catch (cause) {
    tar.destroy();
    if (cause instanceof WetreadError) throw cause;
    throw refused('is not a gzip of a tar, or ends too early');
  }
  const [top, ...others] = tops;
  if (top === undefined || others.length > 0) throw refused('does not hold one folder');
  return top;
}

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

async function write(entry: Entry, path: string, signal: AbortSignal): Promise<void> {
  if (entry.header.type === 'directory') return void entry.resume();
  await mkdir(dirname(path), { recursive: true });
  await pipeline(entry, createWriteStream(path, { flags: 'wx', mode: 0o644 }), { signal });
}

const MOST_ENTRIES = 10_000;

/** Weights hardly shrink and text shrinks tenfold: what grows further is made to fill a disk. */
async function unpackedLimit(archive: string): Promise<number> {
  return 64 * 2 ** 20 + 50 * (await stat(archive)).size;
}

/** What is neither a file nor a folder, or would be written elsewhere, ends the unpacking before a byte of it is written. */
function acceptable({ name: given, type, size }: Header, seen: Set<string>): { name: string; size: number } {
  const name = given.replace(/\/$/, '');
  if (!isPathInside(name)) throw refused(`holds a path that leads outside: ${JSON.stringify(given.slice(0, 120))}`);
  if (type !== 'file' && type !== 'directory') throw refused(`holds a ${type} that is neither file nor folder`);
  if (type === 'file' && !name.includes('/')) throw refused('holds a file outside its folder');
  if (seen.has(name.toLowerCase()) && type === 'file') throw refused('holds a file twice');
  seen.add(name.toLowerCase());
  if (seen.size > MOST_ENTRIES) throw refused(`holds more than ${MOST_ENTRIES} files`);
  return { name, size };
}

function refused(what: string): WetreadError {
  return new WetreadError('package-invalid', `The archive ${what}`);
}
