/** SIGTERM with a reading in progress, a real process: the inference server of the test answers when the test says so. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { sendByStow } from '../../services/wetread/cli/send.ts';
import type { StudyState } from '../../src/arrival/lifecycle.ts';
import type { Ledger } from '../../src/ports.ts';
import { type RunningCommand, startCommand } from '../support/command-line.ts';
import { smallChest, smallHead, TemporaryFolder } from '../support/phantom-studies.ts';

const clock = { now: () => new Date(), monotonicMs: () => performance.now() };

interface HeldInference {
  readonly url: string;
  /** Resolves with the answer that the first run waits for. */
  readonly asked: Promise<ServerResponse>;
}

async function heldInference(t: TestContext): Promise<HeldInference> {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    request.resume().once('end', () => resolve(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

interface Site extends AsyncDisposable {
  readonly ledger: Ledger;
  serve(this: void, config: object): Promise<{ readonly command: RunningCommand; readonly url: string }>;
}

/** A data directory that outlives its servers, and its ledger as another process sees it. */
function site(): Site {
  const folder = new TemporaryFolder();
  const dataDirectory = join(folder.path, 'data');
  const opened = new AsyncDisposableStack();
  opened.use(folder);
  let ledger: (Ledger & Disposable) | undefined;
  return {
    get ledger() {
      ledger ??= opened.use(sqliteLedger({ file: join(dataDirectory, 'ledger.sqlite'), clock }));
      return ledger;
    },
    serve: async (config) => {
      const common = { dataDirectory, completeness: { quietSeconds: 0.3 }, http: { port: 0 } };
      folder.write({ 'site.yaml': JSON.stringify({ ...common, ...config }) });
      const command = opened.use(startCommand(['serve', '--config', join(folder.path, 'site.yaml')]));
      const [, url = ''] = await command.printed(/listens on (\S+)/);
      return { command, url };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const statesOf = async (ledger: Ledger): Promise<StudyState[]> =>
  (await ledger.list()).map(({ state }) => state).sort();

async function until(ledger: Ledger, ...states: StudyState[]): Promise<void> {
  while ((await statesOf(ledger)).join() !== states.join()) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('WR-OPS-15 a reading that outlasts the grace time is handed back at once, and the next start reads it', async (t) => {
  await using own = site();
  const inference = await heldInference(t);
  const { command, url } = await own.serve({ inference: { url: inference.url }, shutdownSeconds: 0.2 });
  await sendByStow(`${url}/dicom-web/studies`, smallChest(), () => {});
  await inference.asked;
  assert.deepEqual(await statesOf(own.ledger), ['reading']);
  command.kill('SIGTERM');
  assert.equal((await command.ended).code, 0);
  assert.deepEqual(await statesOf(own.ledger), ['accepted']);
  const [record] = await own.ledger.list();
  assert.equal((await own.ledger.history(record!.studyInstanceUid)).at(-1)!.transition, 'release');

  await own.serve({});
  await until(own.ledger, 'filed');
});

test('WR-OPS-16 within the grace time a reading comes to its end, and no other begins', async (t) => {
  await using own = site();
  const inference = await heldInference(t);
  const { command, url } = await own.serve({ inference: { url: inference.url }, shutdownSeconds: 60 });
  await sendByStow(`${url}/dicom-web/studies`, smallChest(), () => {});
  const answer = await inference.asked;
  await sendByStow(`${url}/dicom-web/studies`, smallHead(), () => {});
  command.kill('SIGTERM');
  // A model that says no ends the reading for good.
  setTimeout(() => answer.writeHead(400).end('{"error":"no"}'), 500);
  assert.equal((await command.ended).code, 0);
  assert.deepEqual(await statesOf(own.ledger), ['parked', 'settling']);
});
