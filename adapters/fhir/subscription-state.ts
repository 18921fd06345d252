/** Where a subscription source stands, as text for the ledger: references, UIDs and counts, nothing of a patient. */

export interface SubscriptionState {
  /** The latest `meta.lastUpdated` that was searched through; ISO 8601, by the server's clock. */
  readonly since?: string;
  /** What was last said of a study, by what said it. */
  readonly said: Map<string, string>;
  /** Orders whose study is not there yet, by reference, the one that was looked at longest ago first: first seen when, ISO 8601. */
  readonly waiting: Map<string, string>;
}

/** What is forgotten is said once more when its resource changes, which costs a look at the archive. */
const MOST_SAID = 5000;
const MOST_WAITING = 2000;
/** An order that has no study after so long gets none. */
const LONGEST_WAIT_MS = 30 * 24 * 3600 * 1000;

interface Stored {
  readonly version: 1;
  readonly since?: string;
  readonly said: [string, string][];
  readonly waiting: [string, string][];
}

export function writeSubscriptionState({ since, said, waiting }: SubscriptionState): string {
  const stored: Stored = { version: 1, ...(since !== undefined && { since }), said: [...said], waiting: [...waiting] };
  return JSON.stringify(stored);
}

/** @returns an empty state where the text is of another version: studies are then said once more, and none is lost */
export function readSubscriptionState(text: string | undefined): SubscriptionState {
  const stored = text === undefined ? undefined : (JSON.parse(text) as Stored);
  if (stored?.version !== 1) return { said: new Map(), waiting: new Map() };
  const { since, said, waiting } = stored;
  return { ...(since !== undefined && { since }), said: new Map(said), waiting: new Map(waiting) };
}

/** Bounds what is kept, oldest first. @returns how many orders were given up because too many wait */
export function forgetOldest({ said, waiting }: SubscriptionState, nowMs: number): number {
  for (const key of said.keys()) if (said.size > MOST_SAID) said.delete(key);
  for (const [key, seenAt] of waiting) if (nowMs - Date.parse(seenAt) > LONGEST_WAIT_MS) waiting.delete(key);
  const tooMany = Math.max(0, waiting.size - MOST_WAITING);
  for (const key of [...waiting.keys()].slice(0, tooMany)) waiting.delete(key);
  return tooMany;
}
