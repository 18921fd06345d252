/**
 * The workers of this process: each claims settled studies from the ledger, reads one at a time under a lease with a
 * heartbeat, and records how it ended. A fault is tried again as the retry table says, then parked; nothing is ever dropped.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type StudyState, type StudyTransition, TRANSITIONS } from '../../src/arrival/lifecycle.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Attempt, Ports, RecordPatch } from '../../src/ports.ts';
import { preread } from '../../src/preread.ts';
import { RETRIES, retryDelaySeconds } from '../../src/retry.ts';
import { triage } from '../../src/triage.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import type { Outcome, Site } from '../../src/work.ts';
import type { Archives } from './archives.ts';

export interface ReaderOptions {
  readonly ports: Ports;
  readonly archives: Archives;
  readonly site: Site;
  readonly maximumRetries: number;
  /** While a server does not answer: that says nothing of the study. */
  readonly maximumRetriesUnreachable: number;
  /** Studies that are read at the same time. */
  readonly concurrency: number;
  /** After so long without a heartbeat another worker takes an attempt over. */
  readonly leaseMs: number;
  /** Called after every recorded end of an attempt. */
  readonly onChange?: (studyInstanceUid: StudyInstanceUid) => void;
}

const TASKS = { triage, read: preread };

/** A lease outlives so many heartbeats that do not reach the ledger. */
const BEATS_PER_LEASE = 4;
const IDLE_MS = 500;

export class Reader {
  readonly #options: ReaderOptions;
  readonly #worker = `${hostname()}:${process.pid}`;
  readonly #stopping = new AbortController();
  #claiming = true;
  readonly #idling = new Set<() => void>();
  #running: Promise<unknown> | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Starts the loops; a second call changes nothing. */
  start(): void {
    this.#running ??= Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#loop()));
  }

  /** Something was noticed: look at the ledger now. */
  wake(): void {
    for (const wake of this.#idling) wake();
  }

  /** Stops claiming; running attempts may end within the grace time, then they are aborted and handed back at once. */
  async stop(graceMs = 0): Promise<void> {
    this.#claiming = false;
    this.wake();
    const graceOver = new AbortController();
    const grace = sleep(graceMs, undefined, { signal: graceOver.signal }).catch(() => undefined);
    await Promise.race([this.#running, grace]);
    graceOver.abort();
    this.#stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
    this.wake();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (this.#claiming) {
      const attempt = await this.#claim();
      if (attempt === undefined) await this.#idle();
      else await this.#read(attempt);
    }
  }

  async #claim(): Promise<Attempt | undefined> {
    try {
      return await this.#options.ports.ledger.claim(this.#worker, this.#options.leaseMs);
    } catch (error) {
      this.#options.ports.log.write('read-fault', { errorCode: WetreadError.from(error).code });
      return undefined;
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#idling.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, IDLE_MS);
      this.#idling.add(wake);
    });
  }

  async #read(attempt: Attempt): Promise<void> {
    const { ports } = this.#options;
    const { studyInstanceUid } = attempt;
    const lease = new AbortController();
    const signal = AbortSignal.any([lease.signal, this.#stopping.signal]);
    const heartbeat = this.#keepLease(attempt, lease);
    try {
      if (attempt.task === 'read') ports.log.write('read-started', { studyInstanceUid, attempt: attempt.number });
      const { traceId, state } = await this.#traced(attempt, signal);
      // What is read next leaves a trace of its own reading, which holds the one of its triage.
      if (attempt.task === 'triage' && !isFinal(state)) return;
      const trace = new TextEncoder().encode(JSON.stringify(await ports.tracer.document(traceId)));
      await ports.ledger.saveDocument(attempt, 'trace.json', trace);
    } catch (error) {
      ports.log.write('read-fault', { studyInstanceUid, errorCode: WetreadError.from(error).code });
    } finally {
      clearInterval(heartbeat);
      this.#options.onChange?.(studyInstanceUid);
    }
  }

  /** A ledger that does not answer for a moment takes nothing away: the lease holds until its time has passed. */
  #keepLease(attempt: Attempt, lease: AbortController): NodeJS.Timeout {
    const { leaseMs } = this.#options;
    const { clock, ledger } = this.#options.ports;
    const heartbeatMs = leaseMs / BEATS_PER_LEASE;
    let endsAt = clock.monotonicMs() + leaseMs;
    const beat = async (): Promise<void> => {
      const renewedUntil = clock.monotonicMs() + leaseMs;
      try {
        await ledger.heartbeat(attempt, leaseMs);
        endsAt = renewedUntil;
      } catch (cause) {
        const error = WetreadError.from(cause);
        const endsBeforeNextBeat = clock.monotonicMs() + heartbeatMs >= endsAt;
        if (error.code !== 'ledger-unreachable' || endsBeforeNextBeat) lease.abort(error);
      }
    };
    return setInterval(() => void beat(), heartbeatMs);
  }

  /** The attempt inside its span, a child of whatever brought the study. */
  #traced(attempt: Attempt, signal: AbortSignal): Promise<{ readonly traceId: string; readonly state: StudyState }> {
    const attributes = { studyInstanceUid: attempt.studyInstanceUid, attempt: attempt.number };
    return this.#options.ports.tracer.span(
      `wetread.${attempt.task}`,
      attributes,
      async (span) => {
        const state = await this.#attempt(attempt, span.traceId, signal);
        span.set({ state });
        return { traceId: span.traceId, state };
      },
      attempt.traceparent,
    );
  }

  async #attempt(attempt: Attempt, traceId: string, signal: AbortSignal): Promise<StudyState> {
    const { archives, site } = this.#options;
    try {
      const ports = { ...this.#options.ports, archive: archives.named(attempt.hint.archive) };
      const outcome = await TASKS[attempt.task](attempt, ports, site, signal);
      return await this.#record(attempt, traceId, outcome);
    } catch (error) {
      return await this.#fault(attempt, traceId, signal, error);
    }
  }

  async #record(attempt: Attempt, traceId: string, { transition, patch }: Outcome): Promise<StudyState> {
    const { ports } = this.#options;
    const state = await this.#advance(attempt, transition, { ...patch, traceId });
    const ended = attempt.task === 'read' ? 'read-ended' : 'triage-ended';
    ports.log.write(transition === 'wait' ? 'study-waits' : ended, {
      studyInstanceUid: attempt.studyInstanceUid,
      state,
      ...reasonOf(patch),
    });
    return state;
  }

  async #fault(attempt: Attempt, traceId: string, signal: AbortSignal, cause: unknown): Promise<StudyState> {
    const { ports, maximumRetries, maximumRetriesUnreachable } = this.#options;
    const { studyInstanceUid } = attempt;
    if (this.#stopping.signal.aborted) return ports.ledger.advance(attempt, 'release');
    const error = signal.aborted ? WetreadError.from(signal.reason) : WetreadError.from(cause);
    if (error.code === 'lease-lost') throw error;
    const maximum = error.code.endsWith('-unreachable') ? maximumRetriesUnreachable : maximumRetries;
    const delay = error.retryable ? retryDelaySeconds(attempt.number, maximum, error.retryAfterSeconds) : undefined;
    const patch: RecordPatch = { reason: { code: error.code, detail: error.message }, traceId };
    ports.log.write('read-fault', { studyInstanceUid, errorCode: error.code, attempt: attempt.number });
    if (delay === undefined) return this.#advance(attempt, 'park', patch);
    const retryAt = new Date(ports.clock.now().getTime() + delay * 1000).toISOString();
    return this.#advance(attempt, 'fail', { ...patch, retryAt });
  }

  /**
   * Records how an attempt ended, also in a ledger that is away for a while: what was read is not thrown away for it. The
   * fence keeps out a worker that comes too late.
   */
  async #advance(attempt: Attempt, transition: StudyTransition, patch: RecordPatch): Promise<StudyState> {
    const [againSeconds] = RETRIES['recording the end of an attempt'].delaysSeconds;
    for (let mayBeRecorded = false; ; mayBeRecorded = true) {
      try {
        return await this.#options.ports.ledger.advance(attempt, transition, patch);
      } catch (cause) {
        const { code } = WetreadError.from(cause);
        // The answer to the try before was lost, not its effect: nobody else moves a study that is ours.
        if (code === 'conflict' && mayBeRecorded) return TRANSITIONS[transition].to;
        if ((code !== 'ledger-unreachable' && code !== 'disk-full') || this.#stopping.signal.aborted) throw cause;
      }
      await sleep(againSeconds * 1000, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }
}

function reasonOf(patch: RecordPatch): { reason?: string } {
  return patch.reason === undefined ? {} : { reason: patch.reason.code };
}
