/**
 * Files that survive a power cut: bytes go to a temporary name, are synced, get their final name, and the folder is
 * synced. A file under its final name is always whole.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WetreadError } from '../../src/errors.ts';
import type { InstanceIdentity } from './instance.ts';

/** Larger instances are read again from their file, one at a time, instead of being kept while they arrive. */
const KEPT_BYTES = 8 * 2 ** 20;

const RESERVE_BYTES = 64 * 2 ** 20;
/** On small disks, one part in this many. */
const RESERVE_SHARE = 16;

export interface ReceivedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The bytes themselves, where they are few. */
  readonly content?: Buffer;
  /** Why the file could not be written; nothing lies at `path` then. */
  readonly error?: WetreadError;
}

/** No space, quota reached, or SQLite saying the same. */
export function isDiskFull(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || (code === 'ERR_SQLITE_ERROR' && errcode === 13);
}

/** Names a failure of the file system; messages of the system name paths, and so identifiers, and stay in `cause`. */
export function storageError(error: unknown): WetreadError {
  if (error instanceof WetreadError) return error;
  if (isDiskFull(error)) return new WetreadError('disk-full', 'No space is left for the archive', { cause: error });
  return WetreadError.from(error);
}

/**
 * Writes chunks to a new file and hashes them on the way. The source is read to its end even where the disk is full, so
 * that the instance can be named in the answer and the next one can follow.
 * @throws what the source throws, and nothing else; no file is left then.
 */
export async function receiveFile(
  folder: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<ReceivedFile> {
  const file = new IncomingFile(join(folder, randomUUID()));
  const hash = createHash('sha256');
  const kept: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      if (bytes <= KEPT_BYTES) kept.push(chunk);
      else kept.length = 0;
      await file.write(chunk);
    }
  } catch (error) {
    await file.discard();
    throw error;
  }
  const error = await file.close();
  return {
    path: file.path,
    bytes,
    sha256: hash.digest('hex'),
    ...(bytes <= KEPT_BYTES && { content: Buffer.concat(kept) }),
    ...(error && { error }),
  };
}

/**
 * The last part of a disk is not for images: index and ledger need it to record what was stored and what was refused.
 * @throws WetreadError `disk-full` where a file has used it.
 */
async function requireReserve(path: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(path);
  if (bavail * bsize < Math.min(RESERVE_BYTES, (blocks * bsize) / RESERVE_SHARE)) {
    throw new WetreadError('disk-full', 'No space is left for the archive');
  }
}

/** A file in the making; after its first error it is gone and takes no more. */
class IncomingFile {
  readonly path: string;
  #handle: FileHandle | undefined;
  #error: WetreadError | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#attempt(async () => {
      this.#handle ??= await open(this.path, 'wx');
      for (let at = 0; at < chunk.byteLength; ) at += (await this.#handle.write(chunk, at)).bytesWritten;
    });
  }

  async close(): Promise<WetreadError | undefined> {
    // Without a chunk there is no file yet, and an empty one is wanted.
    await this.write(Buffer.alloc(0));
    await this.#attempt(() => requireReserve(this.path));
    await this.#attempt(async () => this.#handle?.close());
    return this.#error;
  }

  async discard(): Promise<void> {
    await this.#handle?.close().catch(() => undefined);
    this.#handle = undefined;
    await removeFile(this.path).catch(() => undefined);
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    if (this.#error !== undefined) return;
    try {
      await work();
    } catch (error) {
      this.#error = storageError(error);
      await this.discard();
    }
  }
}

/** @returns the time of change that the file will keep, in milliseconds. */
export async function syncFile(path: string): Promise<number> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Moves a synced file to its name; the caller syncs the folders that are returned. */
export async function publishFile(from: string, root: string, to: string): Promise<readonly string[]> {
  const folder = dirname(join(root, to));
  const firstNew = await mkdir(folder, { recursive: true });
  await rename(from, join(root, to));
  if (firstNew === undefined) return [folder];
  // Every folder that was made is an entry in its parent, and lost with it unless the parent is synced too.
  const changed = [folder];
  for (let at = folder; at !== dirname(firstNew); at = dirname(at)) changed.push(dirname(at));
  return changed;
}

export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw storageError(error);
  });
}

export async function emptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * Where an instance lies, relative to the folder of instances. UIDs that passed PS3.5 section 9.1 hold digits and
 * single dots only, so they are names that cannot leave the folder; two hexadecimal digits keep folders small.
 */
export function pathOf(identity: InstanceIdentity): string {
  const shard = createHash('sha256').update(identity.studyInstanceUid).digest('hex').slice(0, 2);
  return join(shard, identity.studyInstanceUid, identity.seriesInstanceUid, `${identity.sopInstanceUid}.dcm`);
}
