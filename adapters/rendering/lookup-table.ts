/** Lookup tables of images: descriptor and data (PS3.3 C.11.1.1, C.11.2.1.1 and C.7.6.3.1.5). */
import { type DicomDataSet, numbersOf } from '../../src/dicom-json.ts';

export interface LookupTable {
  /** Input that the first entry stands for; inputs outside are clamped. */
  readonly firstMapped: number;
  /** 8 to 16. */
  readonly bits: number;
  readonly values: Uint16Array;
}

/** @returns undefined where there is none, or none that can be read. */
export function lookupTable(dataSet: DicomDataSet, descriptorTag: string, dataTag: string): LookupTable | undefined {
  const [entries = 0, first = 0, bits = 0] = numbersOf(dataSet, descriptorTag);
  // 65,536 entries do not fit into 16 bits and are written as 0.
  const count = entries === 0 ? 65_536 : entries;
  const values = entriesOf(dataSet, dataTag, count);
  if (values === undefined || bits < 8 || bits > 16) return undefined;
  return { firstMapped: first, bits, values };
}

function entriesOf(dataSet: DicomDataSet, tag: string, count: number): Uint16Array | undefined {
  const element = dataSet[tag];
  if (element?.InlineBinary === undefined) {
    const numbers = numbersOf(dataSet, tag);
    return numbers.length >= count ? Uint16Array.from(numbers.slice(0, count), (value) => value & 0xffff) : undefined;
  }
  const bytes = Buffer.from(element.InlineBinary, 'base64');
  if (bytes.length >= count * 2) return Uint16Array.from({ length: count }, (_, i) => bytes.readUInt16LE(i * 2));
  // Entries of 8 bits may be packed two to a word.
  return bytes.length >= count ? Uint16Array.from(bytes.subarray(0, count)) : undefined;
}

export function lookUp({ firstMapped, values }: LookupTable, input: number): number {
  const at = Math.round(input) - firstMapped;
  return values[Math.max(0, Math.min(values.length - 1, at))]!;
}
