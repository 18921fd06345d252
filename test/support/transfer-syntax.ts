/** The same instance in other native transfer syntaxes, for tests of conversion. */
import { deflateRawSync } from 'node:zlib';
import { type ElementSet, readElements } from '../../adapters/part10/elements.ts';
import { readFileMeta } from '../../adapters/part10/file-meta.ts';
import { isSkipped } from '../../src/reasons.ts';

/** @param file in Explicit VR Little Endian. */
export function deflated(file: Uint8Array): Buffer {
  return withMeta(file, '1.2.840.10008.1.2.1.99', deflateRawSync(dataSetOf(file)));
}

/** @param file in Explicit VR Little Endian. */
export function implicit(file: Uint8Array): Buffer {
  const set = readElements(dataSetOf(file), 0, { explicit: true, littleEndian: true });
  if (isSkipped(set)) throw new Error(set.skipped.code);
  return withMeta(file, '1.2.840.10008.1.2', implicitElements(dataSetOf(file), set));
}

function implicitElements(bytes: Uint8Array, set: ElementSet): Buffer {
  const chunks = [...set.elements.values()].flatMap(({ tag, offset, length, items }) => {
    const value =
      items === undefined
        ? bytes.subarray(offset, offset + length)
        : Buffer.concat(items.map((item) => implicitItem(bytes, item)));
    return [implicitHead(tag, value.length), value];
  });
  return Buffer.concat(chunks);
}

function implicitItem(bytes: Uint8Array, item: ElementSet): Buffer {
  const content = implicitElements(bytes, item);
  return Buffer.concat([implicitHead(0xfffee000, content.length), content]);
}

function implicitHead(tag: number, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.writeUInt32LE(length, 4);
  return head;
}

function dataSetOf(file: Uint8Array): Uint8Array {
  const meta = readFileMeta(file);
  if (isSkipped(meta)) throw new Error(meta.skipped.code);
  return file.subarray(meta.dataSetStart);
}

/** Preamble and a file meta information with nothing but the transfer syntax, which readers accept. */
function withMeta(file: Uint8Array, transferSyntaxUid: string, dataSet: Uint8Array): Buffer {
  const uid = transferSyntaxUid.length % 2 === 0 ? transferSyntaxUid : `${transferSyntaxUid}\0`;
  const syntax = Buffer.concat([
    Buffer.from([2, 0, 0x10, 0]),
    Buffer.from('UI'),
    Buffer.from([uid.length, 0]),
    Buffer.from(uid),
  ]);
  const length = Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0, syntax.length, 0, 0, 0]);
  return Buffer.concat([file.subarray(0, 132), length, syntax, dataSet]);
}
