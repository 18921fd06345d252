/** Access tokens for as long as they hold: one is fetched at a time, before the one in use ends. */
import { WetreadError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';

export interface AccessToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

/** A token is renewed so long before its end, or after four fifths of its life where that is shorter. */
const RENEW_BEFORE_MS = 60_000;

interface Held {
  readonly token: string;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

export class AccessTokens {
  readonly #fetch: () => Promise<AccessToken>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #held: Held | undefined;
  #fetching: Promise<Held> | undefined;

  /** @param fetch gives up by itself: it serves every request that waits, whichever of them is given up */
  constructor(fetch: () => Promise<AccessToken>, clock: Pick<Clock, 'monotonicMs'>) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** @param refused a token that a server did not take: another one is fetched, unless that has happened already */
  async token(signal: AbortSignal, refused?: string): Promise<string> {
    if (refused !== undefined && this.#held?.token === refused) this.#held = undefined;
    const held = this.#held;
    const nowMs = this.#clock.monotonicMs();
    if (held !== undefined && nowMs < held.renewAtMs) return held.token;
    try {
      return (await unlessAborted(this.#renewed(), signal)).token;
    } catch (cause) {
      // The token in use is good for a while: the authorization server has that long to come back.
      if (held === undefined || signal.aborted || this.#clock.monotonicMs() >= held.endsAtMs) throw cause;
      return held.token;
    }
  }

  #renewed(): Promise<Held> {
    this.#fetching ??= this.#renew().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #renew(): Promise<Held> {
    const askedAtMs = this.#clock.monotonicMs();
    const { token, expiresInSeconds } = await this.#fetch();
    const lifeMs = expiresInSeconds * 1000;
    const renewAtMs = askedAtMs + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs * 0.8);
    this.#held = { token, renewAtMs, endsAtMs: askedAtMs + lifeMs };
    return this.#held;
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(WetreadError.from(signal.reason, 'timeout'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  return result;
}
