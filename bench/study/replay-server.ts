/**
 * A process of its own that plays a PACS from memory: the study as one multipart body, and as much of QIDO-RS, WADO-RS
 * metadata and STOW-RS as a reading needs. It takes the variance of a real archive out of a comparison of clients.
 * Usage: node bench/study/replay-server.ts SLICES MATRIX SPACING FORM; prints `{"listening":PORT}` when it is ready and ends with
 * its standard input.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  closingDelimiter,
  multipartBoundary,
  multipartContentType,
  PART_END,
  partHead,
  readParts,
} from '../../adapters/dicomweb/multipart.ts';
import { readDataSet, readIdentity } from '../../adapters/part10/reader.ts';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import { isSkipped } from '../../src/reasons.ts';
import { type PhantomSeries, phantomSeries, shuffled } from './phantom-series.ts';
import { STORED_FORMS, storedFiles } from './stored-form.ts';

const BOUNDARY = 'replayed-study';
/** Of a body, handed to the socket at once. */
const PIECE = 2 ** 20;

interface Replayed {
  readonly phantom: PhantomSeries;
  /** The multipart body, in pieces. */
  readonly body: readonly Buffer[];
  readonly first: Uint8Array;
}

async function replayed([slices, matrix, spacing, form]: readonly string[]): Promise<Replayed> {
  const phantom = phantomSeries({ slices: Number(slices), matrix: Number(matrix), spacing: Number(spacing) });
  const files = await storedFiles(phantom, STORED_FORMS.find((known) => known === form) ?? 'uncompressed');
  const parts = shuffled(files).flatMap((file) => [
    partHead(BOUNDARY, { 'Content-Type': 'application/dicom', 'Content-Length': file.length }),
    file,
    PART_END,
  ]);
  const whole = Buffer.concat([...parts, closingDelimiter(BOUNDARY)]);
  const body = Array.from({ length: Math.ceil(whole.length / PIECE) }, (_, k) =>
    whole.subarray(k * PIECE, (k + 1) * PIECE),
  );
  return { phantom, body, first: files[0]! };
}

function sendBody(response: ServerResponse, pieces: readonly Buffer[]): void {
  response.writeHead(200, {
    'Content-Type': multipartContentType('application/dicom', BOUNDARY),
    'Content-Length': pieces.reduce((sum, piece) => sum + piece.length, 0),
    Connection: 'close',
  });
  let next = 0;
  const more = (): void => {
    while (next < pieces.length) {
      if (response.write(pieces[next++])) continue;
      response.once('drain', more);
      return;
    }
    response.end();
  };
  more();
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/dicom+json' }).end(JSON.stringify(value));
}

function sendPart(response: ServerResponse, file: Uint8Array): void {
  response.writeHead(200, { 'Content-Type': multipartContentType('application/dicom', BOUNDARY) });
  response.end(
    Buffer.concat([
      partHead(BOUNDARY, { 'Content-Type': 'application/dicom' }),
      file,
      PART_END,
      closingDelimiter(BOUNDARY),
    ]),
  );
}

function metadataOf(file: Uint8Array): DicomDataSet {
  const read = readDataSet(file);
  if (isSkipped(read)) throw new Error(read.skipped.code);
  return read.dataSet;
}

/** Accepts whatever it can name, and keeps nothing. */
async function store(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const media = multipartBoundary(request.headers['content-type'] ?? '');
  const stored: object[] = [];
  for await (const { bytes } of readParts(request, media?.boundary ?? '')) {
    const identity = readIdentity(bytes);
    if (isSkipped(identity)) throw new Error(identity.skipped.code);
    stored.push({
      '00081150': { vr: 'UI', Value: [identity.sopClassUid] },
      '00081155': { vr: 'UI', Value: [identity.sopInstanceUid] },
    });
  }
  sendJson(response, { '00081199': { vr: 'SQ', Value: stored } });
}

/** What the archive says of a path, or undefined for the body of the whole series. */
function described({ phantom }: Replayed, metadata: DicomDataSet, path: string): unknown {
  if (path === '/studies' || path.endsWith('/metadata')) return [metadata];
  if (path.endsWith('/series')) return [{ ...metadata, '00201209': { vr: 'IS', Value: [phantom.size.slices] } }];
  if (!path.endsWith('/instances')) return undefined;
  return phantom.series.instances.map((instance) => ({
    '00080016': { vr: 'UI', Value: [instance.sopClassUid] },
    '00080018': { vr: 'UI', Value: [instance.sopInstanceUid] },
  }));
}

function answer(replay: Replayed, metadata: DicomDataSet, path: string, response: ServerResponse): void {
  const description = described(replay, metadata, path);
  if (description !== undefined) sendJson(response, description);
  else if (path.endsWith(`/instances/${replay.phantom.series.instances[0]!.sopInstanceUid}`))
    sendPart(response, replay.first);
  else if (path.includes('/instances/')) response.writeHead(404).end();
  else sendBody(response, replay.body);
}

const study = await replayed(process.argv.slice(2));
const metadata = metadataOf(study.first);
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (request.method === 'POST') void store(request, response).catch(() => response.destroy());
  else answer(study, metadata, pathname, response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ listening: (server.address() as AddressInfo).port })}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
