/**
 * Which files of a watched folder have stopped growing: those that two looks found the same. What was taken, or refused,
 * is remembered until it changes or goes. Bounded: what exceeds a bound waits for another look, or is read once more,
 * which the archive knows from the first time.
 */
import { createHash } from 'node:crypto';
import { type FileLook, isUnfinished } from './folder-look.ts';

/** Files between their two looks. */
const MOST_SETTLING = 50_000;
const MOST_TAKEN = 250_000;

export class SettlingFiles {
  /** Of the look before, and of this one: files under their name, and under what stays when they are renamed. */
  #before = new Set<string>();
  #now = new Set<string>();
  /** Digests of names and times, of the look before and of this one. */
  #taken = new Set<string>();
  #stillTaken = new Set<string>();
  #unsettled = 0;

  begin(): void {
    this.#before = this.#now;
    this.#now = new Set();
    this.#stillTaken = new Set();
    this.#unsettled = 0;
  }

  /** Ends a look that saw the whole folder: what it did not see is forgotten. */
  end(): void {
    this.#taken = this.#stillTaken;
  }

  /** @returns whether the file is to be taken now */
  isSettled(file: FileLook): boolean {
    const digest = digestOf(file);
    if (this.#taken.has(digest)) {
      this.#stillTaken.add(digest);
      return false;
    }
    const [byName, byInode] = [`${file.path}\n${timesOf(file)}`, `${file.inode} ${timesOf(file)}`];
    const isKnown = this.#before.has(byName) || this.#before.has(byInode);
    if (this.#now.size < 2 * MOST_SETTLING) this.#now.add(byName).add(byInode);
    const settled = isKnown && !isUnfinished(file);
    if (!settled) this.#unsettled += 1;
    return settled;
  }

  /** It was stored, or refused: not again, unless it changes. */
  take(file: FileLook): void {
    if (this.#taken.size >= MOST_TAKEN) return;
    const digest = digestOf(file);
    this.#taken.add(digest);
    this.#stillTaken.add(digest);
  }

  /** Files of the last look that are still being written, or were seen for the first time. */
  get unsettled(): number {
    return this.#unsettled;
  }
}

function timesOf({ bytes, modifiedMs }: FileLook): string {
  return `${bytes} ${modifiedMs}`;
}

/** Ninety-six bits: far fewer bytes than a name, and no two files share them. */
function digestOf(file: FileLook): string {
  return createHash('sha256')
    .update(`${file.path}\n${timesOf(file)}`)
    .digest()
    .subarray(0, 12)
    .toString('latin1');
}
