/**
 * One request to a foreign server until it has an answer that counts: who asks is said anew, a redirect within the server
 * is followed, and a server that says when to come back is asked again then. Everything else is the caller's to judge.
 */
import { type ErrorCode, WetreadError } from './errors.ts';
import {
  type Authorize,
  type HeaderFields,
  isBusy,
  isRedirect,
  retryAfterSeconds,
  sameFields,
} from './remote-server.ts';
import { RETRIES } from './retry.ts';

/** A server as its adapter knows it. */
export interface Asked {
  /** As a sentence begins with it, such as `The archive`. */
  readonly name: string;
  readonly refused: ErrorCode;
  readonly unreachable: ErrorCode;
  readonly authorize?: Authorize;
  /** Rejects when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
}

export interface Request {
  /** A redirect is followed for GET alone: nothing that is sent goes to a place that nobody configured. */
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
}

const MAX_REDIRECTS = 3;
/** RFC 9110 5.1 and 5.5: a field that would break out of its line is none. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export class Asking {
  readonly #server: Asked;
  readonly #method: Request['method'];
  readonly #signal: AbortSignal;
  #url: URL;
  #credentials: HeaderFields = {};
  #redirects = 0;
  #waits = 0;
  #renewed = false;

  constructor(server: Asked, { method, url }: Request, signal: AbortSignal) {
    this.#server = server;
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
   * @throws WetreadError the code for refused where a redirect is not followed, for unreachable where the wait is too long
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
    const to = location === undefined ? null : URL.parse(location, this.#url.href);
    this.#redirects += 1;
    const isHere = to?.origin === this.#url.origin && this.#redirects <= MAX_REDIRECTS;
    if (!isHere || this.#method !== 'GET') {
      const { refused, name } = this.#server;
      throw new WetreadError(refused, `${name} sent a request elsewhere; only the configured server is asked`);
    }
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
    const { name, unreachable, pause, now } = this.#server;
    const seconds = retryAfterSeconds(field, now());
    if (seconds === undefined) return false;
    const { delaysSeconds, maximum } = RETRIES['asking a server that says when to come back (Retry-After)'];
    this.#waits += 1;
    if (this.#waits > maximum || seconds > delaysSeconds[0])
      throw new WetreadError(unreachable, `${name} answered ${status}`, { retryAfterSeconds: seconds });
    await pause(seconds * 1000, this.#signal).catch((cause: unknown) => {
      throw WetreadError.from(this.#signal.aborted ? this.#signal.reason : cause, 'timeout');
    });
    return true;
  }

  async #authorized(refused?: HeaderFields): Promise<HeaderFields> {
    const { authorize, name } = this.#server;
    const fields = (await authorize?.(this.#signal, refused)) ?? {};
    const isSound = Object.entries(fields).every(([key, value]) => FIELD_NAME.test(key) && FIELD_VALUE.test(value));
    if (!isSound)
      throw new WetreadError('config-invalid', `${name} is to be asked with credentials that fit in no header`);
    return fields;
  }
}
