/** What an archive says of its own changes, beside DICOMweb: where to look, never what to think of it. */
import type { StudyInstanceUid } from '../../src/uid.ts';

export interface ChangeFeed {
  /** As the log names it. */
  readonly name: string;
  /**
   * A bounded part of the changes after the cursor. Without a cursor it begins where the feed ends: what was there before
   * is found by its date.
   * @throws WetreadError as `exchange` does, and `archive-refused` for an answer that is none
   */
  read(cursor: string | undefined, signal: AbortSignal): Promise<FedChanges>;
}

export interface FedChanges {
  /** Each once; they may have been deleted since, or have changed by results of Wetread. */
  readonly studies: ReadonlySet<StudyInstanceUid>;
  /** Where the next part begins; the feed's own text. */
  readonly cursor: string;
  /** Whether this was the last part for now. */
  readonly isEnd: boolean;
}

/** Parts that are read at once; the next poll goes on from there. */
const MOST_PARTS = 50;

export async function readToEnd(
  feed: ChangeFeed,
  from: string | undefined,
  signal: AbortSignal,
): Promise<Pick<FedChanges, 'studies' | 'cursor'>> {
  const studies = new Set<StudyInstanceUid>();
  let part = await feed.read(from, signal);
  for (let parts = 1; ; parts += 1) {
    for (const study of part.studies) studies.add(study);
    if (part.isEnd || parts >= MOST_PARTS) return { studies, cursor: part.cursor };
    part = await feed.read(part.cursor, signal);
  }
}
