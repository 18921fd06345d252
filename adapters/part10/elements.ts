/**
 * Walks the elements of a data set (PS3.5 section 7) without copying or decoding a value.
 *
 * An own walker, because dicom-parser 1.8.21 reads the length of OV, SV and UV in 16 bits (so that every file with an
 * Extended Offset Table is misread), drops private sequences of implicit VR, and keeps silent about items that end early.
 */
import { type Reason, reason, type Skipped } from '../../src/reasons.ts';
import { dictionaryVr } from './value-representation.ts';

export interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

/** A stretch of the file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** One element; `offset` and `length` are those of its value. */
export interface Element extends Extent {
  readonly tag: number;
  /** Absent in implicit VR. */
  readonly vr: string | undefined;
  readonly items?: readonly ElementSet[];
  /** Items of encapsulated pixel data, the Basic Offset Table first (PS3.5 A.4). */
  readonly fragments?: readonly Extent[];
}

export interface ElementSet {
  readonly littleEndian: boolean;
  readonly elements: ReadonlyMap<number, Element>;
}

export const PIXEL_DATA = 0x7fe00010;
const ITEM = 0xfffee000;
const ITEM_DELIMITER = 0xfffee00d;
const SEQUENCE_DELIMITER = 0xfffee0dd;
const UNDEFINED_LENGTH = 0xffffffff;
/** Structured reports nest by ten or so; deeper than this is an attack on the stack. */
const MAXIMUM_DEPTH = 64;

const SHORT_VRS = 'AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US';
const LONG_VRS = 'OB OD OF OL OV OW SQ SV UC UN UR UT UV';
const VRS = new Map(
  [...SHORT_VRS.split(' '), ...LONG_VRS.split(' ')].map((vr) => [
    vr.charCodeAt(0) | (vr.charCodeAt(1) << 8),
    { vr, long: LONG_VRS.includes(vr) },
  ]),
);

/** The VR whose two letters stand at `offset`, if any. */
export function vrAt(bytes: Uint8Array, offset: number): string | undefined {
  return VRS.get(bytes[offset]! | (bytes[offset + 1]! << 8))?.vr;
}

/** @returns every element from `start` on, or why they cannot be read. A fault behind complete pixel data is ignored. */
export function readElements(bytes: Uint8Array, start: number, encoding: Encoding): ElementSet | Skipped {
  const walker = new Walker(bytes, start);
  const set = walker.elements(bytes.length, encoding, 0, false);
  if (walker.fault !== undefined && !set.elements.has(PIXEL_DATA)) return { skipped: walker.fault };
  return set;
}

interface Head {
  readonly vr: string | undefined;
  readonly offset: number;
  readonly length: number;
}

class Walker {
  fault: Reason | undefined;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
  }

  /** Elements up to `end`, or to the item delimiter where the item has no length. */
  elements(end: number, encoding: Encoding, depth: number, delimited: boolean): ElementSet {
    const elements = new Map<number, Element>();
    while (this.fault === undefined && (this.#position < end || delimited)) {
      if (this.#position + 8 > end) {
        if (delimited || !this.#isZero(end)) this.#cutShort(this.#position + 8);
        break;
      }
      const tag = this.#tag(encoding.littleEndian);
      if (tag === ITEM_DELIMITER) {
        this.#position += 8;
        if (delimited) break;
        continue;
      }
      if (tag === 0 && elements.size > 0 && this.#isZero(end)) break;
      const element = this.#element(tag, end, encoding, depth);
      if (element !== undefined) elements.set(tag, element);
    }
    return { littleEndian: encoding.littleEndian, elements };
  }

  #element(tag: number, end: number, encoding: Encoding, depth: number): Element | undefined {
    const head = this.#head(end, encoding);
    if (head === undefined) return undefined;
    this.#position = head.offset;
    if (head.length === UNDEFINED_LENGTH) return this.#openEnded(tag, head, end, encoding, depth);
    const next = head.offset + head.length;
    if (next > end) {
      this.#cutShort(next);
      return undefined;
    }
    const items = head.length === 0 ? undefined : this.#nested(tag, head, next, encoding, depth);
    if (this.fault !== undefined) return undefined;
    this.#position = next;
    return items === undefined ? { tag, ...head } : { tag, ...head, items };
  }

  #head(end: number, encoding: Encoding): Head | undefined {
    const at = this.#position;
    if (!encoding.explicit) {
      return { vr: undefined, offset: at + 8, length: this.#view.getUint32(at + 4, true) };
    }
    const known = VRS.get(this.#view.getUint16(at + 4, true));
    if (known === undefined) {
      this.fault = reason('data-set-invalid', `no value representation at byte ${at}`);
      return undefined;
    }
    if (!known.long) {
      return { vr: known.vr, offset: at + 8, length: this.#view.getUint16(at + 6, encoding.littleEndian) };
    }
    if (at + 12 > end) {
      this.#cutShort(at + 12);
      return undefined;
    }
    return { vr: known.vr, offset: at + 12, length: this.#view.getUint32(at + 8, encoding.littleEndian) };
  }

  /** A sequence without a length, or encapsulated data. */
  #openEnded(tag: number, head: Head, end: number, encoding: Encoding, depth: number): Element | undefined {
    const isSequence = tag !== PIXEL_DATA && (head.vr === undefined || head.vr === 'SQ' || head.vr === 'UN');
    const content = isSequence
      ? { items: this.#items(end, itemEncoding(head.vr, encoding), depth + 1, true) }
      : { fragments: this.#fragments(end, encoding.littleEndian) };
    if (this.fault !== undefined) return undefined;
    return { tag, ...head, length: this.#position - head.offset, ...content };
  }

  /** Items of a sequence with a length; private and unknown elements are only tried, and left alone where that fails. */
  #nested(tag: number, head: Head, end: number, encoding: Encoding, depth: number): ElementSet[] | undefined {
    const isSequence = head.vr === 'SQ' || (head.vr === undefined && dictionaryVr(tag) === 'SQ');
    if (isSequence) return this.#items(end, encoding, depth + 1, false);
    const mayBe = (head.vr === undefined && dictionaryVr(tag) === undefined) || head.vr === 'UN';
    if (!mayBe || head.length < 8 || this.#tag(true) !== ITEM) return undefined;
    const items = this.#items(end, itemEncoding('UN', encoding), depth + 1, false);
    if (this.fault === undefined) return items;
    this.fault = undefined;
    return undefined;
  }

  #items(end: number, encoding: Encoding, depth: number, delimited: boolean): ElementSet[] {
    const items: ElementSet[] = [];
    if (depth > MAXIMUM_DEPTH) this.fault = reason('data-set-invalid', 'sequences are nested too deep');
    while (this.fault === undefined && (this.#position < end || delimited)) {
      const item = this.#item(end, encoding.littleEndian);
      if (item === undefined) break;
      const open = item.length === UNDEFINED_LENGTH;
      items.push(this.elements(open ? end : item.offset + item.length, encoding, depth, open));
    }
    return items;
  }

  #fragments(end: number, littleEndian: boolean): Extent[] {
    const fragments: Extent[] = [];
    while (this.fault === undefined) {
      // Some writers leave out the delimiter at the end of the file: what came before it is complete.
      if (this.#position === this.#bytes.length && fragments.length > 1) break;
      const fragment = this.#item(end, littleEndian);
      if (fragment === undefined) break;
      fragments.push(fragment);
      this.#position += fragment.length;
    }
    return fragments;
  }

  /** Head of the next item; undefined at the delimiter or at a fault. */
  #item(end: number, littleEndian: boolean): Extent | undefined {
    if (this.#position + 8 > end) {
      this.#cutShort(this.#position + 8);
      return undefined;
    }
    const tag = this.#tag(littleEndian);
    const length = this.#view.getUint32(this.#position + 4, littleEndian);
    this.#position += 8;
    if (tag === SEQUENCE_DELIMITER) return undefined;
    if (tag !== ITEM)
      this.fault = reason('data-set-invalid', `no item where one must be, at byte ${this.#position - 8}`);
    else if (length !== UNDEFINED_LENGTH && this.#position + length > end) this.#cutShort(this.#position + length);
    return this.fault === undefined ? { offset: this.#position, length } : undefined;
  }

  #tag(littleEndian: boolean): number {
    const group = this.#view.getUint16(this.#position, littleEndian);
    return group * 0x10000 + this.#view.getUint16(this.#position + 2, littleEndian);
  }

  /** The file ends before what it announces, or an element reaches beyond its item. */
  #cutShort(needed: number): void {
    this.fault =
      needed > this.#bytes.length
        ? reason('truncated-file', `${this.#bytes.length} bytes`)
        : reason('data-set-invalid', `an element reaches beyond its item at byte ${this.#position}`);
  }

  #isZero(end: number): boolean {
    return this.#bytes.subarray(this.#position, end).every((byte) => byte === 0);
  }
}

/** What lies inside an element of VR UN is implicit VR little endian (PS3.5 6.2.2 note 4). */
function itemEncoding(vr: string | undefined, encoding: Encoding): Encoding {
  return vr === 'UN' ? { explicit: false, littleEndian: true } : encoding;
}
