/** Text, numbers and times as PS3.5 section 6.2 wants them, for values that come from outside. */
import { WetreadError } from '../errors.ts';

/** C0, DEL and C1. */
const CONTROL = /\p{Cc}+/gu;

/**
 * One line for LO, SH, CS or a component of PN: no control characters, no backslash (it separates values, PS3.5 6.1.3),
 * cut at `maximum` characters with an ellipsis, so that a cut is seen; in ASCII, since some readers count bytes.
 */
export function line(text: string, maximum = Number.POSITIVE_INFINITY): string {
  const clean = text.toWellFormed().replace(CONTROL, ' ').replaceAll('\\', '/').trim();
  if (clean.length <= maximum) return clean;
  const characters = Array.from(clean);
  return characters.length <= maximum ? clean : `${characters.slice(0, maximum - 3).join('')}...`;
}

/** Any length, for UT and LT: lines end with CR LF, a tab is a space, other control characters go; a backslash stays. */
export function paragraph(text: string): string {
  const lines = text.toWellFormed().split(/\r\n|\r|\n/);
  return lines
    .map((each) => each.replaceAll('\t', ' ').replace(CONTROL, '').trimEnd())
    .join('\r\n')
    .trimEnd();
}

/**
 * DS (PS3.5 6.2): at most 16 characters, as close to `value` as they allow.
 * @throws WetreadError `internal` for NaN and infinities, which DS cannot hold
 */
export function decimalString(value: number): string {
  if (!Number.isFinite(value)) throw new WetreadError('internal', 'A number to be written as DS is not finite');
  const shortest = String(value === 0 ? 0 : value);
  if (shortest.length <= 16) return shortest;
  for (let digits = 16; digits > 0; digits -= 1) {
    const fixed = String(Number(value.toPrecision(digits)));
    if (fixed.length <= 16) return fixed;
    const scientific = Number(fixed).toExponential();
    if (scientific.length <= 16) return scientific;
  }
  throw new WetreadError('internal', 'A number cannot be written as DS');
}

/** The instant, in ISO 8601, that {@link dicomTime} made DA and TM of; undefined where they are none. */
export function instantOf(date: string, time: string, timezoneOffsetFromUtc = '+0000'): string | undefined {
  const text = `${date}T${time}${timezoneOffsetFromUtc}`;
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\.\d{1,3})?\d*([+-]\d\d)(\d\d)$/.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hours, minutes, seconds, fraction = '', offsetHours, offsetMinutes] = parts;
  const iso = `${year}-${month}-${day}T${hours}:${minutes}:${seconds}${fraction}${offsetHours}:${offsetMinutes}`;
  const milliseconds = Date.parse(iso);
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString();
}

/** An instant as DA, TM and DT. */
export interface DicomTime {
  /** `YYYYMMDD`. */
  readonly date: string;
  /** `HHMMSS.FFFFFF`. */
  readonly time: string;
  /** With its offset from UTC, so that it stands alone: `YYYYMMDDHHMMSS.FFFFFF+ZZXX`. */
  readonly dateTime: string;
}

/**
 * @param instant ISO 8601 with offset or `Z`
 * @param timezoneOffsetFromUtc `+0100`: Timezone Offset From UTC (0008,0201) of the object, which rules every DA and TM in
 * it (PS3.3 C.12.1.1.8); without one the wall time of `instant` is kept
 */
export function dicomTime(instant: string, timezoneOffsetFromUtc?: string): DicomTime {
  const milliseconds = Date.parse(instant);
  if (Number.isNaN(milliseconds)) throw new WetreadError('internal', 'A time is not ISO 8601');
  const offset = timezoneOffsetFromUtc ?? /([+-]\d\d):?(\d\d)$/.exec(instant)?.slice(1).join('') ?? '+0000';
  const sign = offset.startsWith('-') ? -1 : 1;
  const minutes = sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3, 5)));
  const wall = new Date(milliseconds + minutes * 60_000).toISOString();
  const date = wall.slice(0, 10).replaceAll('-', '');
  const time = `${wall.slice(11, 19).replaceAll(':', '')}.${wall.slice(20, 23)}000`;
  return { date, time, dateTime: `${date}${time}${offset}` };
}
