/** The study as an archive may have stored it: uncompressed, JPEG-LS lossless or JPEG 2000 lossless. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileMeta } from '../../adapters/part10/file-meta.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { PhantomSeries } from './phantom-series.ts';

export const STORED_FORMS = ['uncompressed', 'jpeg-ls', 'jpeg-2000'] as const;
export type StoredForm = (typeof STORED_FORMS)[number];
export type CompressedForm = Exclude<StoredForm, 'uncompressed'>;

const TRANSFER_SYNTAX: Readonly<Record<CompressedForm, string>> = {
  'jpeg-ls': '1.2.840.10008.1.2.4.80',
  'jpeg-2000': '1.2.840.10008.1.2.4.90',
};

/** Part 10 files in the order of the slices. */
export async function storedFiles(phantom: PhantomSeries, form: StoredForm): Promise<Uint8Array[]> {
  if (form === 'uncompressed') return [...phantom.files()];
  const frames = await encodedFrames(phantom, form);
  return Array.from(phantom.files(), (file, k) => encapsulated(file, TRANSFER_SYNTAX[form], frames[k]!));
}

/** Encoded once per machine and kept in the temporary folder: encoding takes longer than all that is measured. */
export async function encodedFrames(phantom: PhantomSeries, form: CompressedForm): Promise<readonly Uint8Array[]> {
  const frames: Uint8Array[] = [];
  let encode: ((stored: Uint8Array, matrix: number) => Uint8Array) | undefined;
  for (let k = 0; k < phantom.size.slices; k++) {
    const stored = storedValues(phantom.slice(k));
    const file = join(cacheFolder(), `${createHash('sha256').update(form).update(stored).digest('hex')}.${form}`);
    if (!existsSync(file)) {
      encode ??= await encoder(form);
      writeFileSync(`${file}.part`, encode(stored, phantom.size.matrix));
      renameSync(`${file}.part`, file);
    }
    frames.push(readFileSync(file));
  }
  return frames;
}

export function cacheFolder(): string {
  const folder = join(tmpdir(), 'wetread-bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** As the phantom's files hold them: 12 bits, unsigned, 0 is -1024 HU. */
function storedValues(voxels: Int16Array): Uint8Array {
  return new Uint8Array(Uint16Array.from(voxels, (value) => value + 1024).buffer);
}

async function encoder(form: CompressedForm): Promise<(stored: Uint8Array, matrix: number) => Uint8Array> {
  const create = await encoderClass(form);
  return (stored, matrix) => {
    const one = new create();
    try {
      const info = { width: matrix, height: matrix, bitsPerSample: 12, componentCount: 1, isSigned: false };
      one.getDecodedBuffer(info).set(stored);
      one.encode();
      return one.getEncodedBuffer().slice();
    } finally {
      one.delete();
    }
  };
}

async function encoderClass(form: CompressedForm): Promise<new () => FrameEncoder> {
  const silent = { print: () => {}, printErr: () => {} };
  if (form === 'jpeg-ls') {
    const { default: createCharls } = await import('@cornerstonejs/codec-charls/wasmjs');
    return (await createCharls(silent)).JpegLSEncoder;
  }
  const { default: createOpenJpeg } = await import('@cornerstonejs/codec-openjpeg/wasmjs');
  return (await createOpenJpeg(silent)).J2KEncoder;
}

const UNCOMPRESSED_SYNTAX = Buffer.from('\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0', 'latin1');
const PIXEL_DATA_HEAD = 12;
/** Where the value of File Meta Information Group Length (0002,0000) lies. */
const GROUP_LENGTH_AT = 140;

/** The same file with one encoded frame in place of its pixel data (PS3.5 A.4). */
function encapsulated(file: Uint8Array, transferSyntaxUid: string, frame: Uint8Array): Uint8Array {
  const meta = readFileMeta(file);
  if (isSkipped(meta)) throw new Error(meta.skipped.code);
  const head = Buffer.from(file.subarray(0, meta.dataSetStart));
  const at = head.indexOf(UNCOMPRESSED_SYNTAX);
  const syntax = Buffer.from(`\x02\0\x10\0UI\x16\0${transferSyntaxUid}`, 'latin1');
  const newHead = Buffer.concat([head.subarray(0, at), syntax, head.subarray(at + UNCOMPRESSED_SYNTAX.length)]);
  newHead.writeUInt32LE(newHead.readUInt32LE(GROUP_LENGTH_AT) + newHead.length - head.length, GROUP_LENGTH_AT);
  const start = pixelDataStart(file);
  return Buffer.concat([newHead, file.subarray(meta.dataSetStart, start), ...pixelData(frame)]);
}

function pixelDataStart(file: Uint8Array): number {
  const at = Buffer.from(file.buffer, file.byteOffset, file.length).lastIndexOf(
    Buffer.from('\xe0\x7f\x10\0OW\0\0', 'latin1'),
    4096,
  );
  if (at < 0) throw new Error('the phantom file has no pixel data');
  if (file.length - at - PIXEL_DATA_HEAD !== Buffer.from(file).readUInt32LE(at + 8))
    throw new Error('not the last element');
  return at;
}

function pixelData(frame: Uint8Array): readonly Uint8Array[] {
  const padding = new Uint8Array(frame.length % 2);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(frame.length + padding.length);
  return [
    Buffer.from('\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff', 'latin1'),
    Buffer.from('\xfe\xff\0\xe0\0\0\0\0', 'latin1'),
    Buffer.from('\xfe\xff\0\xe0', 'latin1'),
    ...[length, frame, padding],
    Buffer.from('\xfe\xff\xdd\xe0\0\0\0\0', 'latin1'),
  ];
}
