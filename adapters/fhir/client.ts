/**
 * Calls to a FHIR R4 server on fhir-kit-client, with what that package leaves open: credentials per call, certificates,
 * limits, and faults as WetreadError. Searches go as POST (FHIR R4 3.1.1.2), so that identifiers of patients reach no access log.
 *
 * Nothing of a server's answer gets into a message but its status: diagnostics quote patient data.
 */
import type { CapabilityStatement, FhirResource } from 'fhir/r4.js';
import { Client } from 'fhir-kit-client';
import { type Asked, Asking } from '../../src/asking.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { answerIn, askedOf, type FhirAccess, faultOf, fetchOptions } from './transport.ts';

export interface FhirClientOptions extends FhirAccess {
  /** Limit of one try of a call; 30 s where absent. */
  readonly timeoutMs?: number;
}

type RequestOptions = NonNullable<Parameters<Client['capabilityStatement']>[0]>;

const TIMEOUT_MS = 30_000;
/** More than an identifier can sensibly match; a full page is treated as what it is, many. */
export const PAGE = 50;
const MOST_PAGES = 10_000;

export class FhirClient {
  readonly #client: Client;
  readonly #url: string;
  readonly #server: Asked;
  readonly #timeoutMs: number;

  constructor(options: FhirClientOptions) {
    this.#url = options.url;
    this.#client = new Client({ baseUrl: options.url, requestOptions: fetchOptions(options) });
    this.#server = askedOf(options);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  async capabilityStatement(signal: AbortSignal): Promise<CapabilityStatement> {
    return (await this.#get('metadata', 'metadata', signal)) as CapabilityStatement;
  }

  /** The first page; resources that a server includes beside the matches are left out. */
  async search<Type extends FhirResource['resourceType']>(
    resourceType: Type,
    parameters: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly Extract<FhirResource, { resourceType: Type }>[]> {
    const searchParams = { ...parameters, _count: PAGE };
    const answer = await this.#call('search', signal, (options) =>
      this.#client.search({ resourceType, searchParams, options: { ...options, postSearch: true } }),
    );
    return matchesOf(resourceType, answer as unknown as Bundle);
  }

  /**
   * Every page of a search, one at a time; resources that a server includes beside the matches are left out.
   * @param condition is percent-encoded by the caller, such as `status=available`
   * @throws WetreadError `health-record-refused` where a page is said to lie at another server
   */
  async *pages<Type extends FhirResource['resourceType']>(
    resourceType: Type,
    condition: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Extract<FhirResource, { resourceType: Type }>[]> {
    const asked = new URLSearchParams(condition);
    asked.set('_count', `${PAGE}`);
    const searchParams = Object.fromEntries([...asked.keys()].map((name) => [name, asked.getAll(name)]));
    let answer = await this.#call('search', signal, (options) =>
      this.#client.search({ resourceType, searchParams, options: { ...options, postSearch: true } }),
    );
    for (let page = 1; ; page += 1) {
      const bundle = answer as unknown as Bundle;
      yield matchesOf(resourceType, bundle);
      const next = bundle.link?.find(({ relation }) => relation === 'next')?.url;
      if (next === undefined) return;
      this.#requireOwn(next, page);
      answer = (await this.#get('search', next, signal)) as typeof answer;
    }
  }

  /** @param ifNoneExist a condition (FHIR R4 3.1.0.8.1): what matches it already is left as it is */
  async create(resource: FhirResource, ifNoneExist: string | undefined, signal: AbortSignal): Promise<void> {
    const { resourceType } = resource;
    await this.#call('create', signal, ({ headers, ...options }) => {
      const condition = ifNoneExist === undefined ? {} : { 'if-none-exist': ifNoneExist };
      return this.#client.create({
        resourceType,
        body: resource as never,
        options: { ...options, headers: { ...headers, ...condition } },
      });
    });
  }

  /** @throws WetreadError `conflict` where another writer was first: the version that was read is the one that is replaced */
  async update(resource: FhirResource & { readonly id: string }, signal: AbortSignal): Promise<void> {
    const { resourceType, id, meta } = resource;
    await this.#call('update', signal, ({ headers, ...options }) => {
      const version = meta?.versionId === undefined ? {} : { 'if-match': `W/"${meta.versionId}"` };
      return this.#client.update({
        resourceType,
        id,
        body: resource as never,
        options: { ...options, headers: { ...headers, ...version } },
      });
    });
  }

  /** @param reference `Type/id` */
  async read(reference: string, signal: AbortSignal): Promise<FhirResource> {
    return (await this.#get('read', reference, signal)) as FhirResource;
  }

  /** @throws WetreadError `conflict` where a condition of the bundle fails (409, 412) */
  async transaction(bundle: Bundle, signal: AbortSignal): Promise<Bundle> {
    const body = bundle as unknown as Parameters<Client['transaction']>[0]['body'];
    const answer = await this.#call('transaction', signal, (options) => this.#client.transaction({ body, options }));
    return answer as unknown as Bundle;
  }

  /** The token must reach no other server, and a server whose pages never end must not hold the search for good. */
  #requireOwn(link: string, page: number): void {
    const base = new URL(this.#url);
    const own = URL.canParse(link) && new URL(link).origin === base.origin;
    if (!own || page >= MOST_PAGES) {
      throw new WetreadError('health-record-refused', 'The FHIR server names a next page that is not asked for');
    }
  }

  /** @param path below the base, or a whole URL */
  #get(interaction: string, path: string, signal: AbortSignal): Promise<unknown> {
    const url = URL.canParse(path) ? path : `${this.#url.replace(/\/+$/, '')}/${path}`;
    const asking = new Asking(this.#server, { method: 'GET', url }, signal);
    return this.#ask(interaction, asking, signal, (options) => this.#client.request(asking.url.href, { options }));
  }

  #call<T>(interaction: string, signal: AbortSignal, send: (options: RequestOptions) => Promise<T>): Promise<T> {
    return this.#ask(interaction, new Asking(this.#server, { method: 'POST', url: this.#url }, signal), signal, send);
  }

  async #ask<T>(
    interaction: string,
    asking: Asking,
    signal: AbortSignal,
    send: (options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const headers = await asking.credentials();
      const limit = AbortSignal.timeout(this.#timeoutMs);
      try {
        return await send({ signal: AbortSignal.any([signal, limit]), headers });
      } catch (cause) {
        if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
        if (limit.aborted)
          throw new WetreadError('timeout', `The FHIR server took longer than ${this.#timeoutMs} ms (${interaction})`);
        const answer = answerIn(cause);
        if (answer === undefined || !(await asking.again(answer.status, answer.field)))
          throw faultOf(cause, interaction);
      }
    }
  }
}

function matchesOf<Type extends FhirResource['resourceType']>(
  resourceType: Type,
  { entry = [] }: Bundle,
): readonly Extract<FhirResource, { resourceType: Type }>[] {
  return entry.flatMap(({ resource }) =>
    resource?.resourceType === resourceType ? [resource as Extract<FhirResource, { resourceType: Type }>] : [],
  );
}
