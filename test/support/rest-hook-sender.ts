/**
 * What a FHIR R4 server does with its Subscriptions (R4 Subscription, channel rest-hook), beside the FHIR server of the
 * tests: for every version of a resource that meets the criteria of one that is requested or active, it calls the endpoint with the
 * headers of the channel; a POST without a body, or, where there is a payload, a PUT of the resource below the endpoint. A call
 * that is not answered with 2xx is repeated; after that the Subscription is in error and is called no more.
 */
import type { FhirResource, Subscription } from 'fhir/r4.js';
import type { FhirServer } from './fhir-server.ts';

const TRIES = 3;

export class RestHookSender {
  readonly #server: FhirServer;
  /** Status of every answer, 0 where there was none. */
  readonly answers: number[] = [];

  constructor(server: FhirServer) {
    this.#server = server;
  }

  /** Creates or changes a resource, and resolves when those that are subscribed have been told, or were given up. */
  async publish<T extends FhirResource>(resource: T): Promise<T & { id: string }> {
    const written = await (resource.id === undefined
      ? this.#server.create(resource)
      : (this.#server.update(resource) as Promise<T & { id: string }>));
    for (const subscription of await this.#server.all<Subscription>('Subscription')) {
      const isOn = subscription.status === 'requested' || subscription.status === 'active';
      if (isOn && meets(written, subscription.criteria)) await this.#deliver(subscription, written);
    }
    return written;
  }

  async #deliver(subscription: Subscription, resource: FhirResource): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const status = await call(subscription, resource);
      this.answers.push(status);
      if (status >= 200 && status < 300) return this.#mark(subscription, 'active');
    }
    await this.#mark(subscription, 'error');
  }

  async #mark(subscription: Subscription, status: 'active' | 'error'): Promise<void> {
    if (subscription.status !== status) await this.#server.update({ ...subscription, status });
  }
}

async function call({ channel }: Subscription, resource: FhirResource): Promise<number> {
  const { endpoint = '', payload, header = [] } = channel;
  const headers = new Headers(header.map((line) => line.split(/:\s*/, 2) as [string, string]));
  if (payload !== undefined) headers.set('content-type', payload);
  const request =
    payload === undefined
      ? new Request(endpoint, { method: 'POST', headers })
      : new Request(`${endpoint}/${resource.resourceType}/${resource.id}`, {
          method: 'PUT',
          headers,
          body: JSON.stringify(resource),
        });
  return fetch(request).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => 0,
  );
}

/** Type, and elements that are compared as text: what the tests subscribe to. */
function meets(resource: FhirResource, criteria: string): boolean {
  const [type, condition = ''] = criteria.split('?');
  if (resource.resourceType !== type) return false;
  const elements = resource as unknown as Readonly<Record<string, unknown>>;
  return [...new URLSearchParams(condition)].every(([name, value]) => elements[name] === value);
}
