/** The embedded archive in a folder of its own, with the real reader of Part 10 files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DirectoryArchive,
  type DirectoryArchiveOptions,
  directoryArchive,
} from '../../adapters/directory/archive.ts';
import type { Refusal } from '../../adapters/directory/instance.ts';
import { readDataSet, readIdentity } from '../../adapters/part10/reader.ts';
import { isSkipped } from '../../src/reasons.ts';

export const part10Inspector: Pick<DirectoryArchiveOptions, 'identify' | 'describe'> = {
  identify: readIdentity,
  describe: (bytes) => {
    const read = readDataSet(bytes);
    return isSkipped(read) ? read : read.dataSet;
  },
};

export interface TestArchive extends AsyncDisposable {
  readonly folder: string;
  readonly archive: DirectoryArchive;
  readonly refusals: readonly Refusal[];
  /** Closes the archive and opens the same folder again. */
  reopen(): Promise<DirectoryArchive>;
}

/** @param folder one that exists and stays; without it a temporary one that goes in the end. */
export async function testArchive(folder?: string): Promise<TestArchive> {
  const temporary = folder ?? (await mkdtemp(join(tmpdir(), 'wetread-archive-')));
  const refusals: Refusal[] = [];
  const open = (): Promise<DirectoryArchive> =>
    directoryArchive({ folder: temporary, ...part10Inspector, onRefused: (refusal) => refusals.push(refusal) });
  let archive = await open();
  return {
    folder: temporary,
    get archive() {
      return archive;
    },
    refusals,
    async reopen() {
      await archive[Symbol.asyncDispose]();
      archive = await open();
      return archive;
    },
    async [Symbol.asyncDispose]() {
      await archive[Symbol.asyncDispose]();
      if (folder === undefined) await rm(temporary, { recursive: true, force: true });
    },
  };
}
