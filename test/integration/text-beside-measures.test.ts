/** A language model beside the lung model on one study: one draft, each by its own right; one that is silent costs the other nothing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../contracts/generated/types.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { CHAT_TOKEN, startChatServer } from '../support/chat-server.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import { runWetread } from '../support/running-wetread.ts';
import { TEXT_MODEL, writeTextPackage } from '../support/text-package.ts';

const LUNGS = 'ct-lung-density';

test('WR-TXT-09 measures and text of one study stand in one draft; a model that abstains leaves a partial one', async () => {
  await using folder = new TemporaryFolder();
  const models = join(folder.path, 'models');
  await writeTextPackage(models);
  const tokenFile = join(folder.path, 'token');
  writeFileSync(tokenFile, CHAT_TOKEN);
  const server = await startChatServer();
  const pictures = { kind: 'openai', url: server.url, remote: false, credentials: { kind: 'bearer', tokenFile } };
  await using running = await runWetread({
    models: [models],
    inference: { servers: { pictures } },
    rules: [{ name: 'both', readings: [{ model: LUNGS }, { model: TEXT_MODEL }] }],
  });
  const report = async (): Promise<Report> => {
    const { studyInstanceUid } = await running.reached('filed');
    const bytes = await running.wetread.ports.ledger.document(studyInstanceUid, 'report.json');
    return JSON.parse(new TextDecoder().decode(bytes)) as Report;
  };
  await running.send(smallChest());
  const both = await report();
  assert.deepEqual(
    both.readings.map(({ algorithm }) => algorithm.name),
    [LUNGS, TEXT_MODEL],
  );
  const sentences = both.sections.flatMap((section) => section.sentences);
  const written = sentences.filter(({ generatedBy }) => generatedBy !== undefined);
  assert.ok(written.length >= 3 && written.every(({ text }) => text.startsWith(`[${TEXT_MODEL}] `)));
  assert.ok(sentences.some(({ text }) => text.startsWith(`[${LUNGS}] `) && / ml/.test(text)));

  server.misbehave = { content: null, refusal: 'no' };
  await running.wetread.ports.ledger.move(both.studyInstanceUid as StudyInstanceUid, 'replay');
  const partial = await report();
  assert.deepEqual(
    partial.readings.map(({ algorithm }) => algorithm.name),
    [LUNGS],
  );
  assert.deepEqual(
    partial.unavailable.map(({ algorithm, reason }) => [algorithm.name, reason.code]),
    [[TEXT_MODEL, 'model-abstained']],
  );
  server.close();
});
