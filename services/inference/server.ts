/** The Open Inference Protocol v2 over HTTP. Health answers at all times: runs happen in another process. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ERROR_CODES, WetreadError } from '../../src/errors.ts';
import { type Answer, answerToFault, json, refusal, text } from './answer.ts';
import { readText } from './http-body.ts';
import { inferOverHttp } from './http-infer.ts';
import type { Protocol } from './protocol.ts';

/** A body must have arrived by then; a client that stalls does not hold its memory for longer. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Longer than the pauses of a client between studies in a row, so that its connection is still good. */
const KEEP_ALIVE_MS = 60_000;

export interface ServerParts {
  readonly protocol: Protocol;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Groups of the route's pattern, decoded. */
  readonly groups: Readonly<Record<string, string | undefined>>;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly pattern: RegExp;
  answer(parts: ServerParts, exchange: Exchange): Answer | Promise<Answer>;
}

const MODEL = '/v2/models/(?<name>[^/]+)(?:/versions/(?<version>[^/]+))?';

const ROUTES: readonly Route[] = [
  { method: 'GET', pattern: /^\/v2\/health\/live$/, answer: () => json(200, { live: true }) },
  { method: 'GET', pattern: /^\/v2\/health\/ready$/, answer: () => json(200, { ready: true }) },
  { method: 'GET', pattern: /^\/v2\/?$/, answer: ({ protocol }) => json(200, protocol.server()) },
  { method: 'GET', pattern: /^\/metrics$/, answer: async ({ metrics }) => text(200, await metrics()) },
  {
    method: 'GET',
    pattern: /^\/v2\/models\/stats$/,
    answer: ({ protocol }) => json(200, { model_stats: protocol.statistics() }),
  },
  {
    method: 'GET',
    pattern: new RegExp(`^${MODEL}/stats$`),
    answer: ({ protocol }, { groups }) =>
      json(200, { model_stats: protocol.statistics(groups['name'], groups['version']) }),
  },
  { method: 'GET', pattern: new RegExp(`^${MODEL}/ready$`), answer: readiness },
  {
    method: 'POST',
    pattern: new RegExp(`^${MODEL}/infer$`),
    answer: ({ protocol }, { request, response, groups }) =>
      inferOverHttp(protocol, protocol.find(groups['name'], groups['version']), request, response),
  },
  {
    method: 'GET',
    pattern: new RegExp(`^${MODEL}$`),
    answer: async ({ protocol }, { groups }) => json(200, await protocol.model(groups['name'], groups['version'])),
  },
  {
    method: 'POST',
    pattern: /^\/v2\/repository\/index$/,
    answer: async ({ protocol }, { request }) => json(200, protocol.index(await objectIn(request))),
  },
  {
    method: 'POST',
    pattern: /^\/v2\/repository\/models\/(?<name>[^/]+)\/(?<action>load|unload)$/,
    answer: async ({ protocol }, { groups }) => {
      await (groups['action'] === 'load' ? protocol.load(groups['name']) : protocol.unload(groups['name']));
      return json(200, {});
    },
  },
  {
    method: 'GET',
    pattern: /^\/v2\/systemsharedmemory(?:\/region\/(?<name>[^/]+))?\/status$/,
    answer: ({ protocol }, { groups }) => json(200, protocol.sharedMemory().status(groups['name'])),
  },
  {
    method: 'POST',
    pattern: /^\/v2\/systemsharedmemory\/region\/(?<name>[^/]+)\/register$/,
    answer: async ({ protocol }, { request, groups }) => {
      const { key, offset = 0, byte_size: size } = (await objectIn(request)) as Partial<Record<string, unknown>>;
      const region = { key: String(key), offset: Number(offset), byte_size: Number(size) };
      protocol.sharedMemory().register({ name: groups['name'] ?? '', ...region });
      return json(200, {});
    },
  },
  {
    method: 'POST',
    pattern: /^\/v2\/systemsharedmemory(?:\/region\/(?<name>[^/]+))?\/unregister$/,
    answer: ({ protocol }, { groups }) => {
      protocol.sharedMemory().unregister(groups['name']);
      return json(200, {});
    },
  },
];

export function inferenceServer(parts: ServerParts): Server {
  const options = { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true };
  return createServer(options, (request, response) => {
    answer(parts, request, response)
      .catch((fault: unknown) => {
        parts.protocol.report(fault);
        return answerToFault(fault);
      })
      .then((given) => write(response, given))
      .catch(() => response.destroy());
  });
}

async function write(response: ServerResponse, { status, headers, chunks }: Answer): Promise<void> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  response.writeHead(status, { ...headers, 'content-length': length });
  for (const chunk of chunks) response.write(chunk);
  response.end();
}

async function answer(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const route = ROUTES.find(({ pattern }) => pattern.test(path));
  if (route === undefined) return refusal(404, 'No such address');
  if (request.method !== route.method) {
    return refusal(405, `Only ${route.method} is possible here`, { allow: route.method });
  }
  const found = Object.entries(route.pattern.exec(path)?.groups ?? {});
  const groups = Object.fromEntries(found.map(([name, segment]) => [name, decoded(segment)]));
  return route.answer(parts, { request, response, groups });
}

function decoded(segment: string | undefined): string | undefined {
  try {
    return segment === undefined ? undefined : decodeURIComponent(segment);
  } catch {
    throw new WetreadError('request-invalid', 'The address is not valid');
  }
}

/** The settings of a body that may be absent. @throws WetreadError `request-invalid` */
async function objectIn(request: IncomingMessage): Promise<object> {
  const body = await readText(request);
  if (body.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new WetreadError('request-invalid', 'The body is not JSON');
  }
  if (typeof value !== 'object' || value === null)
    throw new WetreadError('request-invalid', 'The body is not an object');
  return value;
}

/** A refused model says why; it does not become ready by waiting, hence no 503. */
function readiness({ protocol }: ServerParts, { groups }: Exchange): Answer {
  const model = protocol.find(groups['name'], groups['version']);
  const objection = protocol.objection(model);
  if (objection === undefined) return json(200, { name: model.name, ready: true });
  const { httpStatus } = ERROR_CODES[objection.code];
  return json(httpStatus, { name: model.name, ready: false, error: objection.message });
}
