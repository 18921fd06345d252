import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startInferenceService } from '../../test/support/inference-service.ts';
import { negateModel, quartersModel, writePackage } from '../../test/support/onnx-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-warm-up-'));
after(() => rmSync(folder, { recursive: true }));

/** A package whose golden case holds, or does not. */
function packageWith(name: string, expected: Int16Array): void {
  const home = join(writePackage(folder, name, negateModel()), '..');
  const golden = join(home, 'golden');
  mkdirSync(golden);
  const input = { name: 'hounsfield', datatype: 'INT16', shape: [1, 3], file: 'in.gz' };
  const tensor = { name: 'same', datatype: 'INT16', shape: [1, 3], file: 'out.gz' };
  const tolerance = { absolute: 0, differingPercent: 0 };
  writeFileSync(
    join(golden, 'one.json'),
    JSON.stringify({ description: 'three', inputs: [input], outputs: [{ tensor, tolerance }] }),
  );
  writeFileSync(join(golden, 'in.gz'), gzipSync(Int16Array.of(1, 2, 3)));
  writeFileSync(join(golden, 'out.gz'), gzipSync(expected));
}

test('WR-LKM-07 --warm-up without a golden case: sizes that were a guess refuse no model', async () => {
  const models = join(folder, 'guessed');
  writePackage(models, 'quarters', quartersModel());
  await using service = await startInferenceService(models, '--warm-up', '--log-level', 'silent');
  const inputs = [{ name: 'x', shape: [8], datatype: 'FP32', data: [0, 1, 2, 3, 4, 5, 6, 7] }];
  const init = { method: 'POST', body: JSON.stringify({ inputs }) };
  const response = await fetch(`${service.url}/v2/models/quarters/infer`, init);
  assert.equal(response.status, 200, await response.text());
});

test('WR-SVC-03 --warm-up runs the golden case: a model that computes something else is not served', async () => {
  packageWith('right', Int16Array.of(1, 2, 3));
  packageWith('wrong', Int16Array.of(1, 2, 4));
  writePackage(folder, 'plain', negateModel());
  await using service = await startInferenceService(folder, '--warm-up', '--log-level', 'silent');
  const answerOf = async (name: string): Promise<Response> => await fetch(`${service.url}/v2/models/${name}`);
  for (const name of ['right', 'plain']) assert.equal((await answerOf(name)).status, 200);
  const wrong = await answerOf('wrong');
  assert.equal(wrong.status, 422);
  assert.match(await wrong.text(), /Golden case one: output same on cpu is not what the package says/);
  const starts = await (await fetch(`${service.url}/metrics`)).text();
  assert.match(starts, /^wetread_inference_process_starts_total 1$/m);
});
