/**
 * What is tried again, when, and how often: "none" is said, not left out. docs/operate.md shows the same rows; a test
 * compares the two. Whether an error is worth a retry is decided where it is thrown ({@link WetreadError.retryable}).
 */
export interface RetryRule {
  /** Wait before the 1st, 2nd, … retry; the last one repeats. */
  readonly delaysSeconds: readonly number[];
  readonly maximum: number;
  readonly afterwards: string;
}

export const RETRIES = {
  'reading a study': { delaysSeconds: [5, 30, 120, 600, 1800], maximum: 5, afterwards: 'parked' },
  /** A day and a little: a server that is repaired over night costs nobody a replay. */
  'reading a study while a server does not answer': {
    delaysSeconds: [5, 30, 120, 600, 1800],
    maximum: 50,
    afterwards: 'parked',
  },
  'recording the end of an attempt': {
    delaysSeconds: [1],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again until another worker has taken the study over',
  },
  'noticing what arrived while the ledger did not answer': {
    delaysSeconds: [1, 2, 5],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'a permanent error': { delaysSeconds: [], maximum: 0, afterwards: 'parked' },
  'starting the inference process': {
    delaysSeconds: [1, 2, 5, 10, 30],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'asking a worklist server that does not answer': {
    delaysSeconds: [1, 2, 5, 15, 60],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'polling an archive that does not answer': {
    delaysSeconds: [1, 2, 5, 15, 60, 300],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'fetching the rest of a broken retrieve': {
    delaysSeconds: [1, 2, 5],
    maximum: 3,
    afterwards: 'the study is read again',
  },
  /** For as long as it says, where that is no longer than this. */
  'asking a server that says when to come back (Retry-After)': {
    delaysSeconds: [30],
    maximum: 3,
    afterwards: 'the study is read again',
  },
  'connecting to a message broker': {
    delaysSeconds: [1, 2, 5, 15],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'committing a study that a message names': {
    delaysSeconds: [10, 60, 600],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'announcing findings': {
    delaysSeconds: [1, 2, 5, 15],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'searching a FHIR server that does not answer': {
    delaysSeconds: [1, 2, 5, 15, 60],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'looking into a watched folder that cannot be read': {
    delaysSeconds: [1, 2, 5, 15, 60, 300],
    maximum: Number.POSITIVE_INFINITY,
    afterwards: 'tried again',
  },
  'storing a result in the archive': { delaysSeconds: [], maximum: 0, afterwards: 'the study is read again' },
  'filing a draft in the health record': { delaysSeconds: [], maximum: 0, afterwards: 'the study is read again' },
} as const satisfies Record<string, RetryRule>;

/**
 * Seconds until the next try after `attempts` tries, or undefined when they are used up.
 * @param askedSeconds how long a server asked to be left alone; more than the longest delay is not granted
 */
export function retryDelaySeconds(attempts: number, maximum: number, askedSeconds = 0): number | undefined {
  const { delaysSeconds } = RETRIES['reading a study'];
  if (attempts > maximum) return undefined;
  const seconds = delaysSeconds[Math.min(attempts, delaysSeconds.length) - 1]!;
  return Math.max(seconds, Math.min(askedSeconds, Math.max(...delaysSeconds)));
}

/**
 * Seconds until a process that died is started again. The first start, and the first after a death, wait for nothing.
 * @param deaths of the last minute, or in a row: more than a handful a minute cannot be
 */
export function restartDelaySeconds(deaths: number): number {
  const { delaysSeconds } = RETRIES['starting the inference process'];
  return deaths < 2 ? 0 : delaysSeconds[Math.min(deaths - 2, delaysSeconds.length - 1)]!;
}
