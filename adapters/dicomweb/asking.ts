/**
 * One request to the archive until it has an answer that counts: who asks is said anew, a redirect within the server is
 * followed, and a server that says when to come back is asked again then. Everything else is the caller's to judge.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { WetreadError } from '../../src/errors.ts';
import { type HeaderFields, isBusy, isRedirect, retryAfterSeconds, sameFields } from '../../src/remote-server.ts';
import { RETRIES } from '../../src/retry.ts';
import { faultOf } from './faults.ts';
import type { HttpOptions } from './http.ts';

const MAX_REDIRECTS = 3;

export class Asking {
  readonly #options: HttpOptions;
  readonly #method: 'GET' | 'POST';
  readonly #signal: AbortSignal;
  #url: URL;
  #credentials: HeaderFields = {};
  #redirects = 0;
  #waits = 0;
  #renewed = false;

  constructor(options: HttpOptions, method: 'GET' | 'POST', url: string, signal: AbortSignal) {
    this.#options = options;
    this.#method = method;
    this.#signal = signal;
    this.#url = new URL(url);
  }

  /** Where it goes next: the place of the last redirect. */
  get url(): URL {
    return this.#url;
  }

  /** Fields of the next try. @throws as {@link Authorize} */
  async credentials(): Promise<HeaderFields> {
    if (!this.#renewed) this.#credentials = await this.#authorized();
    return this.#credentials;
  }

  /**
   * Whether to ask again, after whatever wait the server asked for.
   * @param field a header field of the answer, by its name in lower case
   * @throws WetreadError `archive-refused` for a redirect that is not followed, `archive-unreachable` where the wait is too long
   */
  async again(status: number, field: (name: string) => string | undefined): Promise<boolean> {
    if (isRedirect(status)) {
      this.#follow(field('location'));
      return true;
    }
    if (status === 401) return this.#renew();
    return isBusy(status) && this.#waitAsTold(status, field('retry-after'));
  }

  #follow(location: string | undefined): void {
    const to = URL.parse(location ?? '', this.#url.href);
    this.#redirects += 1;
    const here = to?.origin === this.#url.origin && this.#redirects <= MAX_REDIRECTS;
    if (!here || location === undefined || this.#method !== 'GET')
      throw new WetreadError(
        'archive-refused',
        'The archive sent a request elsewhere; only the configured server is asked',
      );
    this.#url = to;
  }

  /** A token may have been withdrawn before its time: once others are asked for. */
  async #renew(): Promise<boolean> {
    if (this.#renewed) return false;
    const before = this.#credentials;
    this.#credentials = await this.#authorized(before);
    this.#renewed = true;
    return !sameFields(before, this.#credentials);
  }

  async #waitAsTold(status: number, field: string | undefined): Promise<boolean> {
    const seconds = retryAfterSeconds(field, Date.now());
    const { delaysSeconds, maximum } = RETRIES['asking a server that says when to come back (Retry-After)'];
    if (seconds === undefined) return false;
    this.#waits += 1;
    if (this.#waits > maximum || seconds > delaysSeconds[0])
      throw new WetreadError('archive-unreachable', `The archive answered ${status}`, { retryAfterSeconds: seconds });
    await this.#options.pause(seconds * 1000, this.#signal).catch((cause: unknown) => {
      throw faultOf(cause, this.#signal);
    });
    return true;
  }

  async #authorized(refused?: HeaderFields): Promise<HeaderFields> {
    const fields = (await this.#options.authorize?.(this.#signal, refused)) ?? {};
    try {
      for (const [name, value] of Object.entries(fields)) {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      }
    } catch {
      // The error of the check quotes what it checks.
      throw new WetreadError('config-invalid', 'The credentials for the archive fit in no header field');
    }
    return fields;
  }
}
