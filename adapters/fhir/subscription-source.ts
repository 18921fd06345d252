/**
 * A FHIR server as a source of studies: it calls when an ImagingStudy or a ServiceRequest comes or changes (rest-hook, R4
 * 3.2.6 Subscription, and the R5 framework's notifications), and it is searched at the start, after every fault or gap,
 * and every so often, because a call may be lost. A call is answered when its hints are committed.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WetreadError } from '../../src/errors.ts';
import type { Clock, Ledger, Log, StudySource } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';
import { FhirClient, type FhirClientOptions } from './client.ts';
import { type FindByAccession, OrderedStudies } from './ordered-studies.ts';
import { RecordSearch, type Round } from './record-search.ts';
import { type NewsPorts, type Notice, StudyNews } from './study-news.ts';
import type { Naming } from './subscribed-resource.ts';
import { SubscriptionKeeper, type SubscriptionWish } from './subscription-keeper.ts';
import { type Notification, readNotification } from './subscription-notification.ts';
import {
  forgetOldest,
  readSubscriptionState,
  type SubscriptionState,
  writeSubscriptionState,
} from './subscription-state.ts';

export interface SubscriptionSourceOptions extends FhirClientOptions {
  /** R4 search criteria, such as `ImagingStudy?status=available`: what is searched for, and subscribed to. */
  readonly criteria: readonly string[];
  /** The Subscription that Wetread makes and renews; without it an administrator has made one. */
  readonly subscription?: Omit<SubscriptionWish, 'criteria'>;
  /** What the server shows as `Authorization: Bearer …`; asked for at every use, so that it may be changed. */
  readonly secret: () => Promise<string>;
  /** How far apart two searches lie while nothing is missing. */
  readonly intervalMs: number;
  /** How far the very first search looks back. */
  readonly lookbackMs: number;
  readonly naming: Naming;
  readonly findByAccession: FindByAccession;
  readonly archive: NewsPorts['archive'];
  readonly ports: {
    readonly ledger: Pick<Ledger, 'sourceState' | 'saveSourceState' | 'get'>;
    readonly log: Log;
    readonly clock: Clock;
  };
  /** From 0 to 1; default `Math.random`. */
  readonly chance?: () => number;
}

/** What the server's calls are handed to. */
export interface NotificationTarget {
  /** @throws WetreadError `not-authenticated`; in constant time, so that an answer tells nothing of the secret */
  authenticate(authorization: string | undefined): Promise<void>;
  /**
   * Resolves when every hint of the notification is committed.
   * @param body parsed JSON; undefined where there was none
   * @throws WetreadError `request-invalid` or `uid-invalid` for what can never be taken; `overloaded` before the start
   */
  receive(body: unknown): Promise<void>;
  /** For the log: a call was not taken. */
  tellRefused(error: unknown): void;
}

export interface SubscriptionSource extends StudySource, NotificationTarget {}

export function fhirSubscriptionSource(options: SubscriptionSourceOptions): SubscriptionSource {
  return new FhirSubscriptionSource(options);
}

/** Shorter ones can be guessed. */
const SHORTEST_SECRET = 16;

/** @throws WetreadError `config-invalid` for what can be guessed, or cannot stand in a header */
export function requireSecret(secret: string): string {
  if (secret.length >= SHORTEST_SECRET && /^[\x21-\x7e]+$/.test(secret)) return secret;
  const wanted = `at least ${SHORTEST_SECRET} characters of ASCII, without spaces`;
  throw new WetreadError('config-invalid', `fhirSubscription.secretFile must hold ${wanted}`);
}

class FhirSubscriptionSource implements SubscriptionSource {
  readonly name = 'fhir-subscription';
  readonly #options: SubscriptionSourceOptions;
  readonly #search: RecordSearch;
  readonly #keeper: SubscriptionKeeper | undefined;
  readonly #stateKey: string;
  /** How many events each subscription has had. */
  readonly #events = new Map<string, number>();
  #running: { readonly notice: Notice; readonly signal: AbortSignal } | undefined;
  #state: Promise<SubscriptionState> | undefined;
  #searching: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #wake = new AbortController();
  #failures = 0;

  constructor(options: SubscriptionSourceOptions) {
    const { url, criteria, naming, ports, archive, subscription } = options;
    const client = new FhirClient(options);
    const { origin, pathname } = new URL(url);
    const { log } = ports;
    const source = this.name;
    this.#options = options;
    this.#stateKey = `${source} ${origin}${pathname.replace(/\/+$/, '')}`;
    const orders = new OrderedStudies(client, naming, options.findByAccession);
    const news = new StudyNews({ ledger: ports.ledger, archive });
    this.#search = new RecordSearch({ client, criteria, naming, news, orders, log, source });
    this.#keeper =
      subscription &&
      new SubscriptionKeeper(client, { ...subscription, criteria }, (state) => {
        log.write('subscription-requested', { source, state });
      });
  }

  async run(notice: Notice, signal: AbortSignal): Promise<void> {
    this.#running = { notice, signal };
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const pause = await this.#turn(signal).catch((error: unknown) => this.#backOff(error, signal));
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      await sleep(pause, undefined, { signal: woken }).catch(() => {});
    }
    this.#running = undefined;
    await this.#save().catch((error: unknown) => this.#tellFault(error));
  }

  async authenticate(authorization: string | undefined): Promise<void> {
    const expected = await this.#authorization();
    if (timingSafeEqual(digest(authorization ?? ''), digest(expected))) return;
    const error = new WetreadError('not-authenticated', 'The caller does not show the secret that was agreed on');
    this.#tellFault(error);
    throw error;
  }

  async receive(body: unknown): Promise<void> {
    const round = await this.#round();
    const notification = readNotification(body, this.#options.url);
    this.#count(notification);
    for (const resource of notification.resources) await this.#search.take(resource, round);
    await this.#search.fetch(notification.references, round);
    if (notification.unnamed) await this.#searchSoon();
  }

  tellRefused(error: unknown): void {
    this.#tellFault(error);
  }

  /** Renews, then searches: nothing falls between. @returns milliseconds until the next turn */
  async #turn(signal: AbortSignal): Promise<number> {
    const { ports, intervalMs, chance = Math.random } = this.#options;
    const refused = await this.#keep(signal).catch((error: unknown) => ({ error }));
    await this.#searchSoon();
    if (refused !== undefined) throw refused.error;
    if (this.#failures > 0) ports.log.write('source-recovered', { source: this.name });
    this.#failures = 0;
    return intervalMs * (0.9 + 0.2 * chance());
  }

  async #keep(signal: AbortSignal): Promise<undefined> {
    if (this.#keeper === undefined) return undefined;
    await this.#keeper.keep(await this.#authorization(), this.#options.ports.clock.now().getTime(), signal);
    return undefined;
  }

  /** A search that begins from now on; callers that come while one is running share the one after it. */
  #searchSoon(): Promise<void> {
    this.#next ??= this.#searching
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#searching = this.#searchNow();
        return this.#searching;
      });
    return this.#next;
  }

  async #searchNow(): Promise<void> {
    const round = await this.#round();
    const since = await this.#search.run(round, this.#options.lookbackMs);
    // Nothing has ever changed there: the next search looks back as far.
    const found = since === undefined ? {} : { since };
    this.#state = Promise.resolve({ ...round.state, ...found });
    await this.#save();
  }

  async #round(): Promise<Round> {
    if (this.#running === undefined) throw new WetreadError('overloaded', 'Wetread is starting or stopping');
    const { notice, signal } = this.#running;
    signal.throwIfAborted();
    return { state: await this.#load(), notice, signal, nowMs: this.#options.ports.clock.now().getTime() };
  }

  async #load(): Promise<SubscriptionState> {
    this.#state ??= this.#options.ports.ledger.sourceState(this.#stateKey).then(readSubscriptionState);
    try {
      return await this.#state;
    } catch (error) {
      this.#state = undefined;
      throw error;
    }
  }

  /** After every search: what was said since is said once more after a crash, and nothing is lost. */
  async #save(): Promise<void> {
    if (this.#state === undefined) return;
    const { ledger, clock, log } = this.#options.ports;
    const state = await this.#state;
    const givenUp = forgetOldest(state, clock.now().getTime());
    if (givenUp > 0) log.write('source-fault', { source: this.name, errorCode: 'overloaded' });
    await ledger.saveSourceState(this.#stateKey, writeSubscriptionState(state));
  }

  /** Events that were lost on the way, or a subscription in error, are a reason to look at once. */
  #count({ kind, subscription = '', firstEvent, events, faulty }: Notification): void {
    const known = this.#events.get(subscription) ?? 0;
    const missing = kind === 'event' ? (firstEvent ?? events ?? 0) > known + 1 : (events ?? 0) > known;
    if (events !== undefined) this.#events.set(subscription, kind === 'handshake' ? events : Math.max(known, events));
    if (missing || faulty === true) this.#wake.abort();
  }

  async #authorization(): Promise<string> {
    return `Bearer ${requireSecret(await this.#options.secret())}`;
  }

  /** @returns milliseconds until the next try */
  #backOff(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0;
    const { chance = Math.random } = this.#options;
    const { delaysSeconds } = RETRIES['searching a FHIR server that does not answer'];
    const seconds = delaysSeconds[Math.min(this.#failures, delaysSeconds.length - 1)]!;
    const durationMs = Math.round(seconds * 1000 * (0.9 + 0.2 * chance()));
    this.#failures += 1;
    this.#tellFault(error, { attempt: this.#failures, durationMs });
    return durationMs;
  }

  #tellFault(error: unknown, about: { readonly attempt?: number; readonly durationMs?: number } = {}): void {
    const { code } = WetreadError.from(error);
    this.#options.ports.log.write('source-fault', { source: this.name, errorCode: code, ...about });
  }
}

/** Digests are of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
