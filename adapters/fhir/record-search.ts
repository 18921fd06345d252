/**
 * What one resource, or a search for those that have changed, says of studies. A search is the floor under every
 * notification: it starts where the one before ended, by the server's own clock, with an overlap for servers that index late.
 */
import { WetreadError } from '../../src/errors.ts';
import type { Log } from '../../src/ports.ts';
import type { FhirClient } from './client.ts';
import type { OrderedStudies } from './ordered-studies.ts';
import type { Notice, StudyNews } from './study-news.ts';
import { type Naming, orderOf, studyOf } from './subscribed-resource.ts';
import type { Subscribed, SubscribedType } from './subscription-notification.ts';
import type { SubscriptionState } from './subscription-state.ts';

export interface RecordSearchOptions {
  readonly client: FhirClient;
  /** R4 search criteria, such as `ImagingStudy?status=available`. */
  readonly criteria: readonly string[];
  readonly naming: Naming;
  readonly news: StudyNews;
  readonly orders: OrderedStudies;
  readonly log: Log;
  readonly source: string;
}

/** Where a round is at: what is known, who is told, and the time. */
export interface Round {
  readonly state: SubscriptionState;
  readonly notice: Notice;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

const OVERLAP_MS = 300_000;
/** Orders that wait for their images and are looked at again in one search. */
const MOST_ORDERS = 50;
/** After so many faults the search ends; it starts at the same place again. */
const MOST_FAULTS = 10;

export class RecordSearch {
  readonly #options: RecordSearchOptions;

  constructor(options: RecordSearchOptions) {
    this.#options = options;
  }

  /**
   * Everything that has changed since `state.since`, page by page. A study that cannot be told of holds up no other.
   * @returns the latest `meta.lastUpdated` that was seen
   * @throws the first fault, after the others were told of
   */
  async run(round: Round, lookbackMs: number): Promise<string | undefined> {
    const { client, criteria } = this.#options;
    const { state, nowMs, signal } = round;
    const fromMs = state.since === undefined ? nowMs - lookbackMs : Date.parse(state.since) - OVERLAP_MS;
    const changed = `_lastUpdated=ge${new Date(fromMs).toISOString()}`;
    const faults: unknown[] = [];
    let latest = state.since;
    for (const one of criteria) {
      const [type = '', condition = ''] = one.split('?');
      for await (const page of client.pages(type as SubscribedType, `${condition}&${changed}`, signal)) {
        await this.#takeAll(page, round, faults);
        for (const { meta } of page) latest = later(latest, meta?.lastUpdated);
      }
    }
    await this.#lookAgain(round, faults);
    if (faults.length > 0) throw faults[0];
    return latest;
  }

  /** What a notification names. @throws WetreadError `uid-invalid`, or why a hint could not be committed */
  async take(resource: Subscribed, round: Round): Promise<void> {
    if (resource.resourceType === 'ServiceRequest') return this.#takeOrder(resource, round);
    const study = studyOf(resource, this.#options.naming);
    if (study === undefined) return;
    const { news } = this.#options;
    await news.tell(round.state.said, study.hint.studyInstanceUid, study, round.notice, round.signal);
  }

  /** Fetches what a notification names by reference; what is gone since is no news. */
  async fetch(references: readonly string[], round: Round): Promise<readonly string[]> {
    const found: string[] = [];
    for (const type of ['ImagingStudy', 'ServiceRequest'] as const) {
      const ids = references.filter((one) => one.startsWith(`${type}/`)).map((one) => one.slice(type.length + 1));
      if (ids.length === 0) continue;
      const condition = new URLSearchParams({ _id: ids.join(',') }).toString();
      for await (const page of this.#options.client.pages(type, condition, round.signal)) {
        for (const resource of page) {
          found.push(`${type}/${resource.id}`);
          await this.take(resource, round);
        }
      }
    }
    return found;
  }

  async #takeAll(page: readonly Subscribed[], round: Round, faults: unknown[]): Promise<void> {
    for (const resource of page) {
      round.signal.throwIfAborted();
      await this.#takeChanged(resource, round).catch((cause: unknown) => {
        if (WetreadError.from(cause).code === 'uid-invalid') this.#tellRefused(resource, round.state.said);
        else faults.push(cause);
      });
      if (faults.length >= MOST_FAULTS) throw faults[0];
    }
  }

  /** An order that was looked into in this version is looked at again with those that wait, not here. */
  async #takeChanged(resource: Subscribed, round: Round): Promise<void> {
    if (resource.resourceType === 'ImagingStudy') return this.take(resource, round);
    const { key, version } = versionOf(resource);
    if (round.state.said.get(key) === version) return;
    await this.take(resource, round);
    round.state.said.set(key, version);
  }

  async #takeOrder(resource: Extract<Subscribed, { resourceType: 'ServiceRequest' }>, round: Round): Promise<void> {
    const { naming, orders, news } = this.#options;
    const { state, notice, nowMs, signal } = round;
    const order = orderOf(resource, naming);
    if (order === undefined) return void state.waiting.delete(`ServiceRequest/${resource.id}`);
    const { reference } = order;
    const studies = await orders.of(order, signal);
    for (const study of studies) {
      await news.tell(state.said, `${study.hint.studyInstanceUid} ${reference}`, study, notice, signal);
    }
    const seenAt = state.waiting.get(reference) ?? new Date(nowMs).toISOString();
    state.waiting.delete(reference);
    if (studies.length === 0) state.waiting.set(reference, seenAt);
  }

  /** Orders whose images may have come since. */
  async #lookAgain(round: Round, faults: unknown[]): Promise<void> {
    const { waiting } = round.state;
    const references = [...waiting.keys()].slice(0, MOST_ORDERS);
    if (references.length === 0) return;
    try {
      const found = new Set(await this.fetch(references, round));
      for (const reference of references) if (!found.has(reference)) waiting.delete(reference);
    } catch (error) {
      faults.push(error);
    }
  }

  /** Wrong until its server corrects it: told once in each version, and passed over. */
  #tellRefused(resource: Subscribed, said: Map<string, string>): void {
    const { log, source } = this.#options;
    const { key, version } = versionOf(resource);
    if (said.get(key) !== version) log.write('source-row-refused', { source, errorCode: 'uid-invalid', instances: 1 });
    said.set(key, version);
  }
}

function versionOf({ resourceType, id, meta }: Subscribed): { readonly key: string; readonly version: string } {
  return { key: `${resourceType}/${id}`, version: `${meta?.versionId ?? ''} ${meta?.lastUpdated ?? ''}` };
}

/** Servers write instants with different offsets and precision. */
function later(one: string | undefined, other: string | undefined): string | undefined {
  if (other === undefined || Number.isNaN(Date.parse(other))) return one;
  return one === undefined || Date.parse(other) > Date.parse(one) ? new Date(other).toISOString() : one;
}
