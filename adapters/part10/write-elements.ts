/** Data sets of the DICOM JSON model as Explicit VR Little Endian (PS3.5 7.1.2, 7.5). */
import type { DicomDataSet, DicomElement, ValueRepresentation } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { ByteSink } from './byte-sink.ts';
import { VALUE_WRITERS } from './write-values.ts';

/** VRs whose length takes two bytes (PS3.5 Table 7.1-2); the others have two reserved bytes and four of length. */
const SHORT = new Set<ValueRepresentation>([
  'AE',
  'AS',
  'AT',
  'CS',
  'DA',
  'DS',
  'DT',
  'FD',
  'FL',
  'IS',
  'LO',
  'LT',
  'PN',
  'SH',
  'SL',
  'SS',
  'ST',
  'TM',
  'UI',
  'UL',
  'US',
]);

/** Size of one value of the binary VRs, in bytes. */
const BINARY: Readonly<Partial<Record<ValueRepresentation, number>>> = {
  OB: 1,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  OW: 2,
  UN: 1,
};

/** Elements in ascending order of their tags (PS3.5 7.1). @throws WetreadError `internal`, naming the first invalid one */
export function writeElements(sink: ByteSink, dataSet: DicomDataSet): void {
  for (const tag of Object.keys(dataSet).sort()) writeElement(sink, tag, dataSet[tag]!);
}

function writeElement(sink: ByteSink, tag: string, element: DicomElement): void {
  const { vr } = element;
  writeHeader(sink, tag, vr);
  const start = sink.length;
  const valid = vr === 'SQ' ? writeItems(sink, element) : writeValue(sink, element);
  if (!valid) throw new WetreadError('internal', `Element ${tag} has a value that ${vr} does not allow`);
  if ((sink.length - start) % 2 === 1) sink.uint8(isText(vr) ? 0x20 : 0);
  setLength(sink, { tag, vr, start });
}

/** Tag, VR and room for the length. */
export function writeHeader(sink: ByteSink, tag: string, vr: ValueRepresentation): void {
  const group = hexadecimal(tag, 0);
  const number = hexadecimal(tag, 4);
  // Group lengths are retired, groups below 0002 and from FFFE on are no elements of a data set (PS3.5 7.1, 7.5).
  if (tag.length !== 8 || !(group >= 0x0002 && group < 0xfffe && number > 0))
    throw new WetreadError('internal', `No data set holds an element with the tag ${tag}`);
  sink.uint16(group);
  sink.uint16(number);
  sink.text(vr);
  sink.uint16(0);
  if (!SHORT.has(vr)) sink.uint32(0);
}

/** Four upper-case hexadecimal digits, or NaN. */
function hexadecimal(text: string, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i += 1) {
    const code = text.charCodeAt(i);
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x41 && code <= 0x46 ? code - 0x37 : Number.NaN;
    value = value * 16 + digit;
  }
  return value;
}

function setLength(
  sink: ByteSink,
  { tag, vr, start }: { readonly tag: string; readonly vr: ValueRepresentation; readonly start: number },
): void {
  const length = sink.length - start;
  if (!SHORT.has(vr)) {
    sink.setUint32(start - 4, length);
    return;
  }
  if (length > 0xfffe) throw new WetreadError('internal', `Element ${tag} is too long for ${vr}`);
  sink.setUint16(start - 2, length);
}

/** Sequences and items have explicit lengths, which every reader can skip. */
function writeItems(sink: ByteSink, { Value = [] }: DicomElement): boolean {
  for (const item of Value) {
    if (typeof item !== 'object' || item === null) return false;
    sink.uint16(0xfffe);
    sink.uint16(0xe000);
    sink.uint32(0);
    const start = sink.length;
    writeElements(sink, item as DicomDataSet);
    sink.setUint32(start - 4, sink.length - start);
  }
  return true;
}

/** Binary VRs have their value in base64 (PS3.18 F.2.7), all others in Value; neither has it elsewhere. */
function writeValue(sink: ByteSink, { vr, Value = [], InlineBinary, BulkDataURI }: DicomElement): boolean {
  if (BulkDataURI !== undefined) return false;
  const unit = BINARY[vr];
  if (unit === undefined)
    return InlineBinary === undefined && (Value.length === 0 || VALUE_WRITERS[vr]?.(sink, Value) === true);
  if (Value.length > 0) return false;
  const bytes = Buffer.from(InlineBinary ?? '', 'base64');
  sink.bytes(bytes);
  return bytes.length % unit === 0;
}

/** Text is padded with a space, a UID and binary values with a zero (PS3.5 6.2). */
function isText(vr: ValueRepresentation): boolean {
  return vr !== 'UI' && BINARY[vr] === undefined;
}
