import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chatCompletionsGenerator } from '../../../adapters/chat-completions/generator.ts';
import { encodePng } from '../../../adapters/rendering/png.ts';
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { CHAT_TOKEN, type ChatServer, startChatServer } from '../../../test/support/chat-server.ts';
import { packageOf } from '../../../test/support/model-card.ts';
import { PROMPT, textCard } from '../../../test/support/text-package.ts';
import { askOnce } from '../text-run.ts';
import type { CheckResult, Step } from './check.ts';
import { httpAddress } from './reach.ts';
import { textServerPart } from './text-server.ts';

let chat: ChatServer;
before(async () => {
  chat = await startChatServer();
});
after(() => chat.close());

const never = new AbortController().signal;

function generator(token = CHAT_TOKEN): ReturnType<typeof chatCompletionsGenerator> {
  const authorize = (): Promise<Record<string, string>> => Promise.resolve({ authorization: `Bearer ${token}` });
  const servers = new Map([['pictures', { url: chat.url, remote: false, timeoutMs: 5000, authorize }]]);
  return chatCompletionsGenerator({ servers, encode: encodePng });
}

async function examined(
  card: ModelCard,
  server: Partial<InferenceServer> = {},
  token = CHAT_TOKEN,
): Promise<readonly string[]> {
  const said: string[] = [];
  const step: Step = async (name, work) => {
    const result: CheckResult = await work(never);
    said.push(`${name}: ${result.status}: ${result.message}${result.fix === undefined ? '' : ` -> ${result.fix}`}`);
    return result.status !== 'fail';
  };
  const { url } = chat;
  const part = textServerPart({
    name: 'pictures',
    server: {
      kind: 'openai',
      url,
      remote: false,
      imagesMayLeave: false,
      unmarkedImagesMayLeave: false,
      timeoutSeconds: 5,
      ...server,
    } as InferenceServer,
    address: httpAddress(url, 'inference.servers.pictures.url'),
    generator: generator(token),
    cards: () => Promise.resolve([card]),
  });
  await part.examine(step);
  return said;
}

test('WR-VLM-19 the doctor asks for the models, and says which one a package misses', async () => {
  const found = (await examined(textCard())).join('\n');
  assert.match(found, /protocol: ok: 1 model, of the site\nmodel: ok: shades-of-grey is there/);
  const card = textCard();
  Object.assign(card.runtime, { model: 'another' });
  assert.match((await examined(card)).join('\n'), /model: fail: another is not among its models/);
  Object.assign(card.runtime, { server: 'elsewhere' });
  assert.match((await examined(card)).join('\n'), /model: warn: No package names this server/);
  assert.match((await examined(textCard(), { remote: true })).join('\n'), /protocol: fail: .*images may not leave/);
});

test('WR-LOK-07 a server that refuses the credentials is told with the key that holds them', async () => {
  assert.match(
    (await examined(textCard(), {}, 'wrong')).join('\n'),
    /protocol: fail: .*401: check its credentials -> Correct .*inference\.servers\.pictures\.credentials/,
  );
});

test('WR-VLM-19 a package without golden cases is tried with one picture', async () => {
  const model = { ...packageOf(textCard()), prompt: PROMPT };
  chat.misbehave = undefined;
  const sound = await askOnce(generator(), model, never);
  assert.deepEqual([sound?.holds, sound?.provider], [true, 'pictures']);
  assert.match(chat.requests.at(-1)!.prompt, /1 picture, a test/);
  chat.misbehave = { content: 'The lungs are clear.' };
  assert.match((await askOnce(generator(), model, never))?.fault ?? '', /no JSON object/);
  chat.misbehave = undefined;
  assert.match((await askOnce(generator('wrong'), model, never))?.fault ?? '', /credentials.*\[inference-failed\]/);
});
