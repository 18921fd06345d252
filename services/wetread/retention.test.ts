import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Ledger, Ports } from '../../src/ports.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { claimForReading } from '../../test/support/claim.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { hasForgotten, pruneStudies, runRetention } from './retention.ts';

const DAY_MS = 86_400_000;

/** A ledger whose clock the test sets, and `old` studies parked ten days ago beside one parked now and one that waits. */
async function ledgerWith(old: number): Promise<{ ledger: Ledger & Disposable; now: () => Date }> {
  let now = new Date('2026-03-01T00:00:00Z');
  const ledger = sqliteLedger({ file: ':memory:', clock: { now: () => now, monotonicMs: () => now.getTime() } });
  const bring = async (name: string, park: boolean): Promise<void> => {
    const studyInstanceUid = nameBasedUid<StudyInstanceUid>('retention', name);
    await ledger.notice({ source: 'test', studyInstanceUid, receivedAt: now.toISOString() }, now.toISOString());
    const attempt = park ? await claimForReading(ledger, 'test', 60_000) : undefined;
    if (attempt !== undefined) await ledger.advance(attempt, 'park');
  };
  for (let index = 0; index < old; index += 1) await bring(`old ${index}`, true);
  now = new Date(now.getTime() + 10 * DAY_MS);
  await bring('new', true);
  await bring('waiting', false);
  return { ledger, now: () => now };
}

test('WR-OPS-10 only what has long been final is removed, in small batches, each study in the export', async () => {
  await using folder = new TemporaryFolder();
  const { ledger, now } = await ledgerWith(205);
  using _ = ledger;
  const batches: number[] = [];
  const watched: Ledger = Object.create(ledger, {
    prune: {
      value: async (before: string, limit: number) => {
        const exported = readFileSync(join(folder.path, 'old.jsonl'), 'utf8').trim().split('\n');
        assert.equal(exported.length, 205, 'the export is complete before anything is removed');
        const removed = await ledger.prune(before, limit);
        batches.push(removed.length);
        return removed;
      },
    },
  }) as Ledger;
  for (const name of ['list', 'history', 'document', 'saveSourceState'] as const) {
    Object.defineProperty(watched, name, { value: ledger[name].bind(ledger) });
  }
  const before = new Date(now().getTime() - 5 * DAY_MS).toISOString();
  assert.equal(await hasForgotten(ledger), false);
  assert.equal(await pruneStudies(watched, before, join(folder.path, 'old.jsonl')), 205);
  assert.deepEqual(batches, [100, 100, 5]);
  assert.deepEqual((await ledger.list()).map(({ state }) => state).sort(), ['parked', 'settling']);
  assert.equal(await hasForgotten(ledger), true);
});

test('WR-OPS-10 where the export cannot be written, nothing is removed', async () => {
  await using folder = new TemporaryFolder();
  const { ledger, now } = await ledgerWith(3);
  using _ = ledger;
  folder.write({ 'old.jsonl': 'another one' });
  await assert.rejects(
    pruneStudies(ledger, now().toISOString(), join(folder.path, 'old.jsonl')),
    (error: unknown) => error instanceof WetreadError && error.code === 'request-invalid',
  );
  assert.equal((await ledger.list()).length, 5);
  assert.equal(await hasForgotten(ledger), false);
});

test('WR-OPS-10 a server prunes at its start, exports into the directory and logs how many', async () => {
  await using folder = new TemporaryFolder();
  const { ledger, now } = await ledgerWith(3);
  using _ = ledger;
  const pruned = Promise.withResolvers<number>();
  const ports = {
    ledger,
    clock: { now, monotonicMs: () => 0 },
    log: {
      write: (event: string, { studies }: { studies?: number }) =>
        event === 'studies-pruned' && pruned.resolve(studies ?? 0),
    },
  } as unknown as Ports;
  const exportDirectory = join(folder.path, 'exports');
  await using _running = runRetention({ days: 5, everyHours: 24, exportDirectory }, ports);
  assert.equal(await pruned.promise, 3);
  const [file] = readdirSync(exportDirectory);
  assert.match(file!, /^studies-2026-03-11T000000\.000Z-\d+\.jsonl$/);
  assert.equal((await ledger.list()).length, 2);
});
