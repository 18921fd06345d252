/** What the embedded archive holds and the ledger has not heard of, because one of them, or Wetread, was away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WetreadError } from '../../src/errors.ts';
import type { Log } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';
import type { Arrival, ArrivalList, Intake } from './intake.ts';

const SOURCE = 'start';
/** How often it is asked whether arrivals wait that no request has noticed. */
const LOOK_MS = 2000;

/**
 * Resolves after the first look at the archive, which may have failed: it is repeated until it succeeds. Afterwards
 * arrivals that stay unnoticed, because the ledger did not answer when they came or their sender hangs, are noticed when
 * nothing more of them comes from one look to the next.
 */
export async function catchUp(
  archive: ArrivalList,
  intake: Intake,
  log: Log,
  lookMs = LOOK_MS,
): Promise<AsyncDisposable> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let failures = 0;
  const succeeds = async (work: Promise<void>): Promise<boolean> => {
    try {
      await work;
      failures = 0;
      return true;
    } catch (error) {
      failures += 1;
      log.write('source-fault', { source: SOURCE, errorCode: WetreadError.from(error).code, attempt: failures });
      return false;
    }
  };
  const pause = async (): Promise<void> => {
    const { delaysSeconds } = RETRIES['noticing what arrived while the ledger did not answer'];
    const pauseMs = failures === 0 ? lookMs : delaysSeconds[Math.min(failures, delaysSeconds.length) - 1]! * 1000;
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  };
  const still = { arrivals: stillArrivals(archive), noticed: (arrival: Arrival) => archive.noticed(arrival) };
  let isReconciled = await succeeds(intake.reconcile(archive));
  const run = async (): Promise<void> => {
    for (await pause(); !signal.aborted; await pause()) {
      if (!isReconciled) isReconciled = await succeeds(intake.reconcile(archive));
      else await succeeds(intake.noticeArrivals(still, SOURCE));
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

/** Each call gives the arrivals that are as they were at the call before. */
function stillArrivals(archive: ArrivalList): () => readonly Arrival[] {
  let before = new Map<string, number>();
  return () => {
    const arrivals = archive.arrivals();
    const still = arrivals.filter(({ studyInstanceUid, instances }) => before.get(studyInstanceUid) === instances);
    before = new Map(arrivals.map(({ studyInstanceUid, instances }) => [studyInstanceUid, instances]));
    return still;
  };
}
