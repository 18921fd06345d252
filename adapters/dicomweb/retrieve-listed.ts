/**
 * A series from the archive: every instance that a search listed, each once, and no other. Where the transfer of the
 * series breaks, what has come is kept, and what is missing is fetched instance by instance. What came into the archive
 * after the search is left: the study is noticed again for it, and read as a whole.
 */
import { WetreadError } from '../../src/errors.ts';
import { isSkipped, type Skipped } from '../../src/reasons.ts';
import { RETRIES } from '../../src/retry.ts';
import type { SopInstanceUid } from '../../src/uid.ts';
import { faultOf } from './faults.ts';
import type { HttpOptions } from './http.ts';
import type { MultipartLimits } from './multipart.ts';
import type { PartMemory } from './part-memory.ts';
import { retrieveParts } from './retrieve.ts';

export interface ListedSeries {
  readonly http: HttpOptions;
  /** WADO-RS address of the series. */
  readonly url: string;
  readonly expected: readonly SopInstanceUid[];
  readonly identify: (bytes: Uint8Array) => { readonly sopInstanceUid: string } | Skipped;
  readonly limits: MultipartLimits;
  readonly memory: PartMemory;
}

/** Requests for single instances under way at once; each holds one instance in memory. */
const CONCURRENCY = 4;
/** An archive may hold a little more than it listed; one that sends without end is cut off. */
const MOST_UNLISTED = 1000;

/**
 * @throws WetreadError `archive-truncated` where the archive does not give an instance that it listed; where the transfer
 * broke and could not be resumed, what it broke with
 */
export async function* retrieveListed(
  series: ListedSeries,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const arrivals = new Arrivals(series);
  const { http, url, memory } = series;
  const limits = {
    ...series.limits,
    maxParts: Math.min(series.limits.maxParts, arrivals.missing.size + MOST_UNLISTED),
  };
  let failed: WetreadError | undefined;
  try {
    for await (const bytes of retrieveParts(http, url, limits, signal, memory)) if (arrivals.take(bytes)) yield bytes;
  } catch (cause) {
    failed = WetreadError.from(cause);
    // Where nothing came there is nothing to keep: the study is read again from its start.
    if (signal.aborted || !failed.retryable || arrivals.isNone) throw failed;
  }
  if (arrivals.isWhole) return;
  if (arrivals.isNone) throw arrivals.truncated();
  yield* fetchMissing(series, arrivals, failed ?? arrivals.truncated(), signal);
}

/** Tries again for as long as instances come; without any, as often as the retry table says. */
async function* fetchMissing(
  series: ListedSeries,
  arrivals: Arrivals,
  failed: WetreadError,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { delaysSeconds, maximum } = RETRIES['fetching the rest of a broken retrieve'];
  let fault: WetreadError | undefined = failed;
  for (let idle = 0; fault !== undefined && !arrivals.isWhole; ) {
    if (idle === maximum) throw fault;
    await pause(series.http, delaysSeconds[idle]!, signal);
    const before = arrivals.missing.size;
    fault = yield* fetchEach(series, arrivals, signal);
    idle = arrivals.missing.size < before ? 0 : idle + 1;
  }
  if (!arrivals.isWhole) throw arrivals.truncated();
}

interface Fetched {
  readonly uid: string;
  /** Undefined where the archive has none, or the transfer broke. */
  readonly bytes?: Uint8Array | undefined;
  readonly fault?: unknown;
}

/** One round over what is missing, in the order in which it comes. @returns what a transfer broke with, if one did */
async function* fetchEach(
  series: ListedSeries,
  arrivals: Arrivals,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, WetreadError | undefined, undefined> {
  const left = new AbortController();
  const either = AbortSignal.any([signal, left.signal]);
  const queue = [...arrivals.missing].values();
  const running = new Map<string, Promise<Fetched>>();
  let fault: WetreadError | undefined;
  const start = (): void => {
    const { value: uid } = queue.next();
    if (uid !== undefined) running.set(uid, fetchOne(series, uid, either));
  };
  try {
    for (let started = 0; started < CONCURRENCY; started += 1) start();
    while (running.size > 0) {
      const fetched = await Promise.race(running.values());
      running.delete(fetched.uid);
      if (fetched.fault !== undefined) {
        const cause = faultOf(fetched.fault, signal);
        if (signal.aborted || !cause.retryable) throw cause;
        fault ??= cause;
      } else if (fetched.bytes !== undefined && arrivals.takeAsked(fetched.uid, fetched.bytes)) yield fetched.bytes;
      // A server that breaks off one transfer is not asked for more before the wait.
      if (fault === undefined) start();
    }
    return fault;
  } finally {
    left.abort();
    await Promise.all(running.values());
  }
}

async function fetchOne(
  { http, url, limits, memory }: ListedSeries,
  uid: string,
  signal: AbortSignal,
): Promise<Fetched> {
  try {
    for await (const bytes of retrieveParts(http, `${url}/instances/${uid}`, limits, signal, memory))
      return { uid, bytes };
    return { uid };
  } catch (fault) {
    return { uid, fault };
  }
}

async function pause({ pause: wait }: HttpOptions, seconds: number, signal: AbortSignal): Promise<void> {
  await wait(seconds * 1000, signal).catch((cause: unknown) => {
    throw faultOf(cause, signal);
  });
}

/** Which instances have come: an instance that comes twice is taken once. */
class Arrivals {
  readonly missing: Set<string>;
  readonly #series: ListedSeries;
  readonly #listed: ReadonlySet<string>;
  readonly #taken = new Set<string>();
  /** What cannot be identified is named by the reader of the bytes, with its reason; here it is only not missing. */
  #unidentified = 0;

  constructor(series: ListedSeries) {
    this.#series = series;
    this.#listed = new Set(series.expected);
    this.missing = new Set(series.expected);
  }

  get isNone(): boolean {
    return this.#taken.size + this.#unidentified === 0;
  }

  get isWhole(): boolean {
    return this.missing.size <= this.#unidentified;
  }

  /** @returns whether the bytes are new; those that are not go back to the memory they came from */
  take(bytes: Uint8Array): boolean {
    const identity = this.#series.identify(bytes);
    if (isSkipped(identity)) {
      this.#unidentified += 1;
      return true;
    }
    const { sopInstanceUid } = identity;
    if (!this.#listed.has(sopInstanceUid)) {
      this.#series.memory.giveBack(bytes);
      return false;
    }
    this.missing.delete(sopInstanceUid);
    return this.#note(sopInstanceUid, bytes);
  }

  /** The same for bytes that were asked for by their UID: where they cannot be identified, they may have come before. */
  takeAsked(uid: string, bytes: Uint8Array): boolean {
    if (!isSkipped(this.#series.identify(bytes))) return this.take(bytes);
    this.missing.delete(uid);
    if (this.#unidentified === 0) return this.#note(uid, bytes);
    this.#unidentified -= 1;
    this.#series.memory.giveBack(bytes);
    return false;
  }

  truncated(): WetreadError {
    return new WetreadError('archive-truncated', `${this.missing.size} instances of a series did not come`);
  }

  #note(uid: string, bytes: Uint8Array): boolean {
    const isNew = !this.#taken.has(uid);
    if (isNew) this.#taken.add(uid);
    else this.#series.memory.giveBack(bytes);
    return isNew;
  }
}
