/** Builds Part 10 bytes element by element, well-formed or not: what a writer with rules would refuse to write. */

const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
export const UNDEFINED_LENGTH = 0xffffffff;

type Value = string | Uint8Array | readonly number[];

/** Explicit VR little endian; text is padded, numbers are written as US. */
export function element(tag: number, vr: string, value: Value, length?: number): Uint8Array {
  const bytes = bytesOf(value, vr);
  const isLong = LONG_VRS.has(vr);
  const head = Buffer.alloc(isLong ? 12 : 8);
  writeTag(head, tag);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(length ?? bytes.length, 8);
  else head.writeUInt16LE(length ?? bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

/** Implicit VR little endian. */
export function implicitElement(tag: number, value: Value, length?: number): Uint8Array {
  const bytes = bytesOf(value, 'LO');
  const head = Buffer.alloc(8);
  writeTag(head, tag);
  head.writeUInt32LE(length ?? bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/** An item (FFFE,E000) around bytes: of a sequence, or of encapsulated pixel data. */
export function item(bytes: Uint8Array): Uint8Array {
  return implicitElement(0xfffee000, bytes);
}

export function sequenceDelimiter(): Uint8Array {
  return implicitElement(0xfffee0dd, new Uint8Array(0));
}

/** Encapsulated pixel data: Basic Offset Table, fragments, delimiter. */
export function encapsulated(offsets: readonly number[], fragments: readonly Uint8Array[]): Uint8Array {
  const table = Buffer.alloc(4 * offsets.length);
  for (const [i, offset] of offsets.entries()) table.writeUInt32LE(offset, 4 * i);
  const items = [table, ...fragments].map((bytes) => item(bytes));
  return Buffer.concat([element(0x7fe00010, 'OB', Buffer.concat(items), UNDEFINED_LENGTH), sequenceDelimiter()]);
}

/** Preamble, prefix and file meta information around a data set. */
export function part10(transferSyntaxUid: string, ...dataSet: readonly Uint8Array[]): Uint8Array {
  const meta = Buffer.concat([element(0x00020003, 'UI', '1.2.3.4'), element(0x00020010, 'UI', transferSyntaxUid)]);
  const groupLength = Buffer.alloc(4);
  groupLength.writeUInt32LE(meta.length);
  const prefix = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]);
  return Buffer.concat([prefix, element(0x00020000, 'UL', groupLength), meta, ...dataSet]);
}

export interface PixelDescription {
  readonly rows: number;
  readonly columns: number;
  readonly frames?: number;
  readonly samples?: number;
  readonly photometric?: string;
  readonly planar?: number;
  readonly allocated?: number;
  readonly stored?: number;
  readonly highBit?: number;
  readonly signed?: boolean;
}

/** The elements that every image needs, for explicit VR little endian. */
export function imageElements(pixels: PixelDescription): Uint8Array[] {
  const { rows, columns, frames = 1, samples = 1, photometric = 'MONOCHROME2', allocated = 16 } = pixels;
  const stored = pixels.stored ?? allocated;
  return [
    ...identityElements(),
    element(0x00280002, 'US', [samples]),
    element(0x00280004, 'CS', photometric),
    ...(samples > 1 ? [element(0x00280006, 'US', [pixels.planar ?? 0])] : []),
    element(0x00280008, 'IS', String(frames)),
    element(0x00280010, 'US', [rows]),
    element(0x00280011, 'US', [columns]),
    element(0x00280100, 'US', [allocated]),
    element(0x00280101, 'US', [stored]),
    element(0x00280102, 'US', [pixels.highBit ?? stored - 1]),
    element(0x00280103, 'US', [pixels.signed === true ? 1 : 0]),
  ];
}

export function identityElements(): Uint8Array[] {
  return [
    element(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
    element(0x00080018, 'UI', '1.2.3.4'),
    element(0x00080060, 'CS', 'CT'),
    element(0x00100010, 'PN', PLANTED_NAME),
    element(0x0020000d, 'UI', '1.2.3.4.5'),
    element(0x0020000e, 'UI', '1.2.3.4.6'),
  ];
}

/** A patient name that must never turn up in a reason. */
export const PLANTED_NAME = 'Plantagenet^Eleanor';

/** A file of the test data without UIDs in its data set, given some. */
export function withUids(file: Uint8Array): Uint8Array {
  const at = Buffer.from(file.buffer, file.byteOffset, file.length).lastIndexOf(
    Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f]),
  );
  return Buffer.concat([file.subarray(0, at), ...identityElements(), file.subarray(at)]);
}

function writeTag(head: Buffer, tag: number): void {
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
}

function bytesOf(value: Value, vr: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') return new Uint8Array(Uint16Array.from(value).buffer);
  const padded = value.length % 2 === 0 ? value : value + (vr === 'UI' ? '\0' : ' ');
  return Buffer.from(padded, 'latin1');
}
