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
  'waited-enough':
    'Within the longest wait expected instances did not come, or others went on coming; what is there is read',
} as const satisfies Record<string, string>;

export type Rung = keyof typeof RUNGS;

/** What a source may bring as evidence with its hint. */
export type SourceRung = Extract<Rung, 'source-says' | 'counts-unchanged'>;

/** The evidence that a study is complete, as far as it is known; what every look found is kept for the next one. */
export interface Completeness {
  /** Absent while the study is waited for. */
  readonly rung?: Rung;
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
  /** How long instances are waited for that a source expects, a study that grows, and one that the archive does not know yet. */
  readonly longestWaitMs: number;
  /** How long every study has been quiet before its first look; {@link quietMs} where absent. */
  readonly settledMs?: number;
}

/** What a look makes of these counts: with a rung the study is read, without one it is waited for. */
export function judgeCompleteness(claims: Claims, counts: StudyCounts, at: string, patience: Patience): Completeness {
  const { expectedInstances, before } = claims;
  const unchangedSince = before !== undefined && sameCounts(before.counts, counts) ? before.since : undefined;
  const rung = rungOf(claims, counts.instances, Date.parse(at), patience, unchangedSince);
  return {
    ...(rung !== undefined && { rung }),
    counts,
    since: unchangedSince ?? at,
    ...(expectedInstances !== undefined && { expectedInstances }),
  };
}

function rungOf(
  { rung: said, expectedInstances: expected, before, noticedAt }: Claims,
  instances: number,
  nowMs: number,
  { quietMs, longestWaitMs, settledMs = quietMs }: Patience,
  unchangedSince: string | undefined,
): Rung | undefined {
  // What is not there yet is not complete, however long nothing has changed.
  if (instances === 0) return undefined;
  const waitedMs = nowMs - Date.parse(noticedAt);
  const isShort = expected !== undefined && instances < expected;
  // What grew since the look before is still arriving, whatever the source says.
  const isGrowing = before !== undefined && unchangedSince === undefined && instances !== expected;
  if (isShort || isGrowing) return waitedMs >= longestWaitMs ? 'waited-enough' : undefined;
  if (said === 'source-says') return said;
  if (instances === expected) return 'expected-reached';
  const isQuiet = unchangedSince !== undefined && nowMs - Date.parse(unchangedSince) >= quietMs;
  if (said === 'counts-unchanged' || isQuiet) return 'counts-unchanged';
  // A rule may want more quiet than the site gives every study.
  if (settledMs < quietMs && waitedMs < quietMs) return undefined;
  return 'quiet-period';
}

function sameCounts(a: StudyCounts, b: StudyCounts): boolean {
  return a.series === b.series && a.instances === b.instances;
}
