/**
 * A small server of the chat completions protocol that looks at the pictures that it is sent: how much of each is dark
 * decides what it writes. It takes nothing that the protocol does not know, and misbehaves when told to.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Raster } from '../../adapters/rendering/raster.ts';
import { readPng } from './pictures.ts';

export interface ChatRequest {
  readonly headers: IncomingMessage['headers'];
  /** As it came over the wire. */
  readonly raw: string;
  readonly prompt: string;
  readonly pictures: readonly Raster[];
  readonly body: ChatBody;
}

interface ChatBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly messages: readonly [{ readonly role: string; readonly content: readonly Part[] }];
  readonly response_format: { readonly json_schema: { readonly schema: AnswerSchema } };
}
type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };
interface AnswerSchema {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, { readonly items?: SentenceSchema }>>;
}
interface SentenceSchema {
  readonly properties: { readonly label: { readonly enum: readonly (string | null)[] } };
}

/** What it does in place of an honest answer. */
export type Misbehaviour =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly times?: number }
  | { readonly content: string | null; readonly finish?: string; readonly refusal?: string }
  | { readonly text: string }
  | { readonly hang: true }
  | { readonly drop: true };

export interface ChatServer {
  readonly url: string;
  /** Requests that it took, oldest first. */
  readonly requests: ChatRequest[];
  /** Bodies of all requests, also of those that it refused. */
  readonly bodies: string[];
  misbehave: Misbehaviour | undefined;
  close(this: void): void;
}

export const CHAT_MODEL = 'shades-of-grey';
export const CHAT_TOKEN = 'chat-token-1';
/** Darker pixels count as air. */
const DARK = 40;
/** A picture with more air inside the middle than this shows it. */
const MUCH = 0.12;
const MOST_PICTURES = 100;

export async function startChatServer(): Promise<ChatServer> {
  const server = createServer((request, response) => {
    void answer(state, request, response);
  });
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  const state: ChatServer = { url: '', requests: [], bodies: [], misbehave: undefined, close };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function answer(state: ChatServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const raw = Buffer.concat(chunks).toString();
  state.bodies.push(raw);
  const say = (status: number, body: object, headers: object = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  const { misbehave } = state;
  if (misbehave !== undefined && 'status' in misbehave) {
    const { times } = misbehave;
    if (times !== undefined) state.misbehave = times <= 1 ? undefined : { ...misbehave, times: times - 1 };
    return say(misbehave.status, { error: { message: `You sent: ${raw.slice(0, 200)}` } }, misbehave.headers);
  }
  if (misbehave !== undefined && 'hang' in misbehave) return;
  if (misbehave !== undefined && 'drop' in misbehave) return void response.destroy();
  if (misbehave !== undefined && 'text' in misbehave) return void response.writeHead(200).end(misbehave.text);
  if (request.url === '/v1/models' && request.headers.authorization !== `Bearer ${CHAT_TOKEN}`)
    return say(401, { error: { message: 'who?' } });
  if (request.url === '/v1/models')
    return say(200, { object: 'list', data: [{ id: CHAT_MODEL, object: 'model', created: 0, owned_by: 'test' }] });
  const taken = taking(request, raw);
  if (typeof taken === 'string') return say(taken === 'who?' ? 401 : 400, { error: { message: taken } });
  state.requests.push(taken);
  const honest = { role: 'assistant', content: JSON.stringify(looking(taken)) };
  const message = misbehave === undefined ? honest : { role: 'assistant', ...misbehave };
  const finish = misbehave?.finish ?? 'stop';
  say(200, {
    id: `chatcmpl-${state.requests.length}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: taken.body.model,
    system_fingerprint: 'fp_test',
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: { prompt_tokens: 100 + 256 * taken.pictures.length, completion_tokens: 42, total_tokens: 0 },
  });
}

const KEYS = ['max_tokens', 'messages', 'model', 'n', 'response_format', 'seed', 'stream', 'temperature'];

/** @returns the request, or what is wrong with it. */
function taking(request: IncomingMessage, raw: string): ChatRequest | string {
  const { headers, method, url } = request;
  if (method !== 'POST' || url !== '/v1/chat/completions') return `no such path: ${method} ${url}`;
  if (headers.authorization !== `Bearer ${CHAT_TOKEN}`) return 'who?';
  if (headers['content-type'] !== 'application/json') return 'content type';
  const body = JSON.parse(raw) as ChatBody & Record<string, unknown>;
  const keys = Object.keys(body).sort();
  if (keys.join() !== KEYS.join()) return `keys: ${keys.join()}`;
  if (body.model !== CHAT_MODEL) return 'no such model';
  if (body['n'] !== 1 || body['stream'] !== false) return 'one answer at once';
  if (![body.max_tokens, body.seed, body.temperature].every((value) => Number.isFinite(value))) return 'numbers';
  const format = body.response_format as unknown as { type: string; json_schema: { name: string; strict: boolean } };
  if (format.type !== 'json_schema' || !format.json_schema.strict || format.json_schema.name === '') return 'format';
  const [message, ...more] = body.messages;
  const [text, ...pictures] = message.content;
  if (message.role !== 'user' || more.length > 0 || text?.type !== 'text') return 'messages';
  if (pictures.length === 0 || pictures.length > MOST_PICTURES) return `pictures: ${pictures.length}`;
  const rasters: Raster[] = [];
  for (const part of pictures) {
    const [, base64] =
      (part.type === 'image_url' && /^data:image\/png;base64,([\w+/]+=*)$/.exec(part.image_url.url)) || [];
    if (base64 === undefined) return 'a picture that is no PNG';
    rasters.push(readPng(Buffer.from(base64, 'base64')));
  }
  return { headers, raw, prompt: text.text, pictures: rasters, body };
}

/** An honest answer: by what is dark in the middle of each picture. */
function looking({ pictures, body }: ChatRequest): object {
  const shares = pictures.map(darkShare);
  const darkest = shares.indexOf(Math.max(...shares));
  const { schema } = body.response_format.json_schema;
  const isMuch = shares[darkest]! > MUCH;
  const labels = schema.properties['findings']?.items?.properties.label.enum ?? [];
  const label = labels.includes('low-attenuation') ? 'low-attenuation' : null;
  const sentence = isMuch
    ? { text: 'There is low attenuation of the lung parenchyma.', picture: darkest + 1, label, presence: 'present' }
    : { text: 'No low attenuation of the lung parenchyma is seen.', picture: null, label, presence: 'absent' };
  const impression = isMuch ? 'Findings in keeping with emphysema.' : 'No emphysema.';
  const own: Record<string, object[]> = {
    findings: [sentence, { text: 'The central airways are patent.', picture: null, label: null, presence: null }],
    impression: [{ text: impression, picture: null, label, presence: sentence.presence }],
  };
  const sections = schema.required.filter((key) => key in own).map((key) => [key, own[key]]);
  return { evaluable: true, ...Object.fromEntries(sections) };
}

/** Of the middle of the picture, by its first channel. */
export function darkShare({ width, height, channels, data }: Raster): number {
  let dark = 0;
  let all = 0;
  for (let row = Math.floor(height / 4); row < (height * 3) / 4; row++) {
    for (let column = Math.floor(width / 4); column < (width * 3) / 4; column++) {
      all++;
      if (data[(row * width + column) * channels]! < DARK) dark++;
    }
  }
  return dark / all;
}
