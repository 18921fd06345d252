/**
 * Makes and renews the Subscription at the FHIR server (R4 Subscription; with a topic, the profile
 * `backport-subscription` of hl7.fhir.uv.subscriptions-backport 1.1). Idempotent: it is known again by its endpoint and
 * its criteria, and is left alone while it is as it should be.
 */
import type { Subscription } from 'fhir/r4.js';
import { WetreadError } from '../../src/errors.ts';
import type { FhirClient } from './client.ts';

export interface SubscriptionWish {
  /** The address at which the server reaches Wetread. */
  readonly endpoint: string;
  /** One Subscription for each: R4 search criteria, such as `ImagingStudy?status=available`. */
  readonly criteria: readonly string[];
  /** Canonical of a SubscriptionTopic; the criteria then become its filters. */
  readonly topic?: string;
  /** How much of a resource the server may send: `id-only` with a topic alone. */
  readonly payload: 'empty' | 'id-only' | 'full-resource';
}

/** What a Subscription was before it was asked for anew. */
export type OnRequested = (state: 'missing' | 'changed' | 'ending' | 'error' | 'off') => void;

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const JSON_TYPE = 'application/fhir+json';
/** One that its server ends within this time is renewed. */
const RENEWED_BEFORE_MS = 24 * 3600 * 1000;

export class SubscriptionKeeper {
  readonly #client: FhirClient;
  readonly #wish: SubscriptionWish;
  readonly #onRequested: OnRequested;

  constructor(client: FhirClient, wish: SubscriptionWish, onRequested: OnRequested) {
    this.#client = client;
    this.#wish = wish;
    this.#onRequested = onRequested;
  }

  /** @throws WetreadError where the server does not answer, or takes no Subscription */
  async keep(authorization: string, nowMs: number, signal: AbortSignal): Promise<void> {
    const { endpoint, criteria } = this.#wish;
    const found: Subscription[] = [];
    const condition = new URLSearchParams({ url: endpoint }).toString();
    for await (const page of this.#client.pages('Subscription', condition, signal)) found.push(...page);
    for (const one of criteria) {
      const wanted = subscription(this.#wish, one, authorization);
      const present = found.find((existing) => isSame(existing, wanted));
      if (present === undefined) await this.#make(wanted, signal);
      else await this.#renew(present, wanted, nowMs, signal);
    }
  }

  /** Conditional, so that two replicas make one; several filters of one topic cannot be told apart by a condition. */
  async #make(wanted: Subscription, signal: AbortSignal): Promise<void> {
    const { endpoint, topic } = this.#wish;
    const condition = new URLSearchParams({ url: endpoint, criteria: wanted.criteria }).toString();
    await this.#client.create(wanted, topic === undefined ? condition : undefined, signal);
    this.#onRequested('missing');
  }

  async #renew(present: Subscription, wanted: Subscription, nowMs: number, signal: AbortSignal): Promise<void> {
    const { id, meta, end } = present;
    const state = stateOf(present, wanted, nowMs);
    if (state === undefined || id === undefined) return;
    try {
      const kept = { ...meta, ...wanted.meta };
      const ends = end === undefined ? {} : { end: new Date(nowMs + 30 * RENEWED_BEFORE_MS).toISOString() };
      await this.#client.update({ ...wanted, ...ends, id, meta: kept }, signal);
      this.#onRequested(state);
    } catch (error) {
      // Another replica was first.
      if (WetreadError.from(error).code !== 'conflict') throw error;
    }
  }
}

function subscription(wish: SubscriptionWish, criteria: string, authorization: string): Subscription {
  const { endpoint, topic, payload } = wish;
  const channel = {
    type: 'rest-hook' as const,
    endpoint,
    header: [`Authorization: ${authorization}`],
    ...(payload !== 'empty' && { payload: JSON_TYPE }),
  };
  const common = { resourceType: 'Subscription', status: 'requested', reason: 'Studies to be read' } as const;
  if (topic === undefined) return { ...common, criteria, channel };
  return {
    ...common,
    meta: { profile: [`${BACKPORT}/backport-subscription`] },
    criteria: topic,
    _criteria: { extension: [{ url: `${BACKPORT}/backport-filter-criteria`, valueString: criteria }] },
    channel: {
      ...channel,
      payload: JSON_TYPE,
      _payload: { extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: payload }] },
    },
  };
}

/** Of the same endpoint: a server may match a URL by its beginning. */
function isSame(one: Subscription, other: Subscription): boolean {
  return (
    one.channel.endpoint === other.channel.endpoint &&
    one.criteria === other.criteria &&
    filterOf(one) === filterOf(other)
  );
}

function filterOf({ _criteria }: Subscription): string | undefined {
  return _criteria?.extension?.find(({ url }) => url.endsWith('/backport-filter-criteria'))?.valueString;
}

/** Why it is asked for anew; undefined while it is as it should be. A server may keep headers to itself. */
function stateOf(present: Subscription, wanted: Subscription, nowMs: number): Parameters<OnRequested>[0] | undefined {
  const { status, channel, end } = present;
  if (status === 'error' || status === 'off') return status;
  const otherHeader = channel.header !== undefined && channel.header.join('\n') !== wanted.channel.header?.join('\n');
  if (otherHeader || channel.payload !== wanted.channel.payload) return 'changed';
  return end !== undefined && Date.parse(end) - nowMs < RENEWED_BEFORE_MS ? 'ending' : undefined;
}
