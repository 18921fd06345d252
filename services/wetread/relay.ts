/**
 * The outbox relay: events that the ledger committed together with a filed draft are announced, and marked as sent once
 * the other side has confirmed. A fault on the way repeats an event and never loses one.
 */
import { setMaxListeners } from 'node:events';
import { WetreadError } from '../../src/errors.ts';
import type { EventPublisher, FindingsReady, Ports } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';

export interface RelayOptions {
  readonly ports: Pick<Ports, 'ledger' | 'log' | 'tracer'>;
  readonly publisher: EventPublisher;
}

/** Events that are under way at the same time. */
const BATCH = 50;
/** Longer than the wait for the answers, so that no other relay takes an event that is under way here. */
const LEASE_MS = 15_000;
const PUBLISH_LIMIT_MS = 10_000;
/** Events of other processes that share the ledger, and of those that ended before they sent theirs. */
const IDLE_MS = 5_000;

export class Relay implements AsyncDisposable {
  readonly #options: RelayOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #wake: () => void = () => {};
  #failures = 0;

  /** Starts at once. */
  constructor(options: RelayOptions) {
    this.#options = options;
    this.#running = this.#loop();
  }

  /** A draft was filed: look at the ledger now, unless a fault is being waited out. */
  wake(): void {
    if (this.#failures === 0) this.#wake();
  }

  /** Ends the wait for answers: events without one are sent again by whoever comes next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
    this.#wake();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const pauseMs = await this.#relay().catch((error: unknown) => this.#backOff(error));
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
  }

  /** @returns milliseconds until the next look */
  async #relay(): Promise<number> {
    const { ledger } = this.#options.ports;
    const events = await ledger.takeOutgoing(BATCH, LEASE_MS);
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(PUBLISH_LIMIT_MS)]);
    // Every event of the batch listens, to its connection and to its answer: no leak.
    setMaxListeners(2 * BATCH, signal);
    const outcomes = await Promise.allSettled(events.map((event) => this.#publish(event, signal)));
    const sent = events.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    if (sent.length > 0) await ledger.markSent(sent.map(({ eventId }) => eventId));
    for (const { studyInstanceUid } of sent) this.#options.ports.log.write('event-sent', { studyInstanceUid });
    const fault = outcomes.find((outcome) => outcome.status === 'rejected');
    if (sent.length > 0) this.#failures = 0;
    if (fault !== undefined) throw fault.reason;
    return events.length < BATCH ? IDLE_MS : 0;
  }

  #publish(event: FindingsReady, signal: AbortSignal): Promise<void> {
    const { ports, publisher } = this.#options;
    const { studyInstanceUid, traceparent } = event;
    const publish = (): Promise<void> => {
      const running = ports.tracer.traceparent();
      return publisher.publish({ ...event, ...(running !== undefined && { traceparent: running }) }, signal);
    };
    return ports.tracer.span('wetread.announce', { studyInstanceUid }, publish, traceparent);
  }

  /** @returns milliseconds until the next look */
  #backOff(error: unknown): number {
    if (this.#stopping.signal.aborted) return 0;
    const { delaysSeconds } = RETRIES['announcing findings'];
    const durationMs = delaysSeconds[Math.min(this.#failures, delaysSeconds.length - 1)]! * 1000;
    this.#failures += 1;
    const { code } = WetreadError.from(error);
    this.#options.ports.log.write('event-fault', { errorCode: code, attempt: this.#failures, durationMs });
    return durationMs;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
