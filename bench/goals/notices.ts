/** A ledger on disk that takes hints, and nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SqliteLedger, sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';

export class Notices implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wetread-bench-'));
  readonly #ledger: SqliteLedger = sqliteLedger({
    file: join(this.#folder, 'ledger.sqlite'),
    clock: { now: () => new Date(), monotonicMs: () => performance.now() },
  });
  #named = 0;

  /** A study that nobody has heard of. */
  next(): StudyInstanceUid {
    this.#named += 1;
    return nameBasedUid<StudyInstanceUid>('bench', String(this.#named));
  }

  commit(studyInstanceUid: StudyInstanceUid): Promise<void> {
    const now = new Date().toISOString();
    return this.#ledger.notice({ studyInstanceUid, source: 'bench', receivedAt: now, rung: 'source-says' }, now);
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true });
  }
}
