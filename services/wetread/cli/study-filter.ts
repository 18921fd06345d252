/** Which studies a command is about: by state, by reason, by the time of their last change. */
import { STATES, type StudyState } from '../../../src/arrival/lifecycle.ts';
import { ERROR_CODES, WetreadError } from '../../../src/errors.ts';
import type { StudyRecord } from '../../../src/ports.ts';
import { REASONS } from '../../../src/reasons.ts';
import type { CommandOptions } from './options.ts';

export interface StudyFilter {
  readonly state?: StudyState;
  readonly reason?: string;
  /** ISO 8601 in UTC. */
  readonly since?: string;
}

/** @throws WetreadError `request-invalid` for a state, a reason or a time that does not exist */
export function filterOf({ state, reason, since }: CommandOptions, now: Date): StudyFilter {
  if (state !== undefined && !isState(state)) {
    throw new WetreadError('request-invalid', `--state is one of ${Object.keys(STATES).join(', ')}`);
  }
  if (reason !== undefined && !Object.hasOwn(REASONS, reason) && !Object.hasOwn(ERROR_CODES, reason)) {
    throw new WetreadError('request-invalid', '--reason needs a code of docs/errors.md, such as archive-unreachable');
  }
  return {
    ...(state !== undefined && { state }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { since: timeOf(since, '--since', now) }),
  };
}

export function matches({ state, reason, since }: StudyFilter, record: StudyRecord): boolean {
  if (state !== undefined && record.state !== state) return false;
  if (reason !== undefined && record.reason?.code !== reason) return false;
  return since === undefined || record.changedAt >= since;
}

export function isEmptyFilter(filter: StudyFilter): boolean {
  return Object.keys(filter).length === 0;
}

const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/**
 * A date, a time, or an age: `2026-11-21`, `2026-11-21T20:00Z`, `90m`, `12h`, `7d`. @returns ISO 8601 in UTC.
 * @throws WetreadError `request-invalid`
 */
export function timeOf(text: string, option: string, now: Date): string {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const isDate = /^\d{4}-\d{2}-\d{2}/.test(text);
  const time =
    unit === undefined ? (isDate ? Date.parse(text) : NaN) : now.getTime() - Number(count) * SECONDS[unit]! * 1000;
  if (Number.isFinite(time) && Math.abs(time) <= 8.64e15) return new Date(time).toISOString();
  throw new WetreadError('request-invalid', `${option} needs a date such as 2026-11-21, or an age such as 12h or 7d`);
}

function isState(text: string): text is StudyState {
  return Object.hasOwn(STATES, text);
}
