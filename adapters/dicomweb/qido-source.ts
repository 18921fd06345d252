/**
 * A PACS as a source of studies, by polling it with QIDO-RS (PS3.18 10.6). What a poll means is decided in
 * `src/arrival/polling.ts`; here the archive is asked, hints are given, and the ledger is told where the polling stands.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DateSlice,
  dayOf,
  horizonOf,
  pauseMs,
  quietInMs,
  sweepSlices,
  windowSlices,
} from '../../src/arrival/poll-schedule.ts';
import { NOTHING_SEEN, type PollState, readPollState, writePollState } from '../../src/arrival/poll-state.ts';
import { forget, judge, look, type SeenStudy, type StudyCounts, type StudyRow } from '../../src/arrival/polling.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Clock, Ledger, Log, StudySource } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type ChangeFeed, type FedChanges, readToEnd } from './change-feed.ts';
import { type HttpAccess, httpOptions } from './http.ts';
import { StudyListing } from './study-listing.ts';

export interface QidoSourceOptions extends HttpAccess {
  /** Default `qido`. */
  readonly name?: string;
  /** Name of the archive in its hints; none for the first one. */
  readonly archive?: string;
  readonly intervalMs: number;
  /** Studies of today and so many days before are looked for at every poll. */
  readonly windowDays: number;
  /** Studies of so many days are looked for at every sweep. */
  readonly sweepDays: number;
  readonly sweepMs: number;
  /** How far two looks at a study must lie apart, its counts unchanged, for it to be complete. */
  readonly quietMs: number;
  /** Studies that are asked for at the same time; default 2. */
  readonly concurrency?: number;
  readonly ports: { readonly ledger: Pick<Ledger, 'sourceState' | 'saveSourceState'>; log: Log; clock: Clock };
  /** The archive's own list of changes: asked at every poll, and days only at every sweep. */
  readonly feed?: ChangeFeed;
  /** From 0 to 1; default `Math.random`. */
  readonly chance?: () => number;
}

type Notice = (hint: StudyHint) => Promise<void>;

/** Studies that are judged, and those that are counted, in one poll; the next one takes the rest. */
const MOST_PER_POLL = 50;
/** A state that only got older is kept no more often than this. */
const SAVE_MS = 600_000;

export function qidoSource(options: QidoSourceOptions): StudySource {
  return new QidoSource(options);
}

class QidoSource implements StudySource {
  readonly name: string;
  readonly #options: QidoSourceOptions;
  readonly #listing: StudyListing;
  readonly #stateKey: string;
  readonly #chance: () => number;
  #state: PollState | undefined;
  #saved: { readonly studies: string; readonly atMs: number } | undefined;
  #idlePolls = 0;
  #feedIsFaulty = false;
  #failures = 0;

  constructor(options: QidoSourceOptions) {
    const http = httpOptions(options);
    const { origin, pathname } = new URL(http.url);
    this.name = options.name ?? 'qido';
    this.#options = options;
    // By its address, so that an archive that gets a name goes on from where it stands.
    this.#stateKey = `qido ${origin}${pathname}`;
    this.#chance = options.chance ?? Math.random;
    const { log } = options.ports;
    this.#listing = new StudyListing(http, {
      onStudy: (studyInstanceUid, { code }) =>
        log.write('source-fault', { source: this.name, studyInstanceUid, errorCode: code }),
      onRows: (instances) =>
        log.write('source-row-refused', { source: this.name, errorCode: 'uid-invalid', instances }),
    });
  }

  async run(notice: Notice, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = await this.#poll(notice, signal).catch((error: unknown) => this.#backOff(error, signal));
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }

  /** @returns milliseconds until the next poll */
  async #poll(notice: Notice, signal: AbortSignal): Promise<number> {
    const { clock } = this.#options.ports;
    const [startedMs, nowMs] = [clock.monotonicMs(), clock.now().getTime()];
    await this.#load();
    const settled = await this.#lookAround(nowMs, signal);
    const noticed = await this.#judgeAll(settled.slice(0, MOST_PER_POLL), notice, signal);
    await this.#finish(nowMs);
    if (this.#failures > 0) this.#options.ports.log.write('source-recovered', { source: this.name });
    this.#failures = 0;
    const waiting = [...this.#current.seen.values()].some(({ judged }) => !judged);
    this.#idlePolls = noticed || waiting ? 0 : this.#idlePolls + 1;
    const { intervalMs, quietMs } = this.#options;
    const quiet = quietInMs(this.#current.seen, clock.now().getTime(), Math.max(quietMs, 1));
    const tookMs = clock.monotonicMs() - startedMs;
    const pace = { intervalMs, idlePolls: this.#idlePolls, tookMs, ...(quiet !== undefined && { quietInMs: quiet }) };
    return pauseMs(pace, this.#chance());
  }

  get #current(): PollState {
    return this.#state ?? NOTHING_SEEN;
  }

  async #load(): Promise<void> {
    this.#state ??= readPollState(await this.#options.ports.ledger.sourceState(this.#stateKey));
  }

  /** The studies that changed, where the archive lists them, and the days that are due. @returns studies to judge */
  async #lookAround(nowMs: number, signal: AbortSignal): Promise<readonly StudyInstanceUid[]> {
    const changes = await this.#changes(signal);
    const { polledMs, changes: before, seen } = this.#current;
    const isFed = changes !== undefined && before !== undefined;
    const daysAreDue = !isFed || polledMs === undefined || Math.abs(nowMs - polledMs) >= this.#options.sweepMs;
    const waiting = [...seen].filter(([, { judged }]) => !judged).map(([study]) => study);
    const named = new Set([...(changes?.studies ?? []), ...(daysAreDue ? [] : waiting)]);
    const settled = await this.#lookAtEach(named, nowMs, signal);
    if (daysAreDue) settled.push(...(await this.#lookThrough(nowMs, signal)));
    // What has changed is remembered by now, so that a fault in judging it loses nothing.
    if (changes !== undefined) this.#state = { ...this.#current, changes: changes.cursor };
    return [...new Set(settled)];
  }

  /** What the archive lists as changed; undefined where it keeps no list, or does not give it: days are looked through then. */
  async #changes(signal: AbortSignal): Promise<Pick<FedChanges, 'studies' | 'cursor'> | undefined> {
    const { feed, ports } = this.#options;
    if (feed === undefined) return undefined;
    const source = `${this.name}:${feed.name}`;
    try {
      const changes = await readToEnd(feed, this.#current.changes, signal);
      if (this.#feedIsFaulty) ports.log.write('source-recovered', { source });
      this.#feedIsFaulty = false;
      return changes;
    } catch (error) {
      if (!signal.aborted && !this.#feedIsFaulty)
        ports.log.write('source-fault', { source, errorCode: WetreadError.from(error).code });
      this.#feedIsFaulty = true;
      return undefined;
    }
  }

  /** The window, and the sweep when it is due. @returns studies to judge, longest waiting first. */
  async #lookThrough(nowMs: number, signal: AbortSignal): Promise<readonly StudyInstanceUid[]> {
    const { windowDays, sweepDays, sweepMs } = this.#options;
    const { polledMs, sweptMs, seen } = this.#current;
    const settled = await this.#lookAt(windowSlices(nowMs, windowDays, polledMs, seen), nowMs, false, signal);
    this.#state = { ...this.#current, polledMs: nowMs };
    if (sweptMs !== undefined && Math.abs(nowMs - sweptMs) < sweepMs) return settled;
    const isFirst = sweptMs === undefined;
    const swept = await this.#lookAt(sweepSlices(nowMs, windowDays, sweepDays), nowMs, isFirst, signal);
    this.#state = { ...this.#current, sweptMs: nowMs };
    return [...settled, ...swept];
  }

  /** @param baseline what the first sweep finds was there before Wetread: it is not read by itself */
  async #lookAt(
    slices: readonly DateSlice[],
    nowMs: number,
    baseline: boolean,
    signal: AbortSignal,
  ): Promise<readonly StudyInstanceUid[]> {
    const counted = baseline ? Number.POSITIVE_INFINITY : MOST_PER_POLL;
    return this.#compare(await this.#listing.rows(slices, counted, signal), nowMs, baseline);
  }

  async #lookAtEach(
    studies: ReadonlySet<StudyInstanceUid>,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<StudyInstanceUid[]> {
    const rows: StudyRow[] = [];
    await this.#each(studies, async (study) => {
      const row = await this.#listing.row(study, signal);
      if (row !== undefined) rows.push(row);
    });
    return [...this.#compare(rows, nowMs, false)];
  }

  #compare(rows: readonly StudyRow[], nowMs: number, baseline: boolean): readonly StudyInstanceUid[] {
    const at = { nowMs, today: dayOf(nowMs), quietMs: this.#options.quietMs, baseline };
    const { seen, settled } = look(this.#current.seen, rows, at);
    this.#state = { ...this.#current, seen };
    return settled;
  }

  /** @returns whether a study was noticed. What was judged before a fault stays judged. */
  async #judgeAll(settled: readonly StudyInstanceUid[], notice: Notice, signal: AbortSignal): Promise<boolean> {
    const judged = new Map<StudyInstanceUid, SeenStudy>();
    let noticed = false;
    const judging = this.#each(settled, async (uid) => {
      const images = await this.#listing.images(uid, signal);
      if (images === undefined) return;
      const study = this.#current.seen.get(uid)!;
      const judgement = judge(study, images);
      if (judgement.notice) await notice(this.#hintOf(uid, study, images));
      noticed ||= judgement.notice;
      judged.set(uid, judgement.study);
    });
    await judging.finally(() => {
      this.#state = { ...this.#current, seen: new Map([...this.#current.seen, ...judged]) };
    });
    return noticed;
  }

  /** Some at the same time; rejects with the first fault, when all that were begun have ended. */
  async #each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const queue = [...items].values();
    const faults: unknown[] = [];
    const drain = async (): Promise<void> => {
      for (const item of queue) {
        if (faults.length > 0) return;
        await work(item);
      }
    };
    const fault = (error: unknown): unknown => faults.push(error);
    await Promise.all(Array.from({ length: this.#options.concurrency ?? 2 }, () => drain().catch(fault)));
    if (faults.length > 0) throw faults[0];
  }

  #hintOf(studyInstanceUid: StudyInstanceUid, { known }: SeenStudy, { instances }: StudyCounts): StudyHint {
    const { archive } = this.#options;
    return {
      studyInstanceUid,
      rung: 'counts-unchanged',
      ...(archive !== undefined && { archive }),
      // Of one that was seen before it is known that it has changed.
      ...(known === undefined && { instances }),
    };
  }

  /** Every hint is committed by now: where the polling stands may move on. */
  async #finish(nowMs: number): Promise<void> {
    const { windowDays, sweepDays, ports } = this.#options;
    const seen = forget(this.#current.seen, horizonOf(nowMs, windowDays, sweepDays), nowMs);
    this.#state = { ...this.#current, seen };
    const studies = writePollState({ seen });
    if (this.#saved?.studies === studies && Math.abs(nowMs - this.#saved.atMs) < SAVE_MS) return;
    await ports.ledger.saveSourceState(this.#stateKey, writePollState(this.#state));
    this.#saved = { studies, atMs: nowMs };
  }

  /** @returns milliseconds until the next try */
  #backOff(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0;
    const { delaysSeconds } = RETRIES['polling an archive that does not answer'];
    const seconds = delaysSeconds[Math.min(this.#failures, delaysSeconds.length - 1)]!;
    const durationMs = Math.round(seconds * 1000 * (0.9 + 0.2 * this.#chance()));
    this.#failures += 1;
    const { code } = WetreadError.from(error);
    this.#options.ports.log.write('source-fault', {
      source: this.name,
      errorCode: code,
      attempt: this.#failures,
      durationMs,
    });
    return durationMs;
  }
}
