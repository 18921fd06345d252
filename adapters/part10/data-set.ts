/** Elements to the DICOM JSON Model (PS3.18 Annex F), with text decoded. */
import type { DicomDataSet, DicomElement, DicomValue, PersonName, ValueRepresentation } from '../../src/dicom-json.ts';
import { type TextReader, textReader } from './character-set.ts';
import type { Element, ElementSet } from './elements.ts';
import { dictionaryVr } from './value-representation.ts';

const SPECIFIC_CHARACTER_SET = 0x00080005;
const PIXEL_REPRESENTATION = 0x00280103;
const PIXEL_GROUP = 0x7fe0;

/** VRs of several backslash-delimited values; LT, ST, UT and UR hold one (PS3.5 6.4). */
const TEXT_VRS = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
const SINGLE_VALUE_VRS = new Set(['LT', 'ST', 'UT', 'UR']);
const BINARY_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);

/** What a sequence item inherits from the data set around it. */
interface Scope {
  readonly bytes: Uint8Array;
  readonly read: TextReader;
  readonly signed: boolean;
}

/**
 * The data set without group lengths and without pixel data (group 7FE0, and encapsulated data inside sequences).
 * @param only tags at the top level to convert; all of them where absent.
 */
export function toDicomJson(bytes: Uint8Array, set: ElementSet, only?: ReadonlySet<number>): DicomDataSet {
  return convert(set, { bytes, read: textReader([]), signed: false }, only);
}

function convert(set: ElementSet, outer: Scope, only?: ReadonlySet<number>): DicomDataSet {
  const scope = scopeOf(set, outer);
  const dataSet: Record<string, DicomElement> = {};
  for (const element of set.elements.values()) {
    const isKept =
      (element.tag & 0xffff) !== 0 && element.tag >>> 16 !== PIXEL_GROUP && element.fragments === undefined;
    if (!isKept || only?.has(element.tag) === false) continue;
    dataSet[tagKey(element.tag)] = convertElement(element, set.littleEndian, scope);
  }
  return dataSet;
}

/** `00280010` */
export function tagKey(tag: number): string {
  return tag.toString(16).toUpperCase().padStart(8, '0');
}

function scopeOf(set: ElementSet, outer: Scope): Scope {
  const characterSet = set.elements.get(SPECIFIC_CHARACTER_SET);
  const pixelRepresentation = set.elements.get(PIXEL_REPRESENTATION);
  if (characterSet === undefined && pixelRepresentation === undefined) return outer;
  const first =
    pixelRepresentation === undefined
      ? undefined
      : numbers('US', viewOf(pixelRepresentation, outer.bytes), set.littleEndian)[0];
  return {
    bytes: outer.bytes,
    read: characterSet === undefined ? outer.read : textReader(latin1(characterSet, outer.bytes).split('\\')),
    signed: first === undefined ? outer.signed : first === 1,
  };
}

function convertElement(element: Element, littleEndian: boolean, scope: Scope): DicomElement {
  if (element.items !== undefined) {
    const items = element.items.map((item) => convert(item, scope));
    return items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items };
  }
  const vr = valueRepresentation(element, scope.signed);
  if (element.length === 0 || vr === 'SQ') return { vr };
  // What was written as UN keeps the encoding that it had before: little endian (PS3.5 6.2.2 note 2).
  const isLittle = littleEndian || element.vr === 'UN';
  if (BINARY_VRS.has(vr)) return { vr, InlineBinary: base64(vr, viewOf(element, scope.bytes), isLittle) };
  const values = valuesOf(vr, element, isLittle, scope);
  return values.every((value) => value === null) ? { vr } : { vr, Value: values };
}

function valueRepresentation(element: Element, signed: boolean): ValueRepresentation {
  const written = element.vr === undefined || element.vr === 'UN' ? dictionaryVr(element.tag) : element.vr;
  if (written === 'xs') return signed ? 'SS' : 'US';
  return (written ?? 'UN') as ValueRepresentation;
}

function valuesOf(vr: ValueRepresentation, element: Element, littleEndian: boolean, scope: Scope): DicomValue[] {
  if (vr === 'AT') return attributeTags(viewOf(element, scope.bytes), littleEndian);
  if (NUMBER_SIZES.has(vr)) return numbers(vr, viewOf(element, scope.bytes), littleEndian);
  const text = TEXT_VRS.has(vr) ? scope.read(bytesOf(element, scope.bytes), vr === 'PN') : latin1(element, scope.bytes);
  if (SINGLE_VALUE_VRS.has(vr)) return [unpadded(text).trimEnd() || null];
  return unpadded(text)
    .split('\\')
    .map((value) => parseValue(vr, value.trim()));
}

function parseValue(vr: ValueRepresentation, text: string): DicomValue {
  if (text === '') return null;
  if (vr === 'PN') return personName(text);
  if (vr !== 'DS' && vr !== 'IS') return text;
  const parsed = Number(text);
  // A number that cannot be read stays visible as text: who needs it must say so.
  return Number.isFinite(parsed) ? parsed : text;
}

function personName(text: string): PersonName {
  const [alphabetic = '', ideographic = '', phonetic = ''] = text.split('=');
  return {
    ...(alphabetic === '' ? {} : { Alphabetic: alphabetic }),
    ...(ideographic === '' ? {} : { Ideographic: ideographic }),
    ...(phonetic === '' ? {} : { Phonetic: phonetic }),
  };
}

const NUMBER_SIZES = new Map([
  ['FL', 4],
  ['FD', 8],
  ['SL', 4],
  ['SS', 2],
  ['SV', 8],
  ['UL', 4],
  ['US', 2],
  ['UV', 8],
]);

/** Every whole value of a binary number VR; bytes too few for one more are left out. */
function numbers(vr: string, view: DataView, littleEndian: boolean): (number | string)[] {
  const size = NUMBER_SIZES.get(vr)!;
  const values: (number | string)[] = [];
  for (let at = 0; at + size <= view.byteLength; at += size) values.push(numberAt(vr, view, at, littleEndian));
  return values;
}

function numberAt(vr: string, view: DataView, at: number, littleEndian: boolean): number | string {
  if (vr === 'US') return view.getUint16(at, littleEndian);
  if (vr === 'SS') return view.getInt16(at, littleEndian);
  if (vr === 'UL') return view.getUint32(at, littleEndian);
  if (vr === 'SL') return view.getInt32(at, littleEndian);
  if (vr === 'FL') return view.getFloat32(at, littleEndian);
  if (vr === 'FD') return view.getFloat64(at, littleEndian);
  const wide = vr === 'SV' ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian);
  const narrow = Number(wide);
  return Number.isSafeInteger(narrow) ? narrow : String(wide);
}

function attributeTags(view: DataView, littleEndian: boolean): string[] {
  const tags: string[] = [];
  for (let at = 0; at + 4 <= view.byteLength; at += 4) {
    tags.push(tagKey(view.getUint16(at, littleEndian) * 0x10000 + view.getUint16(at + 2, littleEndian)));
  }
  return tags;
}

/** InlineBinary is little endian (PS3.18 F.2.7). */
function base64(vr: string, view: DataView, littleEndian: boolean): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  if (littleEndian || vr === 'OB' || vr === 'UN') return bytes.toString('base64');
  const wordLength = vr === 'OW' ? 2 : vr === 'OF' || vr === 'OL' ? 4 : 8;
  const swapped = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % wordLength)));
  if (wordLength === 2) swapped.swap16();
  else if (wordLength === 4) swapped.swap32();
  else swapped.swap64();
  return swapped.toString('base64');
}

function bytesOf(element: Element, bytes: Uint8Array): Uint8Array {
  return bytes.subarray(element.offset, element.offset + element.length);
}

function viewOf(element: Element, bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + element.offset, element.length);
}

function latin1(element: Element, bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + element.offset, element.length).toString('latin1');
}

function unpadded(text: string): string {
  return text.replace(/\0+$/, '');
}
