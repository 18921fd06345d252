/**
 * Completeness is evidence, not a timer: a ladder of rungs, best first. Which rung a study stood on when it was read, and
 * on what counts, is stored with it and shown. Pure: counts and times in, verdict out.
 */
import type { StudyCounts } from './polling.ts';

/** Best first. */
export const RUNGS = {
  'source-says': 'The source said that the study is complete',
  'expected-reached': 'As many instances as the source expects are in the archive',
  'counts-unchanged': 'Two looks at the archive, at least a quiet period apart, found the same instances',
  'quiet-period': 'Nothing more was heard of the study for the quiet period',
  'waited-enough': 'Expected instances did not come within the longest wait; what is there is read',
} as const satisfies Record<string, string>;

export type Rung = keyof typeof RUNGS;

/** What a source may bring as evidence with its hint. */
export type SourceRung = Extract<Rung, 'source-says' | 'counts-unchanged'>;

/** The evidence that a study is complete, as far as it is known. */
export interface Completeness {
  readonly rung: Rung;
  /** In the archive at the last look, results of Wetread not counted. */
  readonly counts: StudyCounts;
  /** When these counts were found first, ISO 8601. */
  readonly since: string;
  readonly expectedInstances?: number;
}

/** What is known of a study before the look. */
export interface Claims {
  /** What the source brought. */
  readonly rung?: SourceRung;
  readonly expectedInstances?: number;
  /** When the study, or its new images, were noticed: the longest wait counts from here. ISO 8601. */
  readonly noticedAt: string;
  /** What the look before found. */
  readonly before?: Pick<Completeness, 'counts' | 'since'>;
}

/** What a site decides on waiting. */
export interface Patience {
  readonly quietMs: number;
  /** How long instances are waited for that a source expects, and a study that the archive does not know yet. */
  readonly longestWaitMs: number;
  /** How long every study has been quiet before its first look; {@link quietMs} where absent. */
  readonly settledMs?: number;
}

/** The verdict of a look; undefined while the study is to be waited for. */
export function judgeCompleteness(
  claims: Claims,
  counts: StudyCounts,
  at: string,
  { quietMs, longestWaitMs, settledMs = quietMs }: Patience,
): Completeness | undefined {
  const { rung: said, expectedInstances: expected, before } = claims;
  const unchanged = before !== undefined && sameCounts(before.counts, counts);
  const seen = {
    counts,
    since: unchanged ? before.since : at,
    ...(expected !== undefined && { expectedInstances: expected }),
  };
  const waitedMs = Date.parse(at) - Date.parse(claims.noticedAt);
  const waitedEnough = waitedMs >= longestWaitMs;
  if (expected !== undefined && counts.instances < expected) {
    return waitedEnough ? { rung: 'waited-enough', ...seen } : undefined;
  }
  // What grew since the look before is still arriving, whatever the source says.
  if (before !== undefined && !unchanged && !waitedEnough) return undefined;
  if (said === 'source-says') return { rung: said, ...seen };
  if (counts.instances === expected) return { rung: 'expected-reached', ...seen };
  const quiet = unchanged && Date.parse(at) - Date.parse(before.since) >= quietMs;
  if (said === 'counts-unchanged' || quiet) return { rung: 'counts-unchanged', ...seen };
  // A rule may want more quiet than the site gives every study.
  if (settledMs < quietMs && waitedMs < quietMs) return undefined;
  return { rung: 'quiet-period', ...seen };
}

function sameCounts(a: StudyCounts, b: StudyCounts): boolean {
  return a.series === b.series && a.instances === b.instances;
}
