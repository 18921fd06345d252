/**
 * One look into a watched folder: every file that may be taken, at any depth, with what tells whether it is still being
 * written. Links are not followed, so that nothing outside is read and no loop traps the walk; hidden folders are
 * those of file systems and tools, such as snapshots.
 */
import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { WetreadError } from '../../src/errors.ts';

export interface FileLook {
  /** Relative to the folder. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly inode: number;
}

/** Told of a folder or file below that cannot be looked at; the walk goes on. */
export type OnUnreadable = () => void;

/** Names under which programs write what they rename when it is whole. */
const UNFINISHED = /^[.~]|~$|\.(tmp|temp|part|partial|filepart|crdownload|download)$/i;

/** Looked at, and never taken under this name. */
export function isUnfinished({ path }: FileLook): boolean {
  return UNFINISHED.test(path.slice(path.lastIndexOf('/') + 1));
}

export function sameContent(one: FileLook, other: Omit<FileLook, 'path'>): boolean {
  return one.bytes === other.bytes && one.modifiedMs === other.modifiedMs && one.inode === other.inode;
}

/**
 * Files that are not empty, in no useful order; one folder of each depth is open at a time.
 * @throws WetreadError `folder-unreachable` where the folder itself cannot be read
 */
export async function* filesIn(root: string, onUnreadable: OnUnreadable): AsyncGenerator<FileLook> {
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    try {
      for await (const entry of await opendir(join(root, folder))) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (isWalked(entry)) waiting.push(path);
        else if (entry.isFile()) yield* fileAt(root, path, onUnreadable);
      }
    } catch (cause) {
      if (folder === '') throw unreachable(cause);
      if (!isGone(cause)) onUnreadable();
    }
  }
}

export function unreachable(cause: unknown): WetreadError {
  return new WetreadError('folder-unreachable', 'A watched folder, or a file in it, cannot be read', { cause });
}

export function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function isWalked(entry: Dirent): boolean {
  return entry.isDirectory() && !entry.name.startsWith('.');
}

async function* fileAt(root: string, path: string, onUnreadable: OnUnreadable): AsyncGenerator<FileLook> {
  try {
    const { size, mtimeMs, ino } = await lstat(join(root, path));
    if (size > 0) yield { path, bytes: size, modifiedMs: mtimeMs, inode: ino };
  } catch (error) {
    if (!isGone(error)) onUnreadable();
  }
}
