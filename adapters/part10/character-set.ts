/**
 * Specific Character Set (0008,0005): bytes to text (PS3.3 C.12.1.1.2, PS3.5 6.1). The text keeps `\`, `^` and `=` as
 * delimiters, so that a byte of a multi-byte character that looks like one never splits a value.
 */

export type TextReader = (bytes: Uint8Array, isPersonName: boolean) => string;

/** Labels of the Encoding Standard for the upper half of single-byte sets, by ISO registration number. */
const SINGLE_BYTE: Readonly<Record<number, string>> = {
  101: 'iso-8859-2',
  109: 'iso-8859-3',
  110: 'iso-8859-4',
  126: 'iso-8859-7',
  127: 'iso-8859-6',
  138: 'iso-8859-8',
  144: 'iso-8859-5',
  148: 'iso-8859-9',
  203: 'iso-8859-15',
  166: 'windows-874',
  13: 'shift_jis',
};

type Decode = (bytes: Uint8Array) => string;

/** The label `iso-8859-1` means windows-1252 in the Encoding Standard; DICOM means the real one. */
const latin1: Decode = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const decoders = new Map<string, Decode>();
function decoder(label: string): Decode {
  const known = decoders.get(label);
  if (known !== undefined) return known;
  const textDecoder = new TextDecoder(label);
  const decode: Decode = (bytes) => textDecoder.decode(bytes);
  decoders.set(label, decode);
  return decode;
}

/** Reads text under the values of Specific Character Set; none means ASCII, read as Latin-1 where that is broken. */
export function textReader(terms: readonly string[]): TextReader {
  const whole = wholeValueDecoder(terms);
  const upperHalf = singleByte(registration(terms[0] ?? '') ?? 6);
  return (bytes, isPersonName) => {
    if (isPlainAscii(bytes)) return latin1(bytes);
    if (whole !== undefined) return whole(bytes);
    return bytes.includes(ESCAPE) || terms.length > 1 ? iso2022(bytes, upperHalf, isPersonName) : upperHalf(bytes);
  };
}

/** Sets without code extensions (PS3.3 C.12.1.1.2: they stand alone). */
function wholeValueDecoder(terms: readonly string[]): Decode | undefined {
  const term = (terms[0] ?? '').toUpperCase().trim();
  if (term === 'GB18030' || term === 'GBK') return decoder(term.toLowerCase());
  return registration(term) === 192 ? decoder('utf-8') : undefined;
}

/** `ISO_IR 100` and `ISO 2022 IR 100` are 100; hyphens and missing spaces are met in the field. */
function registration(term: string): number | undefined {
  const digits = /^ISO[-_ ]?(?:2022[-_ ]?)?IR[-_ ]?(\d{1,3})$/.exec(term.toUpperCase().trim())?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function singleByte(isoRegistration: number): Decode {
  const label = SINGLE_BYTE[isoRegistration];
  return label === undefined ? latin1 : decoder(label);
}

function isPlainAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 0x80 || byte === ESCAPE) return false;
  return true;
}

const ESCAPE = 0x1b;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const EQUALS = 0x3d;

/** What the two halves of the code table mean after escape sequences. */
interface Shift {
  /** Bytes below 0x80: undefined is ASCII, else two bytes a character. */
  readonly lower: Decode | undefined;
  /** Bytes from 0x80. */
  readonly upper: Decode;
}

const withHighBits = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte | 0x80);
const jisX0208: Decode = (bytes) => decoder('euc-jp')(withHighBits(bytes));
/** EUC-JP marks each character of the supplementary set with 0x8F. */
const jisX0212: Decode = (bytes) => {
  const marked: number[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) marked.push(0x8f, bytes[i]! | 0x80, bytes[i + 1]! | 0x80);
  return decoder('euc-jp')(Uint8Array.from(marked));
};

/** Escape sequences without the escape itself (PS3.3 tables C.12-3 and C.12-4). */
const ESCAPES: Readonly<Record<string, (shift: Shift) => Shift>> = {
  '(B': (shift) => ({ ...shift, lower: undefined }),
  '(J': (shift) => ({ ...shift, lower: undefined }),
  $B: (shift) => ({ ...shift, lower: jisX0208 }),
  '$@': (shift) => ({ ...shift, lower: jisX0208 }),
  '$(D': (shift) => ({ ...shift, lower: jisX0212 }),
  ')I': (shift) => ({ ...shift, upper: singleByte(13) }),
  '$)C': (shift) => ({ ...shift, upper: decoder('euc-kr') }),
  '$)A': (shift) => ({ ...shift, upper: decoder('gbk') }),
  '-A': (shift) => ({ ...shift, upper: latin1 }),
  '-B': (shift) => ({ ...shift, upper: singleByte(101) }),
  '-C': (shift) => ({ ...shift, upper: singleByte(109) }),
  '-D': (shift) => ({ ...shift, upper: singleByte(110) }),
  '-F': (shift) => ({ ...shift, upper: singleByte(126) }),
  '-G': (shift) => ({ ...shift, upper: singleByte(127) }),
  '-H': (shift) => ({ ...shift, upper: singleByte(138) }),
  '-L': (shift) => ({ ...shift, upper: singleByte(144) }),
  '-M': (shift) => ({ ...shift, upper: singleByte(148) }),
  '-b': (shift) => ({ ...shift, upper: singleByte(203) }),
  '-T': (shift) => ({ ...shift, upper: singleByte(166) }),
};

/** Text with code extensions; the first set is in force again after each delimiter (PS3.5 6.1.2.5.3). */
function iso2022(bytes: Uint8Array, initialUpper: Decode, isPersonName: boolean): string {
  const initial: Shift = { lower: undefined, upper: initialUpper };
  let shift = initial;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === ESCAPE) {
      const sequence = escapeAt(bytes, at + 1);
      shift = ESCAPES[sequence]?.(shift) ?? shift;
      at += 1 + sequence.length;
    } else if (shift.lower === undefined && resets(bytes[at]!, isPersonName)) {
      text += String.fromCharCode(bytes[at]!);
      shift = initial;
      at += 1;
    } else {
      const end = runEnd(bytes, at, shift, isPersonName);
      text += decodeRun(bytes.subarray(at, end), shift);
      at = end;
    }
  }
  return text;
}

/** The longest known escape sequence at `start`; an unknown one is passed over with one character. */
function escapeAt(bytes: Uint8Array, start: number): string {
  for (const length of [3, 2]) {
    const sequence = latin1(bytes.subarray(start, start + length));
    if (Object.hasOwn(ESCAPES, sequence)) return sequence;
  }
  return '?';
}

/** End of the bytes from `start` that lie in the same half of the code table. */
function runEnd(bytes: Uint8Array, start: number, shift: Shift, isPersonName: boolean): number {
  const isUpper = bytes[start]! >= 0x80;
  let end = start + 1;
  while (end < bytes.length && bytes[end] !== ESCAPE && bytes[end]! >= 0x80 === isUpper) {
    if (shift.lower === undefined && resets(bytes[end]!, isPersonName)) break;
    end += 1;
  }
  return end;
}

function decodeRun(run: Uint8Array, shift: Shift): string {
  if (run[0]! >= 0x80) return shift.upper(run);
  return shift.lower === undefined ? latin1(run) : shift.lower(run);
}

/** Delimiters and control characters TAB, LF, FF, CR. */
function resets(byte: number, isPersonName: boolean): boolean {
  if (byte === BACKSLASH || byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d) return true;
  return isPersonName && (byte === CARET || byte === EQUALS);
}
