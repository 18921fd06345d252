/** What the embedded archive holds and the ledger has not heard of, because one of them, or Wetread, was away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WetreadError } from '../../src/errors.ts';
import type { Log } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';
import type { ArrivalList, Intake } from './intake.ts';

const SOURCE = 'start';
/** How often it is asked whether arrivals wait that a request could not have noticed. */
const LOOK_MS = 2000;

/**
 * Resolves after the first look at the archive, which may have failed: it is repeated until it succeeds. Afterwards
 * arrivals that stay unnoticed, because the ledger did not answer when they came, are noticed as soon as it does.
 */
export async function catchUp(archive: ArrivalList, intake: Intake, log: Log): Promise<AsyncDisposable> {
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
    const pauseMs = failures === 0 ? LOOK_MS : delaysSeconds[Math.min(failures, delaysSeconds.length) - 1]! * 1000;
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  };
  let isReconciled = await succeeds(intake.reconcile(archive));
  const run = async (): Promise<void> => {
    for (await pause(); !signal.aborted; await pause()) {
      if (!isReconciled) isReconciled = await succeeds(intake.reconcile(archive));
      else if (archive.arrivals().length > 0) await succeeds(intake.noticeArrivals(archive, SOURCE));
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
