/**
 * The client of chat completions servers against one that is not ours: LitServe checks every request against its own
 * models of the protocol, and Pillow reads the pictures. What answers is a few lines of Python, no language model.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chatCompletionsGenerator } from '../../adapters/chat-completions/generator.ts';
import { encodePng } from '../../adapters/rendering/png.ts';
import { scaled } from '../../adapters/rendering/viewport.ts';
import type { TextOutput } from '../../src/inference/model-package.ts';
import { answerSchema, sentencesOf } from '../../src/inference/text-answer.ts';
import { isSkipped } from '../../src/reasons.ts';
import { type LitServe, startLitServe, withoutLitServe } from '../support/litserve.ts';
import { textCard } from '../support/text-package.ts';

let server: LitServe | undefined;
before(async () => {
  if (withoutLitServe() === false) server = await startLitServe();
});
after(async () => server?.[Symbol.asyncDispose]());

test('WR-VLM-17 LitServe takes the request, Pillow reads the pictures, and the answer is read back', {
  skip: withoutLitServe(),
}, async () => {
  const output = textCard().outputs[0] as TextOutput;
  const servers = new Map([['pictures', { url: server!.url, remote: false, timeoutMs: 60_000 }]]);
  const generator = chatCompletionsGenerator({
    servers,
    encode: (picture, size) => encodePng(scaled(picture, { width: size, height: size })),
  });
  const pictures = [10, 200, 90].map((shade, at) => {
    const channels = at === 0 ? 1 : 3;
    return { width: 64, height: 48, channels, data: new Uint8Array(64 * 48 * channels).fill(shade) } as const;
  });
  const answer = await generator.generate(
    {
      server: 'pictures',
      model: 'brightest',
      prompt: 'Which picture is the brightest?',
      pictures,
      pictureSize: 32,
      schema: answerSchema(output, pictures.length),
      maximumTokens: 64,
      temperature: 0,
      seed: 1,
    },
    new AbortController().signal,
  );
  await generator.close();
  assert.deepEqual([answer.end, answer.model], ['complete', 'brightest']);
  const sentences = sentencesOf(answer, output, pictures.length);
  assert.ok(!isSkipped(sentences), JSON.stringify(sentences));
  assert.deepEqual(sentences[0], { section: 'findings', text: 'Image 2 of 3 is the brightest.', picture: 2 });
  assert.deepEqual(JSON.parse(sentences[1]!.text), [
    'L(32, 24)',
    'RGB(32, 24)',
    'RGB(32, 24)',
    'brightest',
    64,
    0,
    1,
    false,
  ]);
});
