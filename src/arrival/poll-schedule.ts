/** Which days a poll asks for, and when the next one comes. Pure: the time and the chance are arguments. */
import type { SeenStudies } from './polling.ts';

/** A day, or the day `from` and all that follow: a value for matching Study Date (PS3.4 C.2.2.2.5). */
export interface DateSlice {
  /** Eight digits. */
  readonly from: string;
  readonly onwards: boolean;
}

const DAY_MS = 24 * 3600 * 1000;
/** A polling that rested for longer does not look back further. */
const LONGEST_WINDOW_DAYS = 366;

/** The day in UTC, eight digits. Archives keep local dates: windows reach a day further to both sides. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
}

export function matchOf({ from, onwards }: DateSlice): string {
  return onwards ? `${from}-` : from;
}

/** Whether a Study Date lies in the slice; an archive that ignores the key gives others too. */
export function isIn(slice: DateSlice, studyDate: string | undefined): boolean {
  if (studyDate === undefined) return true;
  return slice.onwards ? studyDate >= slice.from : studyDate === slice.from;
}

/**
 * The slices of every poll: the last days, all that seems to lie in the future, and the days of studies that wait for
 * their second look. One query per day keeps pages few, and offsets small while content changes.
 * @param polledMs when the last poll ended well: what came while Wetread was down lies in the window again
 */
export function windowSlices(
  nowMs: number,
  windowDays: number,
  polledMs: number | undefined,
  seen: SeenStudies,
): readonly DateSlice[] {
  const back = Math.max(0, Math.ceil((nowMs - (polledMs ?? nowMs)) / DAY_MS));
  const days = new Set(daysBack(nowMs, 0, Math.min(back + windowDays, LONGEST_WINDOW_DAYS)));
  const tomorrow = dayOf(nowMs + DAY_MS);
  for (const { studyDate, judged } of seen.values()) if (!judged && studyDate < tomorrow) days.add(studyDate);
  return [{ from: tomorrow, onwards: true }, ...[...days].map((from) => ({ from, onwards: false }))];
}

/** The slices of a sweep, which finds studies that were imported days after they were made. */
export function sweepSlices(nowMs: number, windowDays: number, sweepDays: number): readonly DateSlice[] {
  return daysBack(nowMs, windowDays + 1, sweepDays).map((from) => ({ from, onwards: false }));
}

/** The oldest day that is asked for, and one to spare. */
export function horizonOf(nowMs: number, windowDays: number, sweepDays: number): string {
  return dayOf(nowMs - (Math.max(windowDays, sweepDays) + 1) * DAY_MS);
}

function daysBack(nowMs: number, first: number, last: number): string[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => dayOf(nowMs - (first + index) * DAY_MS));
}

export interface Pace {
  readonly intervalMs: number;
  /** How many polls in a row have found nothing to do and nothing to wait for. */
  readonly idlePolls: number;
  /** How long the last poll took. */
  readonly tookMs: number;
  /** When the next study that waits for its second look will have been quiet for long enough; none waits where absent. */
  readonly quietInMs?: number;
}

const LONGEST_PAUSE_MS = 300_000;
/** So many times as long as a poll took, the archive is left alone. */
const SPARED = 2;

/**
 * Milliseconds until the next poll: the interval while studies arrive, up to three times as long while none does; and an
 * archive that takes long to answer is asked for at most a third of the time. A study that waits for its second look is
 * not kept waiting for longer than its quiet period asks.
 * @param chance from 0 to 1: a tenth more or less, so that many pollers do not fall into step
 */
export function pauseMs({ intervalMs, idlePolls, tookMs, quietInMs }: Pace, chance: number): number {
  const resting = intervalMs * Math.min(1.25 ** idlePolls, 3);
  const sparing = Math.min(tookMs * SPARED, Math.max(LONGEST_PAUSE_MS, intervalMs));
  const pause = Math.max(resting, sparing) * (0.9 + 0.2 * chance);
  return quietInMs === undefined ? pause : Math.min(pause, quietInMs);
}

/** {@link Pace.quietInMs}. What is overdue already waits for the usual pause: the last poll was for it. */
export function quietInMs(seen: SeenStudies, nowMs: number, quietMs: number): number | undefined {
  const left = [...seen.values()].flatMap(({ judged, sinceMs }) => (judged ? [] : [sinceMs + quietMs - nowMs]));
  const next = Math.min(...left.filter((ms) => ms > 0));
  return Number.isFinite(next) ? next : undefined;
}
