import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { TextOutput } from '../../src/inference/model-package.ts';
import { answerSchema } from '../../src/inference/text-answer.ts';
import type { TextRequest } from '../../src/inference/text-generation.ts';
import type { TextGenerator } from '../../src/ports.ts';
import {
  CHAT_MODEL,
  CHAT_TOKEN,
  type ChatServer,
  type Misbehaviour,
  startChatServer,
} from '../../test/support/chat-server.ts';
import { textCard } from '../../test/support/text-package.ts';
import { encodePng } from '../rendering/png.ts';
import { chatCompletionsGenerator } from './generator.ts';

const never = new AbortController().signal;
const SECRET = 'what-nobody-may-read';

interface Opened {
  readonly server: ChatServer;
  readonly generator: TextGenerator;
  /** Waits that were asked for, in ms. */
  readonly waits: number[];
}

async function open(t: TestContext, timeoutMs = 10_000, token = CHAT_TOKEN): Promise<Opened> {
  const server = await startChatServer();
  t.after(() => server.close());
  const waits: number[] = [];
  const authorize = (): Promise<Record<string, string>> => Promise.resolve({ authorization: `Bearer ${token}` });
  const servers = new Map([['pictures', { url: `${server.url}/`, remote: false, timeoutMs, authorize }]]);
  const pause = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  const generator = chatCompletionsGenerator({ servers, encode: encodePng, pause });
  return { server, generator, waits };
}

const output = textCard().outputs[0] as TextOutput;
const shades = [
  [0, 255],
  [128, 64],
].map((data) => {
  return { width: 2, height: 1, channels: 1, data: Uint8Array.from(data) } as const;
});
const request: TextRequest = {
  server: 'pictures',
  model: CHAT_MODEL,
  prompt: `Describe. ${SECRET}`,
  pictures: shades,
  pictureSize: 2,
  schema: answerSchema(output, 2),
  maximumTokens: 99,
  temperature: 0,
  seed: 7,
};

test('WR-VLM-13 prompt, pictures in their order, schema and settings go to the server, and its answer comes back', async (t) => {
  const { server, generator } = await open(t);
  const answer = await generator.generate(request, never);
  assert.deepEqual(
    { ...answer, content: '' },
    {
      content: '',
      end: 'complete',
      model: CHAT_MODEL,
      fingerprint: 'fp_test',
      promptTokens: 612,
      completionTokens: 42,
    },
  );
  assert.equal((JSON.parse(answer.content) as { evaluable: boolean }).evaluable, true);
  const [{ body, pictures, prompt }] = server.requests as [ChatServer['requests'][number]];
  assert.equal(prompt, request.prompt);
  assert.deepEqual(
    pictures.map(({ data }) => [...data]),
    shades.map(({ data }) => [...data]),
  );
  assert.deepEqual([body.max_tokens, body.temperature, body.seed], [99, 0, 7]);
  assert.deepEqual(body.response_format.json_schema.schema, request.schema);
});

test('WR-VLM-14 a server that is busy is asked again when it says, as often as the table of retries has it', async (t) => {
  const { server, generator, waits } = await open(t);
  server.misbehave = { status: 429, headers: { 'retry-after': '2' }, times: 2 };
  assert.equal((await generator.generate(request, never)).end, 'complete');
  assert.deepEqual(waits, [2000, 2000]);
  server.misbehave = { status: 503, headers: { 'retry-after': '1' } };
  await assert.rejects(generator.generate(request, never), { code: 'inference-unreachable', retryAfterSeconds: 1 });
  assert.equal(waits.length, 5);
  server.misbehave = { status: 503, headers: { 'retry-after': '3600' } };
  await assert.rejects(generator.generate(request, never), { code: 'inference-unreachable', retryAfterSeconds: 3600 });
  assert.equal(waits.length, 5, 'longer than is waited for');
});

for (const [what, misbehave, code, retryable] of [
  ['busy without a time', { status: 429 }, 'overloaded', true],
  ['a fault of its own', { status: 500 }, 'inference-failed', true],
  ['a gateway', { status: 502 }, 'inference-unreachable', true],
  ['a request that it refuses', { status: 400 }, 'inference-failed', false],
  ['a model that it has not', { status: 404 }, 'inference-failed', false],
  ['too much', { status: 413 }, 'inference-failed', false],
  ['credentials that it refuses', { status: 401 }, 'inference-failed', false],
  ['another place', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }, 'inference-failed', false],
  ['a page in place of an answer', { text: `<html>${SECRET}</html>` }, 'inference-failed', false],
  ['an answer of another protocol', { text: '{"outputs":[]}' }, 'inference-failed', false],
  ['an answer without end', { text: 'x'.repeat(5 * 1024 * 1024) }, 'inference-failed', false],
  ['a connection that breaks', { drop: true }, 'inference-unreachable', true],
] as const satisfies readonly (readonly [string, Misbehaviour, string, boolean])[]) {
  test(`WR-VLM-15 ${what} is a fault, ${retryable ? 'tried again' : 'for good'}, and repeats nothing that was sent`, async (t) => {
    const { server, generator } = await open(t);
    server.misbehave = misbehave;
    await assert.rejects(generator.generate(request, never), (error: WetreadError) => {
      assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
      assert.doesNotMatch(error.message, new RegExp(`${SECRET}|${CHAT_TOKEN}`));
      return true;
    });
  });
}

test('WR-VLM-15 a server that hangs is a timeout, and whoever gives up ends the request with its own reason', async (t) => {
  const { server, generator } = await open(t, 300);
  server.misbehave = { hang: true };
  await assert.rejects(generator.generate(request, never), { code: 'timeout', retryable: true });
  const abort = new AbortController();
  const waiting = assert.rejects(generator.generate(request, abort.signal), { code: 'lease-lost' });
  abort.abort(new WetreadError('lease-lost', 'taken over'));
  await waiting;
});

test('WR-VLM-15 wrong credentials, an absent server and an unknown name', async (t) => {
  const { generator } = await open(t, 1000, 'another-token');
  await assert.rejects(generator.generate(request, never), {
    code: 'inference-failed',
    message: /check its credentials/,
  });
  await assert.rejects(generator.generate({ ...request, server: 'nowhere' }, never), { code: 'config-invalid' });
  assert.throws(() => generator.isRemote('nowhere'), { code: 'config-invalid' });
  const gone = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => gone.once('listening', resolve));
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
  await new Promise((resolve) => gone.close(resolve));
  const absent = new Map([['pictures', { url, remote: true, timeoutMs: 1000 }]]);
  const lonely = chatCompletionsGenerator({ servers: absent, encode: encodePng });
  await assert.rejects(lonely.generate(request, never), { code: 'inference-unreachable', retryable: true });
  assert.equal(lonely.isRemote('pictures'), true);
});

for (const [what, misbehave, end] of [
  ['its limit of tokens', { content: '{"evaluable": tr', finish: 'length' }, 'truncated'],
  ['a refusal', { content: null, refusal: 'I cannot help with that' }, 'refused'],
  ['a filter', { content: '', finish: 'content_filter' }, 'refused'],
  ['nothing', { content: null }, 'complete'],
] as const satisfies readonly (readonly [string, Misbehaviour, string])[]) {
  test(`WR-VLM-16 an answer that ends by ${what} is an answer that says so`, async (t) => {
    const { server, generator } = await open(t);
    server.misbehave = misbehave;
    const answer = await generator.generate(request, never);
    assert.deepEqual([answer.end, answer.content], [end, misbehave.content ?? '']);
  });
}
