/**
 * The page and its API, same origin: GET, and one POST for an operator's decisions. Study UIDs stand in addresses, patients never do; every answer is
 * `no-store`. The page polls for changes with `If-None-Match`: nothing is kept open, and it survives restarts.
 */
import type { ServerResponse } from 'node:http';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { WetreadError } from '../../src/errors.ts';
import { parseUid, type StudyInstanceUid } from '../../src/uid.ts';
import { documentKind, isDocumentName } from './documents.ts';
import type { FrameVoxels } from './frames.ts';
import { moveRequest } from './operator.ts';
import { ReviewDesk, type ReviewDeskOptions, type SliceAddress } from './review-desk.ts';

export interface ReviewOptions extends ReviewDeskOptions {
  /** Folder `services/review/public`, wherever the package keeps it. */
  readonly publicDirectory: string;
}

/** Scripts and styles from here and nothing from anywhere else; no frame around the page, no form out of it. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Mount at `/`: serves `/`, `/studies/{uid}`, `/assets` and `/api`, and passes everything else on, faults included. */
export function reviewRouter(options: ReviewOptions): Router {
  const router = Router();
  router.use('/api', apiRouter(new ReviewDesk(options)));
  router.use('/assets', express.static(options.publicDirectory, { index: false, setHeaders: guard }));
  router.get(['/', '/studies/:uid'], (_request, response) => {
    guard(response);
    response.sendFile('index.html', { root: options.publicDirectory, cacheControl: false });
  });
  return router;
}

const NOT_IN_ARCHIVE = 'The archive does not hold the study';

function apiRouter(desk: ReviewDesk): Router {
  const router = Router();
  router.use((request, response, next) => {
    guard(response);
    // Browsers add `no-cache` to a script's conditional request (Fetch, 4.6), which would rule out a 304 here.
    delete request.headers['cache-control'];
    next();
  });
  router.get('/studies', async (_request, response) => answer(response, await desk.list()));
  router.get('/studies/:uid', async (request, response) => answer(response, await desk.study(uidOf(request))));
  router.get('/studies/:uid/state', async (request, response) => answer(response, await desk.row(uidOf(request))));
  router.get('/studies/:uid/header', (request, response) =>
    whileOpen(response, async (signal) => answer(response, await desk.header(uidOf(request), signal), NOT_IN_ARCHIVE)),
  );
  router.get('/studies/:uid/views/:view/slices/:slice/outlines', async (request, response) =>
    answer(response, await desk.outlines(sliceOf(request))),
  );
  router.get('/studies/:uid/views/:view/slices/:slice/voxels', (request, response) =>
    whileOpen(response, async (signal) => {
      const frame = await desk.voxels(sliceOf(request), signal);
      if (frame === undefined) answer(response, undefined);
      else sendVoxels(response, frame);
    }),
  );
  router.get('/studies/:uid/documents/:name', (request, response) => sendDocument(desk, request, response));
  router.post('/studies/:uid/moves', fromOwnPage, express.json({ limit: '4kb' }), async (request, response) =>
    answer(response, await desk.move(uidOf(request), moveRequest(request.body))),
  );
  router.use((_request, response) => answer(response, undefined));
  return router;
}

/**
 * No other site decides anything here: its pages cannot add a header field of their own without being asked first (CORS
 * preflight), which nothing here answers; and browsers say where a request comes from.
 */
const fromOwnPage: RequestHandler = (request, _response, next) => {
  const origin = request.get('Origin');
  const site = request.get('Sec-Fetch-Site') ?? 'same-origin';
  const isOwn = origin === undefined || URL.parse(origin)?.host === request.get('Host');
  if (request.get('Wetread-Operator') !== undefined && site === 'same-origin' && isOwn) next();
  else next(new WetreadError('request-invalid', 'Decisions are taken on the page of this server only'));
};

function guard(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

function answer(response: Response, value: object | undefined, absence = 'Nothing is known here by this name'): void {
  if (value === undefined) response.status(404).json({ code: 'not-found', message: absence });
  else response.json(value);
}

/** INT16, little-endian; value in units = voxel × slope + intercept. */
function sendVoxels(response: Response, { voxels, slope, intercept }: FrameVoxels): void {
  response.set({ 'Wetread-Slope': String(slope), 'Wetread-Intercept': String(intercept) });
  response.type('application/octet-stream').end(Buffer.from(voxels.buffer, voxels.byteOffset, voxels.byteLength));
}

async function sendDocument(desk: ReviewDesk, request: Request, response: Response): Promise<void> {
  const name = String(request.params['name']);
  const bytes = isDocumentName(name) ? await desk.document(uidOf(request), name) : undefined;
  const { mediaType } = documentKind(name) ?? {};
  if (mediaType === undefined || bytes === undefined) return answer(response, undefined);
  if (mediaType === 'application/dicom') response.attachment(`${uidOf(request)}.${name}`);
  response.set('Content-Type', mediaType).end(bytes);
}

function sliceOf(request: Request): SliceAddress {
  const { view, slice } = request.params;
  return { studyInstanceUid: uidOf(request), view: Number(view), slice: Number(slice) };
}

function uidOf(request: Request): StudyInstanceUid {
  return parseUid<StudyInstanceUid>(String(request.params['uid']));
}

/** Stops when the reader has gone: a page that is left in the middle is no fault. */
async function whileOpen(response: Response, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  response.once('close', () => controller.abort(new WetreadError('timeout', 'The reader has gone')));
  try {
    await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
}
