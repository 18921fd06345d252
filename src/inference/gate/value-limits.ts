/** Lists of values that a card allows or refuses, compared with what an image says of itself. */
import type { ValueLimits } from '../../../contracts/generated/types.ts';
import { matchesPattern } from '../rules/pattern.ts';

/**
 * Why the value is not one that may be read; undefined where it is. In words that quote the card and never the header,
 * where anything may stand.
 */
export function outsideLimits(value: string | undefined, limits: ValueLimits | undefined): string | undefined {
  if (limits === undefined) return undefined;
  const { allowed, refused = [], unknown = allowed === undefined ? 'accepted' : 'refused' } = limits;
  const said = value?.trim() ?? '';
  if (said === '') return unknown === 'accepted' ? undefined : 'is not recorded, and the model needs to know';
  if (allowed !== undefined && !allowed.some((pattern) => matchesPattern(said, pattern)))
    return `is none of ${allowed.join(', ')}`;
  const found = refused.find((pattern) => matchesPattern(said, pattern));
  return found === undefined ? undefined : `is ${found}, which the model does not read`;
}
