/**
 * A read-only FHIR R4 face of the embedded store: read, vread, history, search, metadata. Writing goes through the
 * pipeline alone. Nothing is logged here: paths and queries carry identifiers.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Router } from 'express';
import { isResourceType, type ResourceType } from '../../../../adapters/local-fhir/search-parameters.ts';
import type { LocalFhirStore } from '../../../../adapters/local-fhir/store.ts';
import { ERROR_CODES, WetreadError } from '../../../../src/errors.ts';
import { baseOf, historyBundle, Refusal, sendRefusal, sendResource, sendVersion } from './answer.ts';
import { capabilityStatement } from './capability-statement.ts';
import { searchPage } from './search-page.ts';

const FORM = 'application/x-www-form-urlencoded';
const FORMATS = new Set(['application/fhir+json', 'application/json', 'text/json', 'json']);
const ANY = new Set(['*/*', 'application/*']);

export function fhirRouter({ store }: { readonly store: LocalFhirStore }): Router {
  const router = express.Router();
  router.use(acceptsJson);

  router.get('/metadata', (request, response) => sendResource(response, capabilityStatement(baseOf(request))));
  router.get('/:type', (request, response) => {
    const query = new URL(request.originalUrl, 'http://localhost').searchParams;
    sendResource(response, searchPage(store, baseOf(request), typeOf(request), query));
  });
  router.post('/:type/_search', express.text({ type: FORM, limit: '64kb' }), (request, response) => {
    if (!request.is(FORM)) throw new Refusal(415, 'not-supported', `A search by POST is ${FORM}`);
    const query = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
    sendResource(response, searchPage(store, baseOf(request), typeOf(request), query));
  });
  router.get('/:type/:id', (request, response) => {
    sendVersion(response, store.read(typeOf(request), request.params.id));
  });
  router.get('/:type/:id/_history', (request, response) => {
    const versions = store.history(typeOf(request), request.params.id);
    if (versions.length === 0) throw new Refusal(404, 'not-found', 'There is no such resource');
    sendResource(response, historyBundle(baseOf(request), versions));
  });
  router.get('/:type/:id/_history/:versionId', (request, response) => {
    const { id, versionId } = request.params;
    sendVersion(response, store.readVersion(typeOf(request), id, versionId));
  });

  router.use(refuseRest);
  router.use(asOutcome);
  return router;
}

function typeOf(request: Request<{ type: string }>): ResourceType {
  const { type } = request.params;
  if (!isResourceType(type)) throw new Refusal(404, 'not-supported', 'This resource type is not held here');
  return type;
}

/**
 * FHIR R4 3.1.0.1.11: `_format` goes before `Accept`. A `+` in a query stands for a space, so both are taken; parameters
 * such as `fhirVersion=4.0` do not narrow what is asked for.
 */
const acceptsJson: RequestHandler = (request, _response, next) => {
  const format = new URL(request.originalUrl, 'http://localhost').searchParams.get('_format')?.replace(' ', '+');
  const wanted = (format ?? request.get('accept') ?? '*/*').split(',').map((range) => range.split(';')[0]!.trim());
  if (!wanted.some((type) => FORMATS.has(type) || (format === undefined && ANY.has(type))))
    throw new Refusal(406, 'not-supported', 'Only application/fhir+json is served');
  next();
};

const refuseRest: RequestHandler = (request, response) => {
  if (request.method === 'GET' || request.method === 'HEAD')
    throw new Refusal(404, 'not-found', 'There is nothing at this address');
  response.set('Allow', 'GET, HEAD');
  throw new Refusal(405, 'not-supported', 'This FHIR face is read only');
};

/** Faults of Wetread itself go on to the server's own handler, which logs them. */
const asOutcome: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof Refusal) return sendRefusal(response, error);
  if (error instanceof WetreadError && ERROR_CODES[error.code].httpStatus < 500)
    return sendRefusal(response, new Refusal(ERROR_CODES[error.code].httpStatus, 'invalid', error.message));
  const status = (error as { status?: unknown }).status;
  if (typeof status === 'number' && status >= 400 && status < 500)
    return sendRefusal(response, new Refusal(status, 'invalid', 'The request cannot be understood'));
  next(error);
};
