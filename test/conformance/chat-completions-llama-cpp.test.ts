/**
 * The client of chat completions servers, and the reading of a study, against llama.cpp's own server: its template of
 * conversations, its grammar from our schema, its eye for our pictures, its queue. The weights are random ones, so what
 * it writes means nothing and is asserted nowhere; how it is asked, how it ends and what becomes of any text is.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Ajv } from 'ajv';
import { chatCompletionsGenerator } from '../../adapters/chat-completions/generator.ts';
import { encodePng } from '../../adapters/rendering/png.ts';
import { scaled } from '../../adapters/rendering/viewport.ts';
import type { Report } from '../../contracts/generated/types.ts';
import { validateReport } from '../../contracts/generated/validators.js';
import { WetreadError } from '../../src/errors.ts';
import { reads, type TextOutput } from '../../src/inference/model-package.ts';
import type { Picture } from '../../src/inference/pictures.ts';
import { answerSchema, sentencesOf } from '../../src/inference/text-answer.ts';
import type { TextAnswer, TextRequest } from '../../src/inference/text-generation.ts';
import { makeDraft } from '../../src/make-draft.ts';
import type { TextGenerator } from '../../src/ports.ts';
import { readSlices } from '../../src/read-slices.ts';
import { isSkipped } from '../../src/reasons.ts';
import { findingsOf } from '../support/doctor.ts';
import { LLAMA_MODEL, type LlamaCpp, PICTURE_TOKENS, startLlamaCpp, withoutLlamaCpp } from '../support/llama-cpp.ts';
import { packageOf } from '../support/model-card.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../support/sample-report.ts';
import { PROMPT, TEXT_MODEL, textCard, writeTextPackage } from '../support/text-package.ts';

const skip = withoutLlamaCpp();
const folder = new TemporaryFolder();
const models = join(folder.path, 'models');
let server: LlamaCpp;
let running: RunningWetread;
before(async () => {
  if (skip !== false) return;
  await writeTextPackage(models, ({ runtime }) => {
    Object.assign(runtime, { model: LLAMA_MODEL, temperature: 1, maximumTokens: 8192 });
  });
  server = await startLlamaCpp();
});
after(async () => {
  await running?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const output = textCard().outputs[0] as TextOutput;
const encode = (picture: Picture, size: number): Promise<Uint8Array> =>
  encodePng(scaled(picture, { width: size, height: size }));

function pictures(...shades: readonly number[]): readonly Picture[] {
  return shades.map((shade) => ({ width: 64, height: 48, channels: 1, data: new Uint8Array(64 * 48).fill(shade) }));
}

async function ask(edit: Partial<TextRequest> = {}, signal = never, timeoutMs = 60_000): Promise<TextAnswer> {
  const servers = new Map([['pictures', { url: server.url, remote: false, timeoutMs }]]);
  const generator = chatCompletionsGenerator({ servers, encode });
  const shown = pictures(10, 200, 90);
  const request: TextRequest = {
    server: 'pictures',
    model: LLAMA_MODEL,
    prompt: 'Describe.',
    pictures: shown,
    pictureSize: 32,
    schema: answerSchema(output, shown.length),
    maximumTokens: 8192,
    temperature: 1,
    seed: 7,
    ...edit,
  };
  try {
    return await generator.generate(request, signal);
  } finally {
    await generator.close();
  }
}

function site(): object {
  const servers = { pictures: { kind: 'openai', url: server.url, remote: false } };
  return { bundledModels: false, models: [models], inference: { servers } };
}

async function examined(): Promise<readonly string[]> {
  return (await findingsOf(site(), ['inference.servers.pictures'])).lines;
}

test('WR-VLM-40 a server that is loading its model is busy, and the doctor says so; a study waits, and is read when it has', {
  skip,
}, async () => {
  running = await runWetread(site());
  const faults: (string | undefined)[] = [];
  const waits = new Promise<void>((resolve) => {
    running.onLog = (event, { errorCode }) => {
      if (event === 'read-fault') faults.push(errorCode);
      if (event === 'read-fault' || event === 'text-answered') resolve();
    };
  });
  await running.send(smallChest());
  await waits;
  await assert.rejects(ask(), { code: 'overloaded', retryable: true });
  assert.ok((await examined()).includes('inference.servers.pictures.protocol fail'));
  await server.load();
  await running.reached('filed', 'held', 'not-evaluable');
  assert.deepEqual([...new Set(faults)], ['overloaded']);
});

test('WR-VLM-20 a language model behind llama.cpp answers by the schema, sees the pictures, and counts its tokens', {
  skip,
}, async () => {
  const valid = new Ajv({ strict: false }).compile(answerSchema(output, 3));
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { content, end } = await ask({ seed });
    assert.equal(end, 'complete');
    assert.ok(valid(JSON.parse(content)), `${JSON.stringify(valid.errors)} ${content}`);
  }
  const answer = await ask();
  const { model, fingerprint, promptTokens = 0, completionTokens = 0 } = answer;
  assert.equal(model, LLAMA_MODEL);
  assert.match(fingerprint ?? '', /^b\d+-/);
  assert.ok(completionTokens > 20, `${completionTokens}`);
  const fewer = await ask({ pictures: pictures(10) });
  assert.equal(promptTokens - (fewer.promptTokens ?? 0), 2 * PICTURE_TOKENS);
  assert.deepEqual(await ask(), answer, 'the same request');
  assert.notEqual((await ask({ seed: 8 })).content, answer.content);
  assert.notEqual((await ask({ pictures: pictures(10, 200, 255) })).content, answer.content, 'another picture');
});

test('WR-VLM-16 llama.cpp says that an answer is cut off, and refuses what does not fit into its context', {
  skip,
}, async () => {
  const cut = await ask({ maximumTokens: 9 });
  assert.deepEqual([cut.end, cut.completionTokens], ['truncated', 9]);
  assert.ok(isSkipped(sentencesOf(cut, output, 3)));
  const tooLong = ask({ prompt: 'x'.repeat(40_000) });
  await assert.rejects(tooLong, { code: 'inference-failed', retryable: false, message: /fewer pictures or tokens/ });
});

test('WR-VLM-41 a time limit, and whoever gives up, end the request at llama.cpp: it has room for the next', {
  skip,
}, async () => {
  // An answer that takes minutes. Whoever asks for the slots meanwhile keeps llama.cpp from seeing that a connection ended.
  const endless: Partial<TextRequest> = { schema: { const: 'a'.repeat(20_000) }, maximumTokens: 30_000 };
  const limited = server.logs('cancel task');
  await assert.rejects(ask(endless, never, 1500), { code: 'timeout', retryable: true });
  await limited;

  const started = server.logs('processing task');
  const abort = new AbortController();
  const given = assert.rejects(ask(endless, abort.signal, 600_000), { code: 'lease-lost' });
  await started;
  const ended = server.logs('cancel task');
  abort.abort(new WetreadError('lease-lost', 'taken over'));
  await given;
  await ended;
  const slots = (await (await fetch(`${server.url}/slots`)).json()) as { readonly is_processing: boolean }[];
  assert.deepEqual(
    slots.map(({ is_processing: isBusy }) => isBusy),
    [false],
  );
  assert.equal((await ask()).end, 'complete');
});

/** How many sentences the answer holds, where it says that it can be used. */
function sentencesIn({ content }: TextAnswer): number {
  const { evaluable, findings, impression } = JSON.parse(content) as Record<string, readonly unknown[]>;
  return evaluable ? findings!.length + impression!.length : 0;
}

test('WR-VLM-42 whatever it writes is refused with the reason, or stands in the draft as generated, marked or counted as withheld', {
  skip,
}, async () => {
  const volume = sampleVolume({ spacing: [10, 20, 20] });
  const study = sampleStudyHeader(volume);
  const { provenance } = sampleReport(sampleSegmentation(volume));
  let drafts = 0;
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const card = textCard();
    assert.ok(reads(card, 'slices') && card.runtime.kind === 'chat-completions');
    Object.assign(card.runtime, { model: LLAMA_MODEL, temperature: 1, maximumTokens: 8192, seed });
    const answers: TextAnswer[] = [];
    const text: TextGenerator = {
      isRemote: () => false,
      takesUnmarked: () => true,
      async generate(request, signal) {
        const answer = await ask(request, signal);
        answers.push(answer);
        return answer;
      },
    };
    const model = { ...packageOf(card), card, prompt: PROMPT };
    const reading = await readSlices({ text, log: { write: () => {} } }, model, volume, study, never);
    const [answer] = answers as [TextAnswer];
    if (isSkipped(reading)) {
      assert.match(reading.skipped.code, /^(?:model-abstained|answer-unusable)$/);
      assert.notEqual(reading.skipped.detail, undefined);
      continue;
    }
    drafts++;
    const { report } = makeDraft({ study, readings: [reading], unavailable: [] }, provenance);
    const sentences = report.sections.flatMap((section) => section.sentences);
    const kept = sentences.filter(({ generatedBy, flags }) => generatedBy !== undefined && flags !== undefined);
    const withheld = [...reading.text!.withheld.values()].reduce((sum, count) => sum + count, 0);
    assert.equal(kept.length + withheld, sentencesIn(answer), JSON.stringify(sentences));
    for (const { text: words, flags } of kept) assert.equal(words.includes('[Check: '), flags!.length > 0, words);
    const notice = new RegExp(`^${withheld} generated sentences? (?:was|were) withheld: `);
    assert.equal(
      sentences.some(({ text: words }) => notice.test(words)),
      withheld > 0,
    );
  }
  assert.ok(drafts > 0, 'one of eight can be used');
});

test('WR-VLM-43 the doctor finds that the server is well, and has the model', { skip }, async () => {
  const lines = await examined();
  for (const check of ['protocol', 'model']) assert.ok(lines.includes(`inference.servers.pictures.${check} ok`), check);
  assert.ok(
    lines.every((line) => line.endsWith(' ok')),
    lines.join(),
  );
});

test('WR-VLM-20 a study is read: its reading names the model that llama.cpp served and what it counted', {
  skip,
}, async () => {
  const record = await running.reached('filed', 'held', 'not-evaluable');
  const { ledger } = running.wetread.ports;
  const bytes = await ledger.document(record.studyInstanceUid, 'report.json');
  if (bytes === undefined) return assert.match(record.reason?.code ?? '', /^(?:model-abstained|answer-unusable)$/);
  const report = JSON.parse(new TextDecoder().decode(bytes)) as Report;
  assert.equal(validateReport(structuredClone(report)), true, JSON.stringify(validateReport.errors));
  const { name, parameters } = report.readings[0].algorithm;
  assert.deepEqual([name, parameters['served-model'], parameters['pictures']], [TEXT_MODEL, LLAMA_MODEL, '9']);
  assert.ok(Number(parameters['prompt-tokens']) > 9 * PICTURE_TOKENS, JSON.stringify(parameters));
  assert.ok(Number(parameters['completion-tokens']) > 20, JSON.stringify(parameters));
});
