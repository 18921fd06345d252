/** Reads DICOM Part 10 files (PS3.10), and data sets that lost their file meta information on the way. */
import { inflateRawSync } from 'node:zlib';
import { HEADER_TAGS, readImageHeader } from '../../src/arrival/image-header.ts';
import { type InstanceUids, readInstanceUids } from '../../src/arrival/instance-uids.ts';
import { readStudyHeader } from '../../src/arrival/study-header.ts';
import {
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  describeTransferSyntax,
  pixelEncodingOf,
} from '../../src/arrival/transfer-syntax.ts';
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';
import type { EncodedInstance, InstanceReader } from '../../src/ports.ts';
import { isSkipped, reason, type Skipped } from '../../src/reasons.ts';
import { toDicomJson } from './data-set.ts';
import { type ElementSet, PIXEL_DATA, readElements } from './elements.ts';
import { type FileMeta, readFileMeta } from './file-meta.ts';
import { locateFrames } from './frames.ts';

export interface InstanceIdentity extends InstanceUids {
  readonly transferSyntaxUid: string;
  readonly modality: string;
  readonly patientId?: string;
}

export interface ReadDataSet {
  /** Without group 0002, group lengths and pixel data. */
  readonly dataSet: DicomDataSet;
  readonly transferSyntaxUid: string;
}

/** A deflated data set may not grow beyond this: a few kilobytes can inflate to gigabytes. */
const INFLATE_LIMIT = 256 * 1024 * 1024;
const MEDIA_STORAGE_DIRECTORY = '1.2.840.10008.1.3.10';
const IDENTITY_TAGS = new Set([0x00080016, 0x00080018, 0x00080060, 0x00100020, 0x0020000d, 0x0020000e]);
const HEADER_TAG_NUMBERS = new Set([...HEADER_TAGS].map((tag) => Number.parseInt(tag, 16)));

export const part10Reader: InstanceReader = { read: readInstance, readDataSet };

/**
 * An image with its header and its frames, still encoded. The complete data set is made on first use.
 * Objects without pixel data are skipped as `no-pixel-data`: {@link readDataSet} reads those.
 */
export function readInstance(bytes: Uint8Array): EncodedInstance | Skipped {
  const part10 = open(bytes);
  if (isSkipped(part10)) return part10;
  const headerSet = toDicomJson(part10.bytes, part10.set, HEADER_TAG_NUMBERS);
  const identity = identityOf(headerSet, part10.meta);
  if (isSkipped(identity)) return identity;
  if (!part10.set.elements.has(PIXEL_DATA)) return { skipped: reason('no-pixel-data', modalityDetail(identity)) };
  const { transferSyntaxUid } = part10.meta;
  if (pixelEncodingOf(transferSyntaxUid) === 'unsupported') {
    return { skipped: reason('transfer-syntax-unsupported', describeTransferSyntax(transferSyntaxUid)) };
  }
  const header = readImageHeader(headerSet);
  if (isSkipped(header)) return header;
  const study = readStudyHeader(headerSet);
  if (isSkipped(study)) return study;
  const frames = locateFrames(part10.bytes, part10.set, header, transferSyntaxUid);
  if (isSkipped(frames)) return frames;
  return new LazyInstance(part10, { header, study, transferSyntaxUid, frames });
}

/** The data set of any object, images or not, whether or not it names a study. */
export function readDataSet(bytes: Uint8Array): ReadDataSet | Skipped {
  const part10 = open(bytes);
  if (isSkipped(part10)) return part10;
  return { dataSet: toDicomJson(part10.bytes, part10.set), transferSyntaxUid: part10.meta.transferSyntaxUid };
}

/**
 * Which instance a file holds, for storing it. The data set says so: tools that give images new UIDs often leave the old
 * one in the file meta information.
 */
export function readIdentity(bytes: Uint8Array): InstanceIdentity | Skipped {
  const part10 = open(bytes);
  if (isSkipped(part10)) return part10;
  return identityOf(toDicomJson(part10.bytes, part10.set, IDENTITY_TAGS), part10.meta);
}

class LazyInstance implements EncodedInstance {
  readonly header: EncodedInstance['header'];
  readonly study: EncodedInstance['study'];
  readonly transferSyntaxUid: string;
  readonly frames: readonly Uint8Array[];
  readonly #part10: Part10;
  #dataSet: DicomDataSet | undefined;

  constructor(part10: Part10, instance: Omit<EncodedInstance, 'dataSet'>) {
    this.header = instance.header;
    this.study = instance.study;
    this.transferSyntaxUid = instance.transferSyntaxUid;
    this.frames = instance.frames;
    this.#part10 = part10;
  }

  get dataSet(): DicomDataSet {
    this.#dataSet ??= toDicomJson(this.#part10.bytes, this.#part10.set);
    return this.#dataSet;
  }
}

interface Part10 {
  readonly meta: FileMeta;
  /** The file, or its data set inflated. */
  readonly bytes: Uint8Array;
  readonly set: ElementSet;
}

function open(file: Uint8Array): Part10 | Skipped {
  const meta = readFileMeta(file);
  if (isSkipped(meta)) return meta;
  const isDeflated = meta.transferSyntaxUid === DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
  const bytes = isDeflated ? inflate(file.subarray(meta.dataSetStart)) : file;
  if (isSkipped(bytes)) return bytes;
  const set = readElements(bytes, isDeflated ? 0 : meta.dataSetStart, meta.encoding);
  if (!isSkipped(set)) return { meta, bytes, set };
  // Nothing but a guess says that this is DICOM, and the guess does not hold.
  return meta.marked ? set : { skipped: reason('not-dicom') };
}

/** PS3.5 A.5: the data set is one raw deflate stream. */
function inflate(deflated: Uint8Array): Uint8Array | Skipped {
  try {
    return inflateRawSync(deflated, { maxOutputLength: INFLATE_LIMIT });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      return { skipped: reason('decode-limit', `the data set inflates to more than ${INFLATE_LIMIT} bytes`) };
    }
    return {
      skipped: reason(code === 'Z_BUF_ERROR' ? 'truncated-file' : 'data-set-invalid', 'the deflate stream is broken'),
    };
  }
}

function identityOf(dataSet: DicomDataSet, meta: FileMeta): InstanceIdentity | Skipped {
  if (meta.mediaStorageSopClassUid === MEDIA_STORAGE_DIRECTORY) return { skipped: reason('media-directory') };
  const uids = readInstanceUids(dataSet);
  if (isSkipped(uids)) return uids;
  const patientId = stringOf(dataSet, '00100020');
  return {
    ...uids,
    transferSyntaxUid: meta.transferSyntaxUid,
    modality: stringOf(dataSet, '00080060') ?? '',
    ...(patientId === undefined ? {} : { patientId }),
  };
}

/** Modality is a code string; anything else in its place is not echoed. */
function modalityDetail(identity: InstanceIdentity): string {
  return /^[A-Z]{2,16}$/.test(identity.modality) ? `modality ${identity.modality}` : 'modality unknown';
}
