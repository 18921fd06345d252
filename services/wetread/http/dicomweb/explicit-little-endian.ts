/**
 * Native data sets in Explicit VR Little Endian (PS3.5 sections 7.1 and 10.1): values are kept byte for byte, only
 * headers and byte order change. Deflated data sets are inflated; encapsulated ones are not handled.
 */
import { inflateRawSync } from 'node:zlib';
import type { StoredInstance } from '../../../../adapters/directory/instance.ts';
import { type Element, type ElementSet, readElements } from '../../../../adapters/part10/elements.ts';
import { readFileMeta } from '../../../../adapters/part10/file-meta.ts';
import { dictionaryVr } from '../../../../adapters/part10/value-representation.ts';
import { instanceWriter } from '../../../../adapters/part10/writer.ts';
import { DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN } from '../../../../src/arrival/transfer-syntax.ts';
import { WetreadError } from '../../../../src/errors.ts';
import { isSkipped } from '../../../../src/reasons.ts';

const PIXEL_REPRESENTATION = 0x00280103;
const UNDEFINED_VR = 'UN';
/** PS3.5 table 7.1-1: two reserved bytes and a length of four. */
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
/** Bytes of the numbers that byte order concerns; AT is two numbers of two bytes. */
const NUMBER_BYTES: Readonly<Record<string, 2 | 4 | 8>> = {
  AT: 2,
  FD: 8,
  FL: 4,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  OW: 2,
  SL: 4,
  SS: 2,
  SV: 8,
  UL: 4,
  US: 2,
  UV: 8,
};

/** @throws WetreadError `part10-invalid` where the stored bytes cannot be read any more. */
export function toExplicitLittleEndian(file: Buffer, instance: StoredInstance): Buffer {
  const meta = readFileMeta(file);
  if (isSkipped(meta)) throw unreadable();
  if (meta.transferSyntaxUid === DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN) {
    return Buffer.concat([headOf(instance), inflateRawSync(file.subarray(meta.dataSetStart))]);
  }
  const set = readElements(file, meta.dataSetStart, meta.encoding);
  if (isSkipped(set)) throw unreadable();
  const chunks: Uint8Array[] = [headOf(instance)];
  new ExplicitWriter(file, chunks).write(set, false);
  return Buffer.concat(chunks);
}

/** Preamble and file meta information: those of an instance without a data set. */
function headOf({ studyInstanceUid, seriesInstanceUid, sopInstanceUid, sopClassUid }: StoredInstance): Uint8Array {
  const uids = { studyInstanceUid, seriesInstanceUid, sopInstanceUid, sopClassUid };
  return instanceWriter().write({ kind: 'sr', ...uids, dataSet: {} });
}

class ExplicitWriter {
  readonly #file: Buffer;
  readonly #chunks: Uint8Array[];

  constructor(file: Buffer, chunks: Uint8Array[]) {
    this.#file = file;
    this.#chunks = chunks;
  }

  /** @returns the number of bytes written. */
  write(set: ElementSet, signedAround: boolean): number {
    const representation = set.elements.get(PIXEL_REPRESENTATION);
    const signed = representation === undefined ? signedAround : this.#isSigned(representation, set.littleEndian);
    let bytes = 0;
    for (const element of set.elements.values()) {
      // Group lengths would be wrong now, and are retired (PS3.5 7.2).
      if ((element.tag & 0xffff) === 0) continue;
      bytes +=
        element.items === undefined ? this.#value(element, set.littleEndian, signed) : this.#sequence(element, signed);
    }
    return bytes;
  }

  #isSigned(element: Element, littleEndian: boolean): boolean {
    return this.#file[element.offset + (littleEndian ? 0 : 1)] === 1;
  }

  #value(element: Element, littleEndian: boolean, signed: boolean): number {
    const known = element.vr ?? dictionaryVr(element.tag) ?? UNDEFINED_VR;
    const stated = known === 'xs' ? (signed ? 'SS' : 'US') : known;
    // A length of more than 16 bits has no room under most VRs (PS3.5 6.2.2 note 2).
    const vr = LONG_VRS.has(stated) || element.length <= 0xffff ? stated : UNDEFINED_VR;
    const value = this.#file.subarray(element.offset, element.offset + element.length);
    const ordered = littleEndian ? value : swapped(value, NUMBER_BYTES[stated]);
    return this.#head(element.tag, vr, element.length) + this.#push(ordered);
  }

  #sequence(element: Element, signed: boolean): number {
    const at = this.#chunks.length;
    let length = 0;
    for (const item of element.items ?? []) {
      const before = this.#chunks.length;
      const itemLength = this.write(item, signed);
      this.#chunks.splice(before, 0, itemHead(itemLength));
      length += 8 + itemLength;
    }
    this.#chunks.splice(at, 0, elementHead(element.tag, 'SQ', length));
    return this.#chunks[at]!.length + length;
  }

  #head(tag: number, vr: string, length: number): number {
    return this.#push(elementHead(tag, vr, length));
  }

  #push(bytes: Uint8Array): number {
    this.#chunks.push(bytes);
    return bytes.length;
  }
}

function elementHead(tag: number, vr: string, length: number): Buffer {
  const long = LONG_VRS.has(vr);
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(length, 8);
  else head.writeUInt16LE(length, 6);
  return head;
}

function itemHead(length: number): Buffer {
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(length, 4);
  return head;
}

function swapped(value: Buffer, bytes: 2 | 4 | 8 | undefined): Buffer {
  if (bytes === undefined || value.length % bytes !== 0) return value;
  const copy = Buffer.from(value);
  if (bytes === 2) return copy.swap16();
  return bytes === 4 ? copy.swap32() : copy.swap64();
}

function unreadable(): WetreadError {
  return new WetreadError('part10-invalid', 'A stored instance cannot be read any more');
}
