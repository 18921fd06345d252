import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type AzureChangeFeedPeer, azureChangeFeedPeer } from '../../test/support/azure-change-feed.ts';
import { studyUid } from '../../test/support/part10.ts';
import { azureChangeFeed } from './azure-change-feed.ts';
import { readToEnd } from './change-feed.ts';

const never = new AbortController().signal;

interface Reading {
  readonly peer: AzureChangeFeedPeer;
  /** What is new since the last call. */
  readonly next: () => Promise<readonly StudyInstanceUid[]>;
}

async function reading(t: TestContext, ...before: readonly string[]): Promise<Reading> {
  const peer = await azureChangeFeedPeer();
  t.after(() => peer[Symbol.asyncDispose]());
  for (const name of before) peer.add(studyUid(name));
  const feed = azureChangeFeed({ url: peer.url });
  let cursor: string | undefined;
  const next = async (): Promise<readonly StudyInstanceUid[]> => {
    const changes = await readToEnd(feed, cursor, never);
    cursor = changes.cursor;
    return [...changes.studies];
  };
  return { peer, next };
}

test('WR-FEED-14 a feed begins at its end and gives what comes, over all pages, once', async (t) => {
  const { peer, next } = await reading(t, 'before');
  assert.deepEqual(await next(), []);
  for (let n = 0; n < 450; n += 1) peer.add(studyUid(`study ${n % 3}`));
  assert.deepEqual(
    await next(),
    [0, 1, 2].map((n) => studyUid(`study ${n}`)),
  );
  assert.deepEqual(await next(), []);
  peer.add(studyUid('study 1'));
  assert.deepEqual(await next(), [studyUid('study 1')]);
});

test('WR-FEED-14 an entry that becomes visible late is seen; what was deleted is not looked at', async (t) => {
  const { peer, next } = await reading(t);
  assert.deepEqual(await next(), [], 'a feed without any entry');
  peer.add(studyUid('now'));
  assert.deepEqual(await next(), [studyUid('now')]);
  peer.add(studyUid('late'), 'create', new Date(Date.now() - 20_000).toISOString());
  peer.add(studyUid('gone'), 'delete');
  assert.deepEqual(await next(), [studyUid('late')]);
});

test('WR-FEED-14 entries of long ago are not read again and again', async (t) => {
  const { peer, next } = await reading(t);
  await next();
  const longAgo = new Date(Date.now() - 3_600_000).toISOString();
  for (let n = 0; n < 250; n += 1) peer.add(studyUid('old'), 'create', longAgo);
  peer.add(studyUid('newer'), 'create', new Date(Date.now() - 1_800_000).toISOString());
  assert.equal((await next()).length, 2);
  await next();
  assert.ok(
    Date.parse(peer.asked.at(-1)?.get('startTime') ?? '') > Date.parse(longAgo),
    'only the newest is asked for',
  );
});
