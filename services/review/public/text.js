/** Times, names and numbers as people read them. */
import { element } from './dom.js';

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

/** @type {readonly [Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/**
 * "2 minutes ago", kept up to date by {@link refreshTimes}; the exact moment in the tooltip.
 * @param {string} iso
 */
export function relativeTime(iso) {
  return element('time', { datetime: iso, title: MOMENT.format(new Date(iso)), class: 'relative' }, relative(iso));
}

/** @param {string} iso */
function relative(iso) {
  const seconds = Math.round((Date.parse(iso) - Date.now()) / 1000);
  if (Math.abs(seconds) < 5) return 'just now';
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  return RELATIVE.format(Math.round(seconds / size), unit);
}

export function refreshTimes() {
  for (const time of document.querySelectorAll('time.relative')) {
    time.textContent = relative(time.getAttribute('datetime') ?? '');
  }
}

/**
 * With its day, unless that is today.
 * @param {string} iso
 */
export function clockTime(iso) {
  const at = new Date(iso);
  const time = at.toLocaleTimeString(undefined, { hour12: false });
  const isToday = at.toDateString() === new Date().toDateString();
  return element('time', { datetime: iso, title: MOMENT.format(at) }, isToday ? time : `${DATE.format(at)}, ${time}`);
}

/**
 * `350 ms`, `6.2 s`, `1 min 5 s`.
 * @param {number} milliseconds
 */
export function duration(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}

/**
 * With a true minus sign.
 * @param {number} value
 * @param {number} [decimals]
 */
export function number(value, decimals = 0) {
  return value
    .toFixed(decimals)
    .replace(/^-(?=.*[1-9])/, '\u2212')
    .replace(/^-/, '');
}

/**
 * PN `Family^Given^Middle^Prefix^Suffix`, groups joined with `=` (PS3.5 6.2.1): "FAMILY, Given Middle (山田 太郎)".
 * @param {string} value
 */
export function personName(value) {
  const [alphabetic = '', ideographic = ''] = value.split('=');
  const [family = '', ...given] = alphabetic.split('^').map((part) => part.trim());
  const others = given.filter((part) => part !== '').join(' ');
  const latin = [family, others].filter((part) => part !== '').join(', ');
  const native = ideographic.replaceAll('^', ' ').trim();
  return latin === '' ? native : native === '' ? latin : `${latin} (${native})`;
}

/**
 * DA `YYYYMMDD`: "28 Feb 1951"; what is no date stays as it is.
 * @param {string} value
 */
export function dicomDate(value) {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(value) ?? [];
  if (year === undefined) return value;
  return DAY.format(new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))));
}

/**
 * Whole years from birth to the study, both DA.
 * @param {string | undefined} birth
 * @param {string | undefined} study
 */
export function ageInYears(birth, study) {
  if (!/^\d{8}$/.test(birth ?? '') || !/^\d{8}$/.test(study ?? '')) return undefined;
  return Math.floor((Number(study) - Number(birth)) / 10_000);
}

/**
 * `1.2.840…3711` for the eye; the whole UID in the tooltip.
 * @param {string} uid
 */
export function shortUid(uid) {
  const text = uid.length <= 24 ? uid : `${uid.slice(0, 10)}…${uid.slice(-8)}`;
  return element('code', { title: uid }, text);
}
