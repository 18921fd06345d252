/** A file of a watched folder: read as it was looked at, and put where the configuration wants it. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { syncFile, syncFolder } from './files.ts';
import { type FileLook, isGone, sameContent, unreachable } from './folder-look.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Another file lies under its name at the destination: so many numbers are tried. */
const MOST_NAMES = 10_000;

/** The file is not any more what it was when it was looked at: it settles once more. */
export class Changed extends Error {}

/** @throws Changed, before the first byte or after the last; WetreadError `folder-unreachable` */
export async function* contentOf(root: string, file: FileLook): AsyncGenerator<Uint8Array> {
  const handle = await open(join(root, file.path), constants.O_RDONLY | constants.O_NOFOLLOW).catch(failedTo);
  try {
    const requireSame = async (): Promise<void> => {
      const { size, mtimeMs, ino } = await handle.stat();
      if (!sameContent(file, { bytes: size, modifiedMs: mtimeMs, inode: ino })) throw new Changed();
    };
    await requireSame();
    yield* handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES });
    await requireSame();
  } catch (error) {
    failedTo(error);
  } finally {
    await handle.close();
  }
}

/** Removes the file unless it has changed since it was read. @throws WetreadError `folder-unreachable` */
export async function deleteFile(root: string, file: FileLook): Promise<void> {
  if (await isSame(root, file)) await unlink(join(root, file.path)).catch(failedTo);
}

/**
 * Moves the file, unless it has changed since it was read, to the same place below another folder, also on another disk; what
 * lies there already stays. @throws WetreadError `folder-unreachable`
 */
export async function moveFile(root: string, file: FileLook, destination: string): Promise<void> {
  if (!(await isSame(root, file))) return;
  const from = join(root, file.path);
  try {
    await mkdir(dirname(join(destination, file.path)), { recursive: true });
    const to = await freeName(join(destination, file.path));
    await rename(from, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EXDEV') throw error;
      return copyAndRemove(from, to);
    });
  } catch (error) {
    failedTo(error);
  }
}

/** The copy is on disk before the original goes. */
async function copyAndRemove(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL);
  await syncFile(to);
  await syncFolder(dirname(to));
  await unlink(from);
}

async function freeName(path: string): Promise<string> {
  const { dir, name, ext } = parse(path);
  for (let number = 0; number < MOST_NAMES; number += 1) {
    const candidate = number === 0 ? path : join(dir, `${name}-${number}${ext}`);
    if (!(await exists(candidate))) return candidate;
  }
  throw new Error('No name is free');
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

async function isSame(root: string, file: FileLook): Promise<boolean> {
  try {
    const { size, mtimeMs, ino } = await lstat(join(root, file.path));
    return sameContent(file, { bytes: size, modifiedMs: mtimeMs, inode: ino });
  } catch (error) {
    if (isGone(error)) return false;
    return failedTo(error);
  }
}

/** A file that is gone has changed. */
function failedTo(error: unknown): never {
  if (error instanceof Changed) throw error;
  throw isGone(error) ? new Changed() : unreachable(error);
}
