/** Values of each VR as bytes (PS3.5 6.2), refused where the VR does not allow them. */
import type { DicomValue, PersonName, ValueRepresentation } from '../../src/dicom-json.ts';
import { isUid } from '../../src/uid.ts';
import { decimalString } from '../../src/writeback/text.ts';
import type { ByteSink } from './byte-sink.ts';

/** Writes the values, without padding; false where one of them is not valid for the VR. */
export type ValueWriter = (sink: ByteSink, values: readonly DicomValue[]) => boolean;

const BACKSLASH = 0x5c;
/** No control character, no separator of values (PS3.5 6.1.3). */
const LINE = /^[^\p{Cc}\\]*$/u;
/** Of control characters only LF, FF and CR. */
const TEXT = /^(?:[\n\f\r]|\P{Cc})*$/u;

/** Several values, separated by a backslash. */
function strings(encode: (value: DicomValue) => string | undefined): ValueWriter {
  return (sink, values) => {
    for (let i = 0; i < values.length; i += 1) {
      const text = encode(values[i]!);
      if (text === undefined) return false;
      if (i > 0) sink.uint8(BACKSLASH);
      sink.text(text);
    }
    return true;
  };
}

function matching(pattern: RegExp): ValueWriter {
  return strings((value) => (typeof value === 'string' && pattern.test(value) ? value : undefined));
}

/** One value, in which a backslash is a character like any other. */
const text: ValueWriter = (sink, values) => {
  const [value] = values;
  if (values.length !== 1 || typeof value !== 'string' || !TEXT.test(value)) return false;
  sink.text(value);
  return true;
};

function decimal(value: DicomValue): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? decimalString(value) : undefined;
  if (typeof value !== 'string' || value.length > 16) return undefined;
  return /^[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)?$/.test(value) ? value : undefined;
}

function integer(value: DicomValue): string | undefined {
  if (typeof value === 'string' && !/^[+-]?\d{1,11}$/.test(value)) return undefined;
  const number = Number(value);
  if (value === null || typeof value === 'object') return undefined;
  return Number.isInteger(number) && Math.abs(number) < 2 ** 31 ? String(number) : undefined;
}

/** Groups joined by `=`, without empty ones at the end (PS3.5 6.2.1). */
function personName(value: DicomValue): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as PersonName;
  const joined = `${Alphabetic}=${Ideographic}=${Phonetic}`.replace(/=+$/, '');
  return LINE.test(joined) ? joined : undefined;
}

function integers(low: number, high: number, write: (sink: ByteSink, value: number) => void): ValueWriter {
  return (sink, values) => {
    for (const value of values) {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) return false;
      write(sink, value);
    }
    return true;
  };
}

/** 64 bits do not fit a number, so the JSON model also has them as strings (PS3.18 F.2.3). */
function longIntegers(low: bigint, high: bigint): ValueWriter {
  return (sink, values) => {
    for (const value of values) {
      const number = longInteger(value);
      if (number === undefined || number < low || number > high) return false;
      sink.uint64(number);
    }
    return true;
  };
}

function longInteger(value: DicomValue): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function floats(write: (sink: ByteSink, value: number) => void): ValueWriter {
  return (sink, values) => {
    for (const value of values) {
      if (typeof value !== 'number' || !Number.isFinite(value)) return false;
      write(sink, value);
    }
    return true;
  };
}

const tags: ValueWriter = (sink, values) => {
  for (const value of values) {
    if (typeof value !== 'string' || !/^[0-9A-F]{8}$/.test(value)) return false;
    sink.uint16(Number.parseInt(value.slice(0, 4), 16));
    sink.uint16(Number.parseInt(value.slice(4), 16));
  }
  return true;
};

/**
 * VRs with values. The lengths of LO, SH and PN are not checked: identifiers come from the images and are copied whole,
 * even where a scanner made them too long, since half an identifier would name somebody else.
 */
export const VALUE_WRITERS: Readonly<Partial<Record<ValueRepresentation, ValueWriter>>> = {
  AE: matching(/^[ -[\]-~]{1,16}$/),
  AS: matching(/^\d{3}[DWMY]$/),
  AT: tags,
  CS: matching(/^[A-Z0-9 _]{1,16}$/),
  DA: matching(/^\d{8}$/),
  DS: strings(decimal),
  DT: matching(/^\d{4}(\d{2}){0,5}(\.\d{1,6})?([+-]\d{4})?$/),
  FD: floats((sink, value) => sink.float64(value)),
  FL: floats((sink, value) => sink.float32(value)),
  IS: strings(integer),
  LO: matching(LINE),
  LT: text,
  PN: strings(personName),
  SH: matching(LINE),
  SL: integers(-(2 ** 31), 2 ** 31 - 1, (sink, value) => sink.uint32(value)),
  SS: integers(-(2 ** 15), 2 ** 15 - 1, (sink, value) => sink.uint16(value)),
  ST: text,
  SV: longIntegers(-(2n ** 63n), 2n ** 63n - 1n),
  TM: matching(/^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/),
  UC: matching(LINE),
  UI: strings((value) => (typeof value === 'string' && isUid(value) ? value : undefined)),
  UL: integers(0, 2 ** 32 - 1, (sink, value) => sink.uint32(value)),
  UR: matching(/^[!-[\]-~][ -[\]-~]*$/),
  US: integers(0, 2 ** 16 - 1, (sink, value) => sink.uint16(value)),
  UT: text,
  UV: longIntegers(0n, 2n ** 64n - 1n),
};
