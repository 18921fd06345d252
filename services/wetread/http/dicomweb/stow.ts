/** STOW-RS (PS3.18 section 10.5): instances come as a stream, and are acknowledged one by one. */
import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { parseMediaType } from '../../../../adapters/dicomweb/media-type.ts';
import { DEFAULT_MULTIPART_LIMITS, multipartBoundary, streamParts } from '../../../../adapters/dicomweb/multipart.ts';
import type { StoreBatch } from '../../../../adapters/directory/batch.ts';
import { failureReasonOf } from '../../../../adapters/directory/failure-reason.ts';
import type { InstanceIdentity, StoreResult } from '../../../../adapters/directory/instance.ts';
import type { DicomDataSet, DicomElement } from '../../../../src/dicom-json.ts';
import { ERROR_CODES, WetreadError } from '../../../../src/errors.ts';
import type { StudyInstanceUid } from '../../../../src/uid.ts';
import { jsonType } from './accept.ts';
import type { DicomwebOptions, StoredEvent } from './options.ts';
import { addressOf, addressUrl, baseOf } from './resource.ts';

/** After a refusal this much of the rest is read, so that a client that still sends gets to see the answer. */
const DRAINED_BYTES = 64 * 2 ** 20;

export function storeHandler(options: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const type = jsonType(request);
    const { studyInstanceUid } = addressOf(request);
    const boundary = dicomBoundary(request.get('content-type') ?? '');
    const batch = options.archive.batch(studyInstanceUid === undefined ? {} : { studyInstanceUid });
    const fault = await receive(request, boundary, batch, options);
    const results = await batch.finish();
    await announce(results, request, options);
    if (fault !== undefined && results.length === 0) throw fault;
    if (request.socket.destroyed) return;
    answer(response, type, { fault, results, base: baseOf(request), studyInstanceUid });
  };
}

/** @throws WetreadError `media-type-unsupported` for anything but Part 10 files in multipart/related. */
function dicomBoundary(contentType: string): string {
  const multipart = multipartBoundary(contentType);
  if (multipart?.type === 'application/dicom') return multipart.boundary;
  throw new WetreadError('media-type-unsupported', 'Send multipart/related; type="application/dicom"');
}

/** Stores part after part. @returns what broke the body; what came before it stays stored. */
async function receive(
  request: IncomingMessage,
  boundary: string,
  batch: StoreBatch,
  { limits }: DicomwebOptions,
): Promise<WetreadError | undefined> {
  const source = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  try {
    let parts = 0;
    for await (const { headers, body } of streamParts(source, boundary, { ...DEFAULT_MULTIPART_LIMITS, ...limits })) {
      parts++;
      const type = parseMediaType(headers.get('content-type') ?? 'application/dicom')?.type;
      // Whatever is not announced as DICOM is refused like a file that is none.
      await batch.add(type === 'application/dicom' ? body : []);
    }
    return parts === 0 ? new WetreadError('request-invalid', 'The body has no parts') : undefined;
  } catch (error) {
    await drain(source);
    const ended = !(error instanceof WetreadError) || error.code === 'archive-truncated';
    return ended
      ? new WetreadError('request-invalid', 'The body ends before its last boundary', { cause: error })
      : error;
  }
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.byteLength;
      if (bytes > DRAINED_BYTES) return;
    }
  } catch {
    // The connection is gone: nobody waits for an answer.
  }
}

async function announce(results: readonly StoreResult[], request: Request, options: DicomwebOptions): Promise<void> {
  const stored = results.filter((result) => result.kind === 'stored');
  if (stored.length === 0) return;
  const uids = (from: typeof stored): Set<StudyInstanceUid> =>
    new Set(from.map(({ identity }) => identity.studyInstanceUid));
  const traceparent = request.get('traceparent');
  const event: StoredEvent = {
    studyInstanceUids: [...uids(stored)],
    changed: uids(stored.filter(({ repeated }) => !repeated)),
    ...(traceparent !== undefined && { traceparent }),
  };
  await options.onStored(event);
}

interface Outcome {
  readonly fault: WetreadError | undefined;
  readonly results: readonly StoreResult[];
  readonly base: string;
  readonly studyInstanceUid: string | undefined;
}

function answer(response: Response, type: string, outcome: Outcome): void {
  const refused = outcome.results.filter(({ kind }) => kind !== 'stored').length;
  if (refused > 0)
    response.set('Warning', `299 wetread "${refused} of ${outcome.results.length} instances are not stored"`);
  if (outcome.fault !== undefined) response.set('Connection', 'close');
  response
    .status(statusOf(outcome))
    .type(type)
    .send(JSON.stringify(responseDataSet(outcome)));
}

function statusOf({ fault, results }: Outcome): number {
  if (fault !== undefined) return ERROR_CODES[fault.code].httpStatus;
  const stored = results.filter(({ kind }) => kind === 'stored').length;
  if (stored === results.length) return 200;
  return stored > 0 ? 202 : 409;
}

/** Store Instances Response Module (PS3.18 table I.1-1). */
function responseDataSet({ results, base, studyInstanceUid }: Outcome): DicomDataSet {
  const referenced: DicomDataSet[] = [];
  const failed: DicomDataSet[] = [];
  const others: DicomDataSet[] = [];
  for (const result of results) {
    if (result.kind === 'stored') {
      referenced.push({ ...reference(result.identity), '00081190': value('UR', addressUrl(base, result.identity)) });
      continue;
    }
    const why = { '00081197': value('US', failureReasonOf(result)) };
    if (result.identity === undefined) others.push(why);
    else failed.push({ ...reference(result.identity), ...why });
  }
  const studies = new Set(
    results.flatMap((result) => (result.kind === 'stored' ? [result.identity.studyInstanceUid] : [])),
  );
  const study = studyInstanceUid ?? (studies.size === 1 ? [...studies][0] : undefined);
  return {
    ...(study !== undefined && { '00081190': value('UR', addressUrl(base, { studyInstanceUid: study })) }),
    ...(failed.length > 0 && { '00081198': { vr: 'SQ', Value: failed } }),
    // Also when it is empty: senders look for their instances here, and nowhere else.
    '00081199': referenced.length > 0 ? { vr: 'SQ', Value: referenced } : { vr: 'SQ' },
    ...(others.length > 0 && { '0008119A': { vr: 'SQ', Value: others } }),
  };
}

function reference({ sopClassUid, sopInstanceUid }: InstanceIdentity): DicomDataSet {
  return { '00081150': value('UI', sopClassUid), '00081155': value('UI', sopInstanceUid) };
}

function value(vr: DicomElement['vr'], content: string | number): DicomElement {
  return { vr, Value: [content] };
}
