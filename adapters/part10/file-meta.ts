/** File Meta Information (PS3.10 section 7.1), as tolerant as files in the field make necessary. */
import {
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../src/arrival/transfer-syntax.ts';
import { reason, type Skipped } from '../../src/reasons.ts';
import { type Encoding, vrAt } from './elements.ts';

export interface FileMeta {
  /** Where the data set starts. */
  readonly dataSetStart: number;
  /** As stated; where nothing is stated or it is the wrong one of the native syntaxes, as the first element shows. */
  readonly transferSyntaxUid: string;
  readonly encoding: Encoding;
  readonly mediaStorageSopClassUid?: string;
  /** False where only the look of the first element says that this is DICOM. */
  readonly marked: boolean;
}

const PREFIX = 'DICM';
const PREAMBLE_LENGTH = 128;
const META_GROUP = 0x0002;

/** Reads group 0002, found by its tags: the group length is missing or wrong too often to be trusted. */
export function readFileMeta(bytes: Uint8Array): FileMeta | Skipped {
  if (bytes.length === 0) return { skipped: reason('empty-file') };
  const start = metaStart(bytes);
  if (start === undefined) return withoutMeta(bytes);
  const values = new Map<number, string>();
  const end = walkMeta(bytes, start, values);
  if (end === undefined || end + 8 > bytes.length)
    return { skipped: reason('truncated-file', `${bytes.length} bytes`) };
  const transferSyntaxUid = corrected(bytes, end, values.get(0x0010));
  if (transferSyntaxUid === undefined) return { skipped: reason('data-set-invalid', 'no transfer syntax fits') };
  const sopClass = values.get(0x0002);
  return {
    dataSetStart: end,
    transferSyntaxUid,
    encoding: encodingOf(transferSyntaxUid, bytes, end),
    ...(sopClass ? { mediaStorageSopClassUid: sopClass } : {}),
    marked: true,
  };
}

/**
 * How elements are written under a transfer syntax (PS3.5 section 10 and Annex A). Encapsulated pixel data inside an
 * implicit VR data set is against the standard and met in the field.
 */
function encodingOf(transferSyntaxUid: string, bytes: Uint8Array, dataSetStart: number): Encoding {
  const isDeflated = transferSyntaxUid === DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
  return {
    explicit: isDeflated || vrAt(bytes, dataSetStart + 4) !== undefined,
    littleEndian: transferSyntaxUid !== EXPLICIT_VR_BIG_ENDIAN,
  };
}

/** Behind preamble and prefix; or at once, where the preamble or both were cut off. */
function metaStart(bytes: Uint8Array): number | undefined {
  if (textAt(bytes, PREAMBLE_LENGTH, 4) === PREFIX) return PREAMBLE_LENGTH + 4;
  if (textAt(bytes, 0, 4) === PREFIX) return 4;
  return uint16(bytes, 0) === META_GROUP && vrAt(bytes, 4) !== undefined ? 0 : undefined;
}

/** Collects the values of group 0002 by element number; returns the end of the group, undefined where the file ends inside. */
function walkMeta(bytes: Uint8Array, start: number, values: Map<number, string>): number | undefined {
  let at = start;
  while (at + 8 <= bytes.length && uint16(bytes, at) === META_GROUP) {
    const long = /^O[BW]$|^U[NT]$/.test(textAt(bytes, at + 4, 2));
    const length = long ? uint16(bytes, at + 8) + uint16(bytes, at + 10) * 0x10000 : uint16(bytes, at + 6);
    const offset = at + (long ? 12 : 8);
    if (offset + length > bytes.length) return undefined;
    values.set(uint16(bytes, at + 2), textAt(bytes, offset, length).replace(/[\0 ]+$/, ''));
    at = offset + length;
  }
  return at;
}

function withoutMeta(bytes: Uint8Array): FileMeta | Skipped {
  const transferSyntaxUid = bytes.length < 8 ? undefined : guess(bytes, 0, 0x0008, 0x0008);
  if (transferSyntaxUid === undefined) return { skipped: reason('not-dicom') };
  return { dataSetStart: 0, transferSyntaxUid, encoding: encodingOf(transferSyntaxUid, bytes, 0), marked: false };
}

/**
 * The stated transfer syntax, unless the first element shows that the writer stated the wrong one of the two little
 * endian syntaxes, or none at all.
 */
function corrected(bytes: Uint8Array, start: number, stated: string | undefined): string | undefined {
  const isExplicit = vrAt(bytes, start + 4) !== undefined;
  if (stated === undefined || stated === '') return guess(bytes, start, 0x0001, 0x7fe0);
  if (stated === IMPLICIT_VR_LITTLE_ENDIAN && isExplicit) return EXPLICIT_VR_LITTLE_ENDIAN;
  if (stated === EXPLICIT_VR_LITTLE_ENDIAN && !isExplicit) return IMPLICIT_VR_LITTLE_ENDIAN;
  return stated;
}

/** Transfer syntax by the first element, whose group must lie within the bounds. */
function guess(bytes: Uint8Array, start: number, lowestGroup: number, highestGroup: number): string | undefined {
  const little = uint16(bytes, start);
  const big = (bytes[start]! << 8) | bytes[start + 1]!;
  const fits = (group: number): boolean => group >= lowestGroup && group <= highestGroup;
  if (vrAt(bytes, start + 4) === undefined) return fits(little) ? IMPLICIT_VR_LITTLE_ENDIAN : undefined;
  if (fits(big) && (big < little || !fits(little))) return EXPLICIT_VR_BIG_ENDIAN;
  return fits(little) ? EXPLICIT_VR_LITTLE_ENDIAN : undefined;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', at, at + Math.min(length, 64));
}
