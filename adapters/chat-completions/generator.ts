/**
 * Client of servers of the OpenAI chat completions protocol (vLLM, llama.cpp, Ollama …): one prompt with pictures, one
 * answer by a JSON schema. What is sent is the request of the core, field by field; it holds nothing of a header.
 *
 * Nothing of an answer gets into a message but its status: a server may quote what it was sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { type Asked, Asking } from '../../src/asking.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Picture } from '../../src/inference/pictures.ts';
import type { TextRequest } from '../../src/inference/text-generation.ts';
import type { TextGenerator } from '../../src/ports.ts';
import { type Authorize, isBusy } from '../../src/remote-server.ts';
import { answerOf, modelsOf } from './answer.ts';
import { type Certificates, connectOptions, faultOf, MAX_ANSWER_BYTES } from './transport.ts';

export interface ChatServer {
  /** Without `/v1/chat/completions`. */
  readonly url: string;
  /** Outside the site. */
  readonly remote: boolean;
  /** Of images that may have text burned in and do not say so; a server inside the site gets them anyway. */
  readonly unmarkedImagesMayLeave?: boolean;
  /** Of one try, from the first byte sent to the last received. */
  readonly timeoutMs: number;
  readonly authorize?: Authorize;
  readonly tls?: Certificates;
}

export interface GeneratorOptions {
  /** By the names that model cards give them. */
  readonly servers: ReadonlyMap<string, ChatServer>;
  /** PNG of a picture, reduced where its longer edge has more pixels than `size`. */
  readonly encode: (picture: Picture, size: number) => Promise<Uint8Array>;
  /** How waits are waited, for tests. */
  readonly pause?: Asked['pause'];
}

export interface ChatCompletionsGenerator extends TextGenerator {
  /** Names of the models that the server has. */
  served(server: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Closes connections that are kept. */
  close(): Promise<void>;
}

export function chatCompletionsGenerator({ servers, encode, pause }: GeneratorOptions): ChatCompletionsGenerator {
  const opened = new Map([...servers].map(([name, server]) => [name, { server, dispatcher: dispatcherOf(server) }]));
  const named = (name: string): OpenServer => {
    const found = opened.get(name);
    if (found !== undefined) return found;
    throw new WetreadError('config-invalid', `inference.servers has no '${name}' of kind openai, which a model needs`);
  };
  return {
    isRemote: (name) => named(name).server.remote,
    takesUnmarked: (name) => {
      const { remote, unmarkedImagesMayLeave = false } = named(name).server;
      return !remote || unmarkedImagesMayLeave;
    },
    async generate(request, signal) {
      const body = await bodyOf(request, encode, signal);
      const asked = { method: 'POST', path: '/v1/chat/completions', body } as const;
      return answerOf(await ask(named(request.server), asked, signal, pause));
    },
    served: async (name, signal) =>
      modelsOf(await ask(named(name), { method: 'GET', path: '/v1/models' }, signal, pause)),
    async close() {
      await Promise.all([...opened.values()].map(({ dispatcher }) => dispatcher.close()));
    },
  };
}

interface OpenServer {
  readonly server: ChatServer;
  readonly dispatcher: Agent;
}

function dispatcherOf({ tls }: ChatServer): Agent {
  // The limit of a request is the one of the configuration: a model may think for longer than the limits of the package.
  const limits = { maxResponseSize: MAX_ANSWER_BYTES, headersTimeout: 0, bodyTimeout: 0 };
  return new Agent({ ...limits, ...(tls && { connect: connectOptions(tls) }) });
}

/** Text first, then the pictures in their order. */
async function bodyOf(request: TextRequest, encode: GeneratorOptions['encode'], signal: AbortSignal): Promise<string> {
  const content: object[] = [{ type: 'text', text: request.prompt }];
  for (const picture of request.pictures) {
    signal.throwIfAborted();
    const png = Buffer.from(await encode(picture, request.pictureSize));
    content.push({ type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } });
  }
  return JSON.stringify({
    model: request.model,
    messages: [{ role: 'user', content }],
    max_tokens: request.maximumTokens,
    temperature: request.temperature,
    seed: request.seed,
    n: 1,
    stream: false,
    response_format: { type: 'json_schema', json_schema: { name: 'report', strict: true, schema: request.schema } },
  });
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

/** @returns the body of the answer */
async function ask(
  { server, dispatcher }: OpenServer,
  { method, path, body }: Question,
  signal: AbortSignal,
  pause: Asked['pause'] = (ms, aborted) => sleep(ms, undefined, { signal: aborted }),
): Promise<string> {
  const { url, timeoutMs, authorize } = server;
  const asked: Asked = {
    name: 'The server of the model',
    refused: 'inference-failed',
    unreachable: 'inference-unreachable',
    pause,
    now: Date.now,
    ...(authorize && { authorize }),
  };
  const asking = new Asking(asked, { method, url: `${url.replace(/\/+$/, '')}${path}` }, signal);
  for (;;) {
    const headers = { ...(await asking.credentials()), accept: 'application/json', 'content-type': 'application/json' };
    const limit = AbortSignal.timeout(timeoutMs);
    const { origin, pathname, search } = asking.url;
    const sent = { origin, path: `${pathname}${search}`, method, headers, ...(body !== undefined && { body }) };
    const answer = await exchange(dispatcher, { ...sent, signal: AbortSignal.any([signal, limit]) }).catch(
      (cause: unknown) => {
        if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
        if (limit.aborted) throw new WetreadError('timeout', 'The server of the model took longer than its limit');
        throw faultOf(cause);
      },
    );
    if (answer.status === 200) return answer.text;
    if (!(await asking.again(answer.status, answer.field))) throw refusal(answer.status);
  }
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly field: (name: string) => string | undefined;
}

async function exchange(dispatcher: Agent, options: Parameters<Agent['request']>[0]): Promise<HttpAnswer> {
  const { statusCode, headers, body } = await dispatcher.request(options);
  const text = await body.text();
  const field = (name: string): string | undefined => [headers[name]].flat()[0];
  return { status: statusCode, text, field };
}

/**
 * Busy and absent servers are tried again with the study for as long as that takes; a fault of one that is there a few
 * times, because the same request may bring it about again; a request that a server understood and refused is not.
 */
function refusal(status: number): WetreadError {
  const message = `The server of the model answered ${status}`;
  if (isBusy(status)) return new WetreadError('overloaded', message);
  if (status === 408 || status > 500) return new WetreadError('inference-unreachable', message);
  const hint = HINTS[status];
  const told = hint === undefined ? message : `${message}: ${hint}`;
  return new WetreadError('inference-failed', told, { retryable: status === 500 });
}

const HINTS: Readonly<Record<number, string>> = {
  400: 'it may take fewer pictures or tokens, or know no JSON schema',
  401: 'check its credentials',
  403: 'check its credentials',
  404: 'it may serve no model of that name',
  413: 'it may take fewer or smaller pictures',
  500: 'its log says why; llama.cpp answers so where it cannot read what its model wrote, too',
};
