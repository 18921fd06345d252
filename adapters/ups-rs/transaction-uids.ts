/**
 * The locks of claimed work items (Transaction UID, PS3.4 CC.2.1). Each is derived from a secret key and the UID of its
 * item, and the key is in the ledger before anything is claimed: after a crash at any moment, and by every replica on the
 * same ledger, an item that was claimed can be gone on with; nobody else can make its lock; and nothing has to be kept
 * for each item.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../../src/ports.ts';
import { nameBasedUid } from '../../src/uid.ts';

export type KeyLedger = Pick<Ledger, 'sourceState' | 'saveSourceState' | 'leaseSource' | 'releaseSource'>;

interface Stored {
  readonly version: 1;
  readonly key: string;
}

const LEASE_MS = 10_000;
const WAIT_MS = 200;

/** @param stateKey of the worklist and of the AE title in whose name it is claimed from */
export async function transactionUids(
  ledger: KeyLedger,
  stateKey: string,
  signal: AbortSignal,
): Promise<(workitemUid: string) => string> {
  const lease = { source: `${stateKey} key`, worker: randomUUID() };
  let text = await ledger.sourceState(stateKey);
  while (text === undefined) {
    // Replicas that start for the first time at once would each keep a key of their own.
    if (await ledger.leaseSource(lease, LEASE_MS)) {
      text = (await ledger.sourceState(stateKey)) ?? (await createKey(ledger, stateKey));
      await ledger.releaseSource(lease);
    } else {
      await sleep(WAIT_MS, undefined, { signal });
      text = await ledger.sourceState(stateKey);
    }
  }
  const { key } = JSON.parse(text) as Stored;
  return (workitemUid) => nameBasedUid('transaction', key, workitemUid);
}

async function createKey(ledger: KeyLedger, stateKey: string): Promise<string> {
  const created: Stored = { version: 1, key: randomBytes(32).toString('hex') };
  const text = JSON.stringify(created);
  await ledger.saveSourceState(stateKey, text);
  return text;
}
