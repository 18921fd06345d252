/**
 * What an operator types, as processes of their own beside a running server. Half a minute: every command starts Node
 * twice, by way of the launcher.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StudyRecord, StudyStep } from '../../src/ports.ts';
import { wetread } from '../support/command-line.ts';
import { scout, smallChest, smallHead, TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

type Shown = StudyRecord & { readonly history: readonly StudyStep[] };

interface Site extends AsyncDisposable {
  readonly running: RunningWetread;
  readonly folder: TemporaryFolder;
  run(this: void, ...args: string[]): ReturnType<typeof wetread>;
  /** The study with this state, found by the command. */
  uidIn(this: void, state: string): Promise<string>;
}

/** A server that has read a chest (filed), a head and a scout (neither evaluable). */
async function site(): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const running = stack.use(await runWetread());
  const config = join(folder.path, 'site.yaml');
  writeFileSync(config, JSON.stringify({ dataDirectory: running.dataDirectory }));
  for (const study of [smallChest(), smallHead(), scout()]) await running.send(study);
  await running.wetread.whenFinal();
  const owned = stack.move();
  const run: Site['run'] = (...args) => wetread([...args, '--config', config]);
  return {
    running,
    folder,
    run,
    uidIn: async (state) => {
      const { stdout } = await run('studies', 'list', '--json', '--state', state);
      return (JSON.parse(stdout) as StudyRecord[])[0]!.studyInstanceUid;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test('WR-OPS-05 WR-OPS-06 WR-OPS-07 studies are listed, shown and moved beside the server, which reads a replayed one by itself', async () => {
  await using own = await site();
  const { run, running } = own;
  const listed = await run('studies', 'list');
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^STATE +CHANGED +PRIORITY +STUDY +REASON\n/);
  assert.match(listed.stdout, /3 studies: /);

  const filed = await own.uidIn('filed');
  const shown = (await run('studies', 'show', filed)).stdout;
  assert.match(shown, /state +filed: The draft is in the archive/);
  assert.match(shown, /rule +every-model\n/);
  assert.match(shown, /complete +quiet-period: .*\n +evidence +66 instances in 1 series/);
  assert.match(shown, /history\n.*notice +settling[\s\S]*file +filed\n\nAn operator can: replay\n$/);

  const refused = await run('studies', 'close', filed);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /refused: No 'close' in state 'filed'; possible: replay\n0 studies closed, 1 refused/);

  const replayed = await run('studies', 'replay', '--reason', 'wrong-body-part', '--note', 'model was renewed');
  assert.equal(replayed.code, 0, replayed.stdout);
  assert.match(replayed.stdout, /not-evaluable -> accepted\n1 study to be read again/);
  await running.wetread.whenFinal();
  const [head = ''] = replayed.stdout.split(' ');
  const again = JSON.parse((await run('studies', 'show', head, '--json')).stdout) as Shown;
  const replay = again.history.findIndex(({ transition }) => transition === 'replay');
  assert.deepEqual(again.history[replay]!.reason, { code: 'operator-decision', detail: 'model was renewed' });
  assert.ok(
    again.history.slice(replay).some(({ transition }) => transition === 'claim'),
    'it was read',
  );

  const closed = await run('studies', 'close', '--state', 'not-evaluable', '--json');
  assert.equal((JSON.parse(closed.stdout) as { moved: unknown[] }).moved.length, 2);
  const nothing = await run('studies', 'replay', '--state', 'parked');
  assert.deepEqual(
    [nothing.code, nothing.stdout.trim()],
    [0, '0 studies to be read again; a running server begins by itself'],
  );
});

test('WR-OPS-06 a mistake in the call is told before anything is opened', async () => {
  await using folder = new TemporaryFolder();
  const said = async (...args: string[]): Promise<string> => {
    const ended = await wetread([...args, '--data', join(folder.path, 'none')]);
    assert.equal(ended.code, 2, ended.stderr);
    assert.equal(ended.stdout, '');
    return ended.stderr;
  };
  assert.match(await said('studies'), /one of list, show, replay, park, close/);
  assert.match(await said('studies', 'replay'), /either Study Instance UIDs or a filter/);
  assert.match(await said('studies', 'list', '--state', 'lost'), /--state is one of noticed, /);
  assert.match(await said('studies', 'list', '--reason', 'bad-luck'), /--reason needs a code/);
  assert.match(await said('studies', 'list', '--since', 'monday'), /--since needs a date/);
  assert.match(await said('ledger', 'prune'), /prune --before DATE/);
  assert.match(await said('studies', 'list'), /no ledger is in/);
  assert.equal(existsSync(join(folder.path, 'none')), false);
});

test('WR-OPS-10 WR-OPS-11 WR-OPS-12 old studies are exported and removed; a server that has forgotten them leaves them alone', async () => {
  await using own = await site();
  const { run, running, folder } = own;
  const filed = await own.uidIn('filed');
  const out = join(folder.path, 'all.jsonl');
  assert.match((await run('ledger', 'export', '--out', out, '--documents')).stdout, /^3 studies exported/);
  const kept = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Shown & { documents: Record<string, string> });
  const document = kept.find(({ studyInstanceUid }) => studyInstanceUid === filed)!.documents['report.json']!;
  assert.match(Buffer.from(document, 'base64').toString(), /"findings"/);
  assert.equal(statSync(out).mode & 0o777, 0o600);
  assert.match((await run('ledger', 'export', '--out', out)).stderr, /exists already/);

  const pruned = join(folder.path, 'pruned.jsonl');
  assert.match((await run('ledger', 'prune', '--before', '1d')).stdout, /^0 studies removed/);
  const failed = await run('ledger', 'prune', '--before', '0m', '--export', join(folder.path, 'no', 'such.jsonl'));
  assert.equal(failed.code, 2);
  assert.equal((await running.wetread.ports.ledger.list()).length, 3);
  const removed = await run('ledger', 'prune', '--before', '0m', '--export', pruned);
  assert.match(removed.stdout, /^3 studies removed from the ledger, after their export/);
  const lines = readFileSync(pruned, 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as Shown).history.length > 3 && !line.includes('documents')),
    [true, true, true],
  );
  assert.deepEqual(await running.wetread.ports.ledger.list(), []);

  // The folder stays: it is the site's.
  await running.wetread[Symbol.asyncDispose]();
  await using anew = await runWetread({ dataDirectory: running.dataDirectory });
  assert.deepEqual(await anew.wetread.ports.ledger.list(), []);
  await anew.send(smallHead());
  assert.equal((await anew.reached('not-evaluable')).source, 'resent');
});
