/**
 * A worklist as a source of studies: work items that ask for a reading are claimed, performed and ended over UPS-RS
 * (PS3.18 section 11). Events on a WebSocket tell what is new; the truth is always asked of the server, and the whole
 * worklist is searched after every connect and again and again, because no server has to keep events for who is away.
 */
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Clock, Ledger, Log, StudySource } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';
import { EventSocket, type WorkitemEvent } from './event-socket.ts';
import type { HttpOptions } from './http.ts';
import { type KeyLedger, transactionUids } from './transaction-uids.ts';
import { keysOf, type WorkitemMatch } from './workitem.ts';
import { inTurn, WorkitemPerformer } from './workitem-performer.ts';
import { type Dialect, WorklistClient } from './worklist-client.ts';

export interface UpsSourceOptions extends Pick<HttpOptions, 'authorize' | 'tls'> {
  /** Of several, each has its own: a cancel request ends the studies of its own source only. Default `ups`. */
  readonly name?: string;
  /** Root of the worklist service, such as `http://127.0.0.1:8080/dcm4chee-arc/aets/WORKLIST/rs`. */
  readonly url: string;
  /** Default `standard`. */
  readonly dialect?: Dialect;
  /** As whom Wetread subscribes and claims; one for every ledger. */
  readonly aeTitle: string;
  readonly match: WorkitemMatch;
  /** Whether the server is to send events of matching items only; default `global`. */
  readonly subscription?: 'global' | 'filtered';
  /** Where events come from, where the server does not say it or says it wrongly. */
  readonly notificationUrl?: string;
  /** How long the server may take for an answer; default 30 s. */
  readonly timeoutMs?: number;
  /** How often the worklist is searched; default one minute. */
  readonly reconcileMs?: number;
  /** How often the ledger is asked how far the studies of claimed items are; default 1 s. */
  readonly followMs?: number;
  /** Items that are claimed and not ended, in this process; default 20. */
  readonly atOnce?: number;
  /** How long an item in progress is left to whoever may have claimed it; default 30 s. */
  readonly adoptAfterMs?: number;
  /** Name of the archive that holds the studies; the first one where absent. */
  readonly archive?: string;
  /** DICOMweb root of that archive, where results can be retrieved. */
  readonly resultsUrl?: string;
  readonly ports: {
    readonly ledger: Pick<Ledger, 'get' | 'move'> & KeyLedger;
    readonly log: Log;
    readonly clock: Clock;
  };
}

type Notice = Parameters<StudySource['run']>[0];

const DEFAULT_NAME = 'ups';
/** Scheduled Procedure Step Priority (0074,1200). */
const URGENCY: readonly string[] = ['HIGH', 'MEDIUM', 'LOW'];

export function upsSource(options: UpsSourceOptions): StudySource {
  const { name = DEFAULT_NAME } = options;
  return { name, run: (notice, signal) => new UpsRun({ ...options, name }, notice, signal).run() };
}

class UpsRun {
  readonly #options: UpsSourceOptions & { readonly name: string };
  readonly #notice: Notice;
  readonly #signal: AbortSignal;
  readonly #client: WorklistClient;
  readonly #http: HttpOptions;
  #performer: WorkitemPerformer | undefined;
  #socket: EventSocket | undefined;
  /** Why no events come, as long as that was not told. */
  #deafness: { readonly error: WetreadError; told: boolean } | undefined;
  /** Items that events have named. */
  readonly #named = new Set<string>();
  #reconcileAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #wake: () => void = () => {};

  constructor(options: UpsSourceOptions & { readonly name: string }, notice: Notice, signal: AbortSignal) {
    const { url, authorize, tls, aeTitle, dialect = 'standard', timeoutMs = 30_000 } = options;
    this.#options = options;
    this.#notice = notice;
    this.#signal = signal;
    this.#http = { timeoutMs, ...(authorize && { authorize }), ...(tls && { tls }) };
    this.#client = new WorklistClient({ url, dialect, aeTitle, ...this.#http });
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      const pause = await this.#round().catch((error: unknown) => this.#backOff(error));
      await this.#sleep(pause);
    }
    this.#socket?.[Symbol.dispose]();
  }

  /** @returns milliseconds until the next round, if no event comes before */
  async #round(): Promise<number> {
    const { clock } = this.#options.ports;
    this.#performer ??= await this.#createPerformer();
    const performer = this.#performer;
    if (clock.monotonicMs() >= this.#reconcileAtMs || performer.hasRoomForBacklog) await this.#reconcile(performer);
    const looks = [...this.#named].map((workitemUid) => () => performer.look(workitemUid, this.#signal));
    // What cannot be looked at now is found again by the search that follows a fault.
    this.#named.clear();
    // What fails when it is taken on has to wait for the next round.
    await inTurn([() => performer.proceed(this.#signal), ...looks], (step) => step());
    this.#recovered();
    if (performer.hasRoomForBacklog) return 0;
    const { followMs = 1000 } = this.#options;
    const untilReconcile = Math.max(this.#reconcileAtMs - clock.monotonicMs(), 0);
    return performer.isBusy ? Math.min(followMs, untilReconcile) : untilReconcile;
  }

  async #createPerformer(): Promise<WorkitemPerformer> {
    const { name, url, aeTitle, match, atOnce = 20, adoptAfterMs = 30_000, ports } = this.#options;
    const { origin, pathname } = new URL(url);
    // By its address, so that a worklist that gets a name keeps its locks.
    const stateKey = `ups ${origin}${pathname.replace(/\/+$/, '')} ${aeTitle}`;
    const transactionUid = await transactionUids(ports.ledger, stateKey, this.#signal);
    const { archive, resultsUrl } = this.#options;
    return new WorkitemPerformer({
      ...ports,
      client: this.#client,
      performer: { aeTitle, ...(resultsUrl !== undefined && { resultsUrl }) },
      match,
      atOnce,
      adoptAfterMs,
      transactionUid,
      notice: (hint) => this.#notice({ ...hint, ...(archive !== undefined && { archive }) }),
      source: name,
    });
  }

  /** Listens first: what comes after the socket is open is heard, what came before is found. */
  async #reconcile(performer: WorkitemPerformer): Promise<void> {
    await this.#listen();
    const keys = keysOf(this.#options.match);
    const ready = { ...keys, '00741000': 'SCHEDULED', '00404041': 'READY' };
    const scheduled = await this.#client.search(ready, this.#signal);
    const inProgress = await this.#client.search({ ...keys, '00741000': 'IN PROGRESS' }, this.#signal);
    for (const uid of performer.found(uidsOf(byUrgency(scheduled)), uidsOf(inProgress))) this.#named.add(uid);
    this.#reconcileAtMs = this.#options.ports.clock.monotonicMs() + (this.#options.reconcileMs ?? 60_000);
  }

  /** Without events the worklist is still searched, only less promptly; the socket is tried again every time. */
  async #listen(): Promise<void> {
    if (this.#socket?.isOpen === true) return;
    try {
      this.#socket = await this.#connect();
      this.#socket.listen(
        (event) => this.#heard(event),
        () => this.#deafened(),
      );
      this.#deafness = undefined;
    } catch (cause) {
      this.#signal.throwIfAborted();
      this.#deafness ??= { error: WetreadError.from(cause), told: false };
    }
  }

  /**
   * The socket is open before the subscription is made. Where events come from is known from the configuration, or
   * follows from the dialect; a server that names another place of its own is believed, and subscribed to once more.
   */
  async #connect(): Promise<EventSocket> {
    const { match, subscription = 'global', notificationUrl } = this.#options;
    const filter = subscription === 'filtered' ? keysOf(match) : undefined;
    const guess = notificationUrl ?? this.#guessedNotificationUrl();
    const socket = await this.#open(guess).catch(() => undefined);
    const named = await this.#client.subscribe(filter, this.#signal);
    if (socket !== undefined && (notificationUrl !== undefined || named === undefined || named === guess))
      return socket;
    const isUsable = named !== undefined && URL.canParse(named) && /^wss?:$/.test(new URL(named).protocol);
    if (!isUsable || notificationUrl !== undefined || !this.#isTrusted(named)) {
      if (socket !== undefined) return socket;
      throw new WetreadError('worklist-unreachable', 'No socket for events');
    }
    socket?.[Symbol.dispose]();
    const told = await this.#open(named);
    await this.#client.subscribe(filter, this.#signal);
    return told;
  }

  #open(url: string): Promise<EventSocket> {
    return EventSocket.open(url, this.#http, this.#signal);
  }

  /** An authorization goes to the configured host only, and not in the clear where that one is asked over TLS. */
  #isTrusted(url: string): boolean {
    const [named, configured] = [new URL(url), new URL(this.#options.url)];
    return named.hostname === configured.hostname && (configured.protocol === 'http:' || named.protocol === 'wss:');
  }

  #guessedNotificationUrl(): string {
    const { url, dialect, aeTitle } = this.#options;
    const root = url.replace(/\/+$/, '').replace(/^http/, 'ws');
    const service = dialect === 'dcm4chee' ? root.replace(/\/rs$/, '/ws') : root;
    return `${service}/subscribers/${encodeURIComponent(aeTitle)}`;
  }

  #heard({ workitemUid, type, state, reasonCode }: WorkitemEvent): void {
    const isHeld = this.#performer?.holds(workitemUid) === true;
    if (type === 'cancel-requested') this.#performer?.cancelRequested(workitemUid, reasonCode);
    else if (type === 'server-status') this.#reconcileAtMs = Number.NEGATIVE_INFINITY;
    // What is in progress is ours, and known, or that of others; only its end is news.
    else if (
      type === 'assigned' ||
      state === 'SCHEDULED' ||
      (isHeld && state !== undefined && state !== 'IN PROGRESS')
    ) {
      this.#named.add(workitemUid);
    } else return;
    this.#wake();
  }

  /** What happens from now on is heard by nobody: the socket is opened anew, and the worklist searched, at once. */
  #deafened(): void {
    this.#reconcileAtMs = Number.NEGATIVE_INFINITY;
    this.#wake();
  }

  #recovered(): void {
    const { name: source, ports } = this.#options;
    if (this.#failures > 0) ports.log.write('source-recovered', { source });
    this.#failures = 0;
    if (this.#deafness === undefined || this.#deafness.told) return;
    this.#deafness.told = true;
    ports.log.write('source-fault', { source, errorCode: this.#deafness.error.code });
  }

  /** @returns milliseconds until the next try */
  #backOff(error: unknown): number {
    if (this.#signal.aborted) return 0;
    const { delaysSeconds } = RETRIES['asking a worklist server that does not answer'];
    const seconds = delaysSeconds[Math.min(this.#failures, delaysSeconds.length - 1)]!;
    const durationMs = Math.round(seconds * 1000 * (0.9 + 0.2 * Math.random()));
    this.#failures += 1;
    this.#reconcileAtMs = Number.NEGATIVE_INFINITY;
    const { code: errorCode } = WetreadError.from(error);
    const { name: source, ports } = this.#options;
    ports.log.write('source-fault', { source, errorCode, attempt: this.#failures, durationMs });
    return durationMs;
  }

  /** An event ends the sleep, unless the server was away: then it is left in peace for as long as was said. */
  #sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, durationMs);
      this.#wake = this.#failures > 0 ? () => {} : wake;
      this.#signal.addEventListener('abort', wake);
      if (this.#signal.aborted || (this.#failures === 0 && this.#named.size > 0)) wake();
    });
  }
}

function byUrgency(items: readonly DicomDataSet[]): readonly DicomDataSet[] {
  const rank = (item: DicomDataSet): number => URGENCY.indexOf(stringOf(item, '00741200') ?? 'LOW');
  return items.toSorted((a, b) => rank(a) - rank(b));
}

function uidsOf(items: readonly DicomDataSet[]): readonly string[] {
  return items.flatMap((item) => stringOf(item, '00080018') ?? []);
}
