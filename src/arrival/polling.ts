/**
 * What one poll of an archive means. QIDO-RS has no "changed since" (PS3.18 10.6) and promises no order while content
 * changes, so that rows may come twice, late or not at all: every look is compared with what is remembered of the last
 * ones. The counts of a study (0020,1206 and 0020,1208) are the sign that it changed; counts that stayed the same over
 * two looks are the evidence that it is complete.
 */
import type { StudyInstanceUid } from '../uid.ts';

export interface StudyCounts {
  readonly series: number;
  readonly instances: number;
}

/** A study as a poll lists it. */
export interface StudyRow {
  readonly studyInstanceUid: StudyInstanceUid;
  /** Study Date (0008,0020), eight digits; undefined where the archive gives none. */
  readonly studyDate: string | undefined;
  /** As the archive counts: results of Wetread included. */
  readonly counts: StudyCounts;
}

/** What is remembered of a study. */
export interface SeenStudy {
  /** Eight digits; the day of the last look where the archive gives none. */
  readonly studyDate: string;
  readonly counts: StudyCounts;
  /** When these counts were seen first: milliseconds since 1970. */
  readonly sinceMs: number;
  /** Whether it is known what these counts mean: until they change, nothing is to be done. */
  readonly judged: boolean;
  /** What has been noticed, or was there before polling began; results of Wetread not counted. */
  readonly known?: StudyCounts;
}

export type SeenStudies = ReadonlyMap<StudyInstanceUid, SeenStudy>;

export interface Look {
  readonly nowMs: number;
  /** Eight digits. */
  readonly today: string;
  /** How far two looks must lie apart to be evidence. */
  readonly quietMs: number;
  /** Whether a study that is seen for the first time was there all along: it is remembered and not noticed. */
  readonly baseline: boolean;
}

export interface Looked {
  readonly seen: SeenStudies;
  /** Studies to judge now: their counts stayed the same. Longest waiting first. */
  readonly settled: readonly StudyInstanceUid[];
}

/** Compares rows with what is remembered. A study without a row is remembered as it was. */
export function look(before: SeenStudies, rows: readonly StudyRow[], at: Look): Looked {
  const seen = new Map(before);
  const settled = new Map<StudyInstanceUid, number>();
  for (const row of distinct(rows)) {
    const study = seenAgain(before.get(row.studyInstanceUid), row, at);
    seen.set(row.studyInstanceUid, study);
    // Counts of this very moment have had one look, however short the quiet time is.
    const isQuiet = at.nowMs - study.sinceMs >= Math.max(at.quietMs, 1);
    if (!study.judged && isQuiet) settled.set(row.studyInstanceUid, study.sinceMs);
  }
  const inOrder = [...settled].sort(([, one], [, other]) => one - other);
  return { seen, settled: inOrder.map(([studyInstanceUid]) => studyInstanceUid) };
}

/** A study that is listed twice has grown between two pages: the larger row is the later one. */
function distinct(rows: readonly StudyRow[]): Iterable<StudyRow> {
  const byStudy = new Map<StudyInstanceUid, StudyRow>();
  for (const row of rows) {
    const other = byStudy.get(row.studyInstanceUid);
    if (other === undefined || row.counts.instances > other.counts.instances) byStudy.set(row.studyInstanceUid, row);
  }
  return byStudy.values();
}

function seenAgain(before: SeenStudy | undefined, { studyDate, counts }: StudyRow, at: Look): SeenStudy {
  const date = studyDate ?? at.today;
  if (before === undefined && at.baseline) {
    return { studyDate: date, counts, sinceMs: at.nowMs, judged: true, known: counts };
  }
  // A clock that was set back would otherwise keep a study waiting until it has caught up.
  const unchanged = before !== undefined && areEqual(before.counts, counts) && before.sinceMs <= at.nowMs;
  if (unchanged) return before.studyDate === date ? before : { ...before, studyDate: date };
  const changed = { studyDate: date, counts, sinceMs: at.nowMs };
  // Nothing is left to read, or not there yet: it waits for its first image, and is known to hold none.
  if (counts.instances === 0) return { ...changed, judged: true, known: counts };
  return { ...changed, judged: false, ...(before?.known && { known: before.known }) };
}

function areEqual(one: StudyCounts, other: StudyCounts): boolean {
  return one.series === other.series && one.instances === other.instances;
}

export interface Judgement {
  /** To be remembered once the hint, if there is one, is committed. */
  readonly study: SeenStudy;
  readonly notice: boolean;
}

/**
 * Whether a settled study is to be noticed: it holds more than is known. What was deleted is forgotten, so that an image
 * that is sent again in place of it counts.
 * @param images what the study holds, results of Wetread not counted
 */
export function judge(study: SeenStudy, images: StudyCounts): Judgement {
  const { series, instances } = study.known ?? { series: 0, instances: 0 };
  const grown = images.instances > instances || (images.instances > 0 && images.series > series);
  return { study: { ...study, judged: true, known: images }, notice: grown };
}

/** Longest that a study which is no longer looked for waits for its second look: it may have been deleted. */
const UNJUDGED_MS = 24 * 3600 * 1000;

/** Drops what no poll will list again. @param horizon eight digits: the oldest Study Date that polls ask for. */
export function forget(seen: SeenStudies, horizon: string, nowMs: number): SeenStudies {
  const kept = [...seen].filter(
    ([, { studyDate, judged, sinceMs }]) => studyDate >= horizon || (!judged && nowMs - sinceMs < UNJUDGED_MS),
  );
  return kept.length === seen.size ? seen : new Map(kept);
}
