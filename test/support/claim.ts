/** Claims of tests that are about reading: the look that comes before is taken for good. */
import type { Attempt, Ledger } from '../../src/ports.ts';

/** @returns the next study to read, accepted as routine where it waited for triage; undefined where none waits. */
export async function claimForReading(ledger: Ledger, worker: string, leaseMs: number): Promise<Attempt | undefined> {
  for (;;) {
    const attempt = await ledger.claim(worker, leaseMs);
    if (attempt?.task !== 'triage') return attempt;
    await ledger.advance(attempt, 'accept', { priority: 'routine', rule: 'test' });
  }
}
