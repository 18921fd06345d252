/** How long the ledger remembers: studies that have long been in a final state are exported and removed. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Ledger, Ports, StudyRecord } from '../../src/ports.ts';
import type { Config } from './config.ts';
import { exportStudies } from './ledger-export.ts';

/** A transaction that removes more would keep others waiting. */
const BATCH = 100;
/** What the ledger keeps under this name says that it has forgotten studies on purpose. */
const STATE = 'ledger-retention';
const RETRY_MS = 600_000;

export type PrunedLedger = Pick<Ledger, 'list' | 'history' | 'document' | 'prune' | 'saveSourceState'>;

/**
 * Removes studies that have been in a final state since before `before` (ISO 8601 in UTC). What can be removed only
 * becomes less while this runs, because any change of a study is newer: with an export, nothing is removed that is not in it.
 * @param exportFile undefined where there are studies to remove and nothing is to be kept of them
 * @returns how many studies were removed
 */
export async function pruneStudies(
  ledger: PrunedLedger,
  before: string,
  exportFile: string | undefined,
  documents = false,
): Promise<number> {
  const old = finalBefore(await ledger.list(), before);
  if (exportFile !== undefined && old.length > 0) await exportStudies(ledger, old, exportFile, documents);
  await ledger.saveSourceState(STATE, before);
  let removed = 0;
  for (;;) {
    const { length } = await ledger.prune(before, BATCH);
    removed += length;
    if (length < BATCH) return removed;
  }
}

export function finalBefore(records: readonly StudyRecord[], before: string): readonly StudyRecord[] {
  return records.filter(({ state, changedAt }) => isFinal(state) && changedAt < before);
}

/** A study that the archive holds and the ledger does not know may be one that it has forgotten. */
export async function hasForgotten(ledger: Pick<Ledger, 'sourceState'>): Promise<boolean> {
  return (await ledger.sourceState(STATE)) !== undefined;
}

/** Prunes at the start and every so often, for as long as Wetread runs; nothing where no time is configured. */
export function runRetention(
  { days, everyHours, exportDirectory }: Config['retention'],
  ports: Ports,
): AsyncDisposable {
  const stopping = new AbortController();
  const pause = (milliseconds: number): Promise<void> =>
    delay(milliseconds, undefined, { signal: stopping.signal }).catch(() => undefined);
  const run = async (): Promise<void> => {
    while (days !== undefined && !stopping.signal.aborted) {
      const ended = await pruneOnce(ports, days, exportDirectory);
      await pause(ended ? everyHours * 3_600_000 : RETRY_MS);
    }
  };
  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

async function pruneOnce({ ledger, log, clock }: Ports, days: number, directory: string | undefined): Promise<boolean> {
  const now = clock.now();
  try {
    if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 });
    const before = new Date(now.getTime() - days * 86_400_000).toISOString();
    const name = `studies-${now.toISOString().replaceAll(':', '')}-${process.pid}.jsonl`;
    const studies = await pruneStudies(ledger, before, directory && join(directory, name));
    if (studies > 0) log.write('studies-pruned', { studies });
    return true;
  } catch (error) {
    log.write('retention-fault', { errorCode: WetreadError.from(error).code });
    return false;
  }
}
