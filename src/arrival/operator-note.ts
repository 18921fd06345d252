import { type Reason, reason } from '../reasons.ts';

const LONGEST = 200;

/** An operator's own words as the reason of a move, in one line; it must name no patient. */
export function operatorReason(note: string | undefined): Reason {
  const line = (note ?? '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, LONGEST);
  return line === '' ? reason('operator-decision') : reason('operator-decision', line);
}
