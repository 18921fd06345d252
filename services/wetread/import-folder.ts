/**
 * Takes a folder of files into the archive: any depth, studies mixed, whatever is not DICOM skipped and counted. Each
 * file stands alone: one that cannot be stored has a reason and the rest goes on.
 */
import { opendir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Summary } from '../../contracts/generated/types.ts';
import { WetreadError } from '../../src/errors.ts';
import { type Cause, isSkipped, type Skipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';

export interface Stored {
  readonly studyInstanceUid: StudyInstanceUid;
  /** The same bytes were there before. */
  readonly repeated: boolean;
}
export type StoreInstance = (bytes: Uint8Array) => Promise<Stored | Skipped>;

export interface Imported {
  readonly files: Summary['files'];
  readonly studies: ReadonlySet<StudyInstanceUid>;
}

/** Reasons that mean "not a study's instance": counted as skipped, not listed one by one. */
const SILENT_REASONS: ReadonlySet<string> = new Set(['not-dicom', 'media-directory']);

/**
 * @param onProgress called after every file with the number seen so far.
 * @throws the reason of `signal` before the next file.
 */
export async function importFolder(
  folder: string,
  store: StoreInstance,
  onProgress: (seen: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Imported> {
  const files = { seen: 0, stored: 0, repeated: 0, skipped: 0, notRead: [] as Summary['files']['notRead'] };
  const studies = new Set<StudyInstanceUid>();
  for await (const path of filesBelow(folder)) {
    signal?.throwIfAborted();
    const result = await storeFile(path, store);
    files.seen += 1;
    if ('studyInstanceUid' in result) {
      studies.add(result.studyInstanceUid);
      files[result.repeated ? 'repeated' : 'stored'] += 1;
    } else if (SILENT_REASONS.has(result.code)) {
      files.skipped += 1;
    } else {
      files.notRead.push({ file: relative(folder, path), reason: { ...result } });
    }
    onProgress(files.seen);
  }
  if (studies.size === 0 && files.notRead.length === 0)
    files.notRead.push({ file: '.', reason: { code: 'folder-without-dicom' } });
  return { files, studies };
}

async function storeFile(path: string, store: StoreInstance): Promise<Stored | Cause> {
  try {
    const result = await store(await readFile(path));
    return isSkipped(result) ? result.skipped : result;
  } catch (error) {
    const { code, message } = WetreadError.from(error);
    return { code, detail: message };
  }
}

/** Regular files below a folder, in a stable order; links are not followed, so that a loop cannot trap the walk. */
export async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = [];
  for await (const entry of await opendir(folder)) entries.push(entry);
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name, 'en'))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}
