/**
 * DICOM unique identifiers as branded strings: made only by {@link parseUid} and {@link nameBasedUid},
 * so that a Study UID can never be passed where a SOP Instance UID is asked for.
 */
import { createHash } from 'node:crypto';
import { WetreadError } from './errors.ts';

declare const uidBrand: unique symbol;
export type Uid<Kind extends string> = string & { readonly [uidBrand]: Kind };
export type StudyInstanceUid = Uid<'StudyInstanceUid'>;
export type SeriesInstanceUid = Uid<'SeriesInstanceUid'>;
export type SopInstanceUid = Uid<'SopInstanceUid'>;
export type FrameOfReferenceUid = Uid<'FrameOfReferenceUid'>;
type AnyUid = StudyInstanceUid | SeriesInstanceUid | SopInstanceUid | FrameOfReferenceUid;

/** PS3.5 section 9.1: at most 64 characters, digits and dots, no component with a leading zero. */
const UID_PATTERN = /^(0|[1-9]\d*)(\.(0|[1-9]\d*))+$/;

export function isUid(text: string): boolean {
  return text.length <= 64 && UID_PATTERN.test(text);
}

/** @throws WetreadError `uid-invalid` where the text breaks PS3.5 section 9.1 (trailing NUL and space padding is tolerated). */
export function parseUid<U extends AnyUid>(text: string): U {
  const trimmed = text.replace(/[\0 ]+$/, '');
  if (!isUid(trimmed)) throw new WetreadError('uid-invalid', 'A UID breaks the rules of PS3.5 section 9.1');
  return trimmed as U;
}

/**
 * A UID derived from a name: SHA-256, first 128 bits, stamped as a UUID of version 8, in decimal under 2.25 (PS3.5 B.2).
 * The same name always gives the same UID, so that work done twice leaves one visible result.
 */
export function nameBasedUid<U extends AnyUid>(...name: readonly string[]): U {
  const bytes = createHash('sha256').update(JSON.stringify(name)).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${bytes.toString('hex')}`)}` as U;
}
