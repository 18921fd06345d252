/**
 * One process per folder. The lock is SQLite's on an empty database, which the operating system takes back from a
 * process that dies, whatever it dies of.
 */
import { DatabaseSync } from 'node:sqlite';
import { WetreadError } from '../../src/errors.ts';

/** A predecessor that is about to end is waited for this long. */
const PATIENCE_MS = 2_000;
const BUSY = 5;

/** @throws WetreadError `conflict` where another process, or another part of this one, has the folder. */
export function lockFolder(file: string): Disposable {
  const database = new DatabaseSync(file, { timeout: PATIENCE_MS });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: unknown }).errcode !== BUSY) throw error;
    throw new WetreadError('conflict', 'Another process has the archive folder open', { cause: error });
  }
  return {
    [Symbol.dispose]() {
      if (database.isOpen) database.close();
    },
  };
}
