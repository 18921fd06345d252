/**
 * A source that one Wetread at a time runs, of all that share a ledger: the others wait, and one of them goes on from
 * where it stood when the first one stops or dies.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WetreadError } from '../../src/errors.ts';
import type { Clock, Ledger, Log, SourceLease, StudySource } from '../../src/ports.ts';

export interface LeasedSourceOptions {
  /** As {@link StudySource.name}. */
  readonly name: string;
  /** Another one for every process, and for every start of it. */
  readonly worker: string;
  readonly ports: { readonly ledger: Ledger; readonly log: Log; readonly clock: Clock };
  /** After so long without a sign of life another one takes over; default 15 seconds. */
  readonly leaseMs?: number;
  /** A new source for every term, which asks the ledger where it stands; what it keeps is refused once the term is over. */
  readonly open: (ledger: Pick<Ledger, 'sourceState' | 'saveSourceState'>) => StudySource;
}

const LEASE_MS = 15_000;
/** A lease outlives two renewals that do not reach the ledger. */
const RENEWALS_PER_LEASE = 3;

export function leasedSource(options: LeasedSourceOptions): StudySource {
  return new LeasedSource(options);
}

class LeasedSource implements StudySource {
  readonly name: string;
  readonly #options: LeasedSourceOptions;
  readonly #lease: SourceLease;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  #faulty = false;

  constructor(options: LeasedSourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#lease = { source: options.name, worker: options.worker };
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.#renewMs = this.#leaseMs / RENEWALS_PER_LEASE;
  }

  async run(notice: Parameters<StudySource['run']>[0], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#take()) await this.#term(notice, signal);
      else await this.#pause(signal);
    }
  }

  /** From taking the lease to losing it, or to the end. */
  async #term(notice: Parameters<StudySource['run']>[0], signal: AbortSignal): Promise<void> {
    const { ledger } = this.#options.ports;
    const over = new AbortController();
    const renewing = this.#renew(over);
    const source = this.#options.open({
      sourceState: (key) => ledger.sourceState(key),
      saveSourceState: (key, state) => ledger.saveSourceState(key, state, this.#lease),
    });
    await source.run(notice, AbortSignal.any([signal, over.signal]));
    over.abort();
    await renewing;
    // Where this does not reach the ledger the lease lapses by itself.
    await ledger.releaseSource(this.#lease).catch(() => {});
  }

  /** A ledger that does not answer for a moment takes nothing away: the lease holds until its time has passed. */
  async #renew(over: AbortController): Promise<void> {
    const { clock, ledger } = this.#options.ports;
    let endsAt = clock.monotonicMs() + this.#leaseMs;
    for (;;) {
      await this.#pause(over.signal);
      if (over.signal.aborted) return;
      const renewedUntil = clock.monotonicMs() + this.#leaseMs;
      const kept = await ledger.leaseSource(this.#lease, this.#leaseMs).catch(() => undefined);
      if (kept === true) endsAt = renewedUntil;
      if (kept === false || clock.monotonicMs() + this.#renewMs >= endsAt) return over.abort(lost());
    }
  }

  async #take(): Promise<boolean> {
    const { ledger, log } = this.#options.ports;
    try {
      const taken = await ledger.leaseSource(this.#lease, this.#leaseMs);
      if (this.#faulty) log.write('source-recovered', { source: this.name });
      this.#faulty = false;
      return taken;
    } catch (error) {
      const { code } = WetreadError.from(error);
      if (!this.#faulty) log.write('source-fault', { source: this.name, errorCode: code, durationMs: this.#renewMs });
      this.#faulty = true;
      return false;
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await sleep(this.#renewMs, undefined, { signal }).catch(() => {});
  }
}

function lost(): WetreadError {
  return new WetreadError('lease-lost', 'Another worker runs the source');
}
