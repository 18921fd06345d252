/** Frames and bulk data (PS3.18 sections 10.4.1.1.6 and 10.4.1.1.5): pixels as stored, or decoded to native ones. */
import type { RequestHandler, Response } from 'express';
import type { DirectoryArchive } from '../../../../adapters/directory/archive.ts';
import type { StoredInstance } from '../../../../adapters/directory/instance.ts';
import {
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  pixelEncodingOf,
} from '../../../../src/arrival/transfer-syntax.ts';
import type { DicomDataSet, DicomElement } from '../../../../src/dicom-json.ts';
import { WetreadError } from '../../../../src/errors.ts';
import type { EncodedInstance, FrameDecoder, InstanceReader } from '../../../../src/ports.ts';
import { isSkipped, type Skipped } from '../../../../src/reasons.ts';
import { type Accepted, acceptedForms, covers } from './accept.ts';
import { type OutgoingPart, sendMultipart } from './body.ts';
import type { DicomwebOptions } from './options.ts';
import { addressUrl, baseOf, studyAddressOf } from './resource.ts';
import { found } from './wado.ts';

const OCTETS = 'application/octet-stream';

/** PS3.18 table 8.7.3-2. */
function compressedType(transferSyntaxUid: string): string | undefined {
  switch (pixelEncodingOf(transferSyntaxUid)) {
    case 'jpeg':
    case 'jpeg-lossless':
      return 'image/jpeg';
    case 'jpeg-ls':
      return 'image/jls';
    case 'jpeg-2000':
      return 'image/jp2';
    case 'htj2k':
      return 'image/jphc';
    case 'rle':
      return 'image/dicom-rle';
    case 'native':
    case 'unsupported':
      return undefined;
  }
}

/** How frames leave. */
interface FrameForm {
  readonly container: 'single' | 'multipart';
  readonly type: string;
  readonly transferSyntaxUid: string;
  readonly decoded: boolean;
}

export function framesHandler({ archive, reader, decoder }: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const [stored] = found(archive, studyAddressOf(request));
    const instance = await readImage(archive, reader, stored!);
    const numbers = frameNumbers(String(request.params['frames']), instance.frames.length);
    const form = frameForm(acceptedForms(request), instance, numbers.length);
    const location = `${addressUrl(baseOf(request), stored!)}/frames`;
    const leaves = closed(response);
    const bodies = numbers.map((number) => ({
      location: `${location}/${number}`,
      read: () => frameBytes(decoder, instance, number - 1, form, leaves),
    }));
    await send(response, form, bodies);
  };
}

/** Pixel data, or any other large value, under the address that the metadata gave for it. */
export function bulkDataHandler({ archive, reader, decoder }: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const [stored] = found(archive, studyAddressOf(request));
    const path = ([] as string[]).concat(request.params['attribute'] ?? []);
    const location = `${addressUrl(baseOf(request), stored!)}/bulkdata/${path.join('/')}`;
    if (path.length === 1 && path[0] === '7FE00010') {
      const instance = await readImage(archive, reader, stored!);
      const form = frameForm(acceptedForms(request), instance, 1);
      const leaves = closed(response);
      const read = (index: number) => () => frameBytes(decoder, instance, index, form, leaves);
      const frames = instance.frames.map((_, index) => ({ location, read: read(index) }));
      // Encapsulated frames stay apart; native ones are one value, one after the other.
      return send(response, form, isNative(form) ? [{ location, read: () => concatenated(frames) }] : frames);
    }
    const value = Buffer.from(inlineValue(archive.describe(await archive.readInstance(stored!)), path), 'base64');
    const form = { ...octetForm(acceptedForms(request)), transferSyntaxUid: EXPLICIT_VR_LITTLE_ENDIAN, decoded: false };
    await send(response, form, [{ location, read: async () => value }]);
  };
}

/** @throws WetreadError `not-found` where the instance has no such frames, or none that anything here can find. */
export async function readImage(
  archive: DirectoryArchive,
  reader: InstanceReader,
  stored: StoredInstance,
): Promise<EncodedInstance> {
  const instance = reader.read(await archive.readInstance(stored));
  if (!isSkipped(instance)) return instance;
  throw new WetreadError('not-found', `The instance has no frames (${instance.skipped.code})`);
}

/** `1,3,2`, counted from 1. @throws WetreadError `request-invalid`, or `not-found` beyond the last one. */
export function frameNumbers(list: string, frames: number): readonly number[] {
  if (!/^[1-9]\d{0,8}(,[1-9]\d{0,8})*$/.test(list)) {
    throw new WetreadError('request-invalid', 'Frames are a list of numbers from 1');
  }
  const numbers = list.split(',').map(Number);
  if (numbers.every((number) => number <= frames)) return numbers;
  throw new WetreadError('not-found', 'The instance has no such frame');
}

/** Aborts when the client leaves, so that nothing is decoded for nobody. */
export function closed(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

/** @throws WetreadError `decode-failed`, or `not-acceptable` where nothing decodes the transfer syntax. */
export function refuseSkipped<T extends object>(frame: T | Skipped): T {
  if (!isSkipped(frame)) return frame;
  const unsupported = frame.skipped.code === 'transfer-syntax-unsupported';
  throw new WetreadError(unsupported ? 'not-acceptable' : 'decode-failed', `No frame (${frame.skipped.code})`);
}

function frameForm(accepted: readonly Accepted[], instance: EncodedInstance, count: number): FrameForm {
  for (const choice of accepted) {
    if (choice.container === 'single' && count > 1) continue;
    const form = formFor(choice, instance);
    if (form !== undefined) return { container: choice.container === 'single' ? 'single' : 'multipart', ...form };
  }
  throw new WetreadError('not-acceptable', 'No frame can be given in an acceptable media type and transfer syntax');
}

type PixelForm = Omit<FrameForm, 'container'>;

function formFor(choice: Accepted, instance: EncodedInstance): PixelForm | undefined {
  const { transferSyntaxUid: stored } = instance;
  const { type, transferSyntax } = choice;
  const compressed = compressedType(stored);
  const asStored = transferSyntax === '*' || transferSyntax === stored;
  const media = compressed !== undefined && covers(type, compressed);
  if (media && (asStored || transferSyntax === undefined))
    return { type: compressed, transferSyntaxUid: stored, decoded: false };
  if (!covers(type, OCTETS)) return undefined;
  const native = { type: OCTETS, transferSyntaxUid: EXPLICIT_VR_LITTLE_ENDIAN };
  if (compressed === undefined)
    return servesNative(choice, stored) ? { ...native, decoded: stored === EXPLICIT_VR_BIG_ENDIAN } : undefined;
  if (asStored) return { type: OCTETS, transferSyntaxUid: stored, decoded: false };
  // Colour changes its model when it is decoded, and the metadata would not tell.
  const decodes = (transferSyntax ?? EXPLICIT_VR_LITTLE_ENDIAN) === EXPLICIT_VR_LITTLE_ENDIAN;
  return decodes && instance.header.samplesPerPixel === 1 ? { ...native, decoded: true } : undefined;
}

/** Native pixels always leave as little endian, whichever native syntax was asked for by name or by default. */
function servesNative({ transferSyntax }: Accepted, stored: string): boolean {
  return transferSyntax === undefined || ['*', stored, EXPLICIT_VR_LITTLE_ENDIAN].includes(transferSyntax);
}

function isNative(form: FrameForm): boolean {
  return pixelEncodingOf(form.transferSyntaxUid) === 'native';
}

async function frameBytes(
  decoder: FrameDecoder,
  instance: EncodedInstance,
  index: number,
  form: FrameForm,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!form.decoded) return instance.frames[index]!;
  const { pixels } = refuseSkipped(await decoder.decode(instance, index, signal));
  const { rows, columns, samplesPerPixel, bitsAllocated } = instance.header;
  if (pixels.byteLength !== Math.ceil((rows * columns * samplesPerPixel * bitsAllocated) / 8)) {
    throw new WetreadError('decode-failed', 'A decoded frame has another size than its header says');
  }
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}

interface Body {
  readonly location: string;
  readonly read: () => Promise<Uint8Array>;
}

async function concatenated(bodies: readonly Body[]): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for (const { read } of bodies) all.push(await read());
  return Buffer.concat(all);
}

/** The first body is made before the status is sent, so that what fails at once fails with a status. */
async function send(response: Response, form: FrameForm, bodies: readonly Body[]): Promise<void> {
  const first = await bodies[0]!.read();
  const contentType = `${form.type}; transfer-syntax=${form.transferSyntaxUid}`;
  if (form.container === 'single' && bodies.length === 1) {
    response.status(200).set('Content-Type', contentType).end(first);
    return;
  }
  async function* parts(): AsyncGenerator<OutgoingPart> {
    for (const [index, { location, read }] of bodies.entries()) {
      const bytes = index === 0 ? first : await read();
      const headers = { 'Content-Type': contentType, 'Content-Length': bytes.length, 'Content-Location': location };
      yield { headers, body: [bytes] };
    }
  }
  response.status(200);
  await sendMultipart(response, form.type, parts());
}

function octetForm(accepted: readonly Accepted[]): { container: FrameForm['container']; type: string } {
  const choice = accepted.find(({ type }) => covers(type, OCTETS));
  if (choice === undefined) throw new WetreadError('not-acceptable', `Bulk data comes as ${OCTETS} only`);
  return { container: choice.container === 'multipart' ? 'multipart' : 'single', type: OCTETS };
}

/** Follows tags and item numbers, in turn, to a binary value. */
function inlineValue(dataSet: DicomDataSet, path: readonly string[]): string {
  const [tag, item, ...rest] = path;
  const element: DicomElement | undefined = dataSet[tag ?? ''];
  if (element?.InlineBinary !== undefined && item === undefined) return element.InlineBinary;
  const inner = element?.vr === 'SQ' ? element.Value?.[Number(item) - 1] : undefined;
  if (typeof inner === 'object' && inner !== null) return inlineValue(inner as DicomDataSet, rest);
  throw new WetreadError('not-found', 'The instance has no such bulk data');
}
