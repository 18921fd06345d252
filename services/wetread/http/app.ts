/** The HTTP face: DICOMweb, FHIR, the page, health and metrics, on one port. */
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { ERROR_CODES, WetreadError } from '../../../src/errors.ts';
import type { Log, Tracer } from '../../../src/ports.ts';
import { reviewRouter } from '../../review/api.ts';
import type { Intake } from '../intake.ts';
import type { Wired } from '../wiring/wiring.ts';
import { dicomwebRouter } from './dicomweb/router.ts';
import { fhirRouter } from './fhir/router.ts';
import { notificationRouter } from './notifications.ts';

export function createApp(wired: Wired, intake: Intake): Express {
  const { ports, embedded } = wired;
  const app = express();
  app.disable('x-powered-by');
  app.use(traced(ports.tracer, ports.log));
  app.use(namedAs(wired.hosts));
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const ready = ports.models.packages().length > 0;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'no model package is usable' });
  });
  app.get('/metrics', async (_request, response) => {
    response.type('text/plain; version=0.0.4').send(await wired.metrics());
  });
  if (embedded.archive !== undefined) {
    const { archive } = embedded;
    app.use(
      '/dicom-web',
      dicomwebRouter({
        archive,
        reader: ports.reader,
        decoder: ports.decoder,
        limits: wired.limits,
        log: ports.log,
        onStored: ({ studyInstanceUids }) => intake.received(archive, studyInstanceUids, 'stow'),
      }),
    );
  }
  if (wired.notifications !== undefined) app.use('/notifications/fhir', notificationRouter(wired.notifications));
  if (embedded.fhirStore !== undefined) app.use('/fhir', fhirRouter({ store: embedded.fhirStore }));
  app.use('/', reviewRouter(wired.review));
  app.use(nothingHere);
  app.use(faults(ports.log));
  return app;
}

/**
 * There is no log-in: a page of another site must not reach this server by a name that it points at loopback (DNS
 * rebinding). Listening on an address that is not loopback is the operator's decision, and every name is served.
 */
function namedAs(hosts: ReadonlySet<string> | undefined): RequestHandler {
  return (request, response, next) => {
    if (hosts === undefined || hosts.has(request.hostname)) next();
    else response.status(421).json({ code: 'request-invalid', message: 'This server answers to loopback names only' });
  };
}

/** A span and a log line per request; the route pattern stands for the path, which may carry identifiers. */
function traced(tracer: Tracer, log: Log): RequestHandler {
  return (request, response, next) => {
    const traceparent = request.get('traceparent');
    const started = performance.now();
    const handled = tracer.span(
      'wetread.http',
      { httpMethod: request.method },
      async (span) => {
        next();
        await new Promise<void>((resolve) => response.once('close', resolve));
        const about = { httpMethod: request.method, httpRoute: routeOf(request), httpStatus: response.statusCode };
        span.set(about);
        log.write('http-request', { ...about, durationMs: performance.now() - started });
      },
      traceparent,
    );
    handled.catch((error: unknown) => log.write('http-fault', { errorCode: WetreadError.from(error).code }));
  };
}

function routeOf(request: { baseUrl: string; route?: { path?: unknown } }): string {
  return `${request.baseUrl}${typeof request.route?.path === 'string' ? request.route.path : ''}`;
}

/** Express' own answer would repeat the address, which may name a patient. */
const nothingHere: RequestHandler = (_request, response) => {
  response.status(404).json({ code: 'not-found', message: 'There is nothing at this address' });
};

/** Faults that the client caused are its own business; of the others the code is logged, never a message of others. */
function faults(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const { code, message } = faultOf(error);
    const { httpStatus } = ERROR_CODES[code];
    if (httpStatus >= 500) log.write('http-fault', { errorCode: code, httpMethod: request.method, httpStatus });
    if (response.headersSent) response.destroy();
    else response.status(httpStatus).json({ code, message });
  };
}

/** Express says by `status` that a client was wrong: bad percent-encoding, a body that is too large. */
function faultOf(error: unknown): WetreadError {
  const { status } = error as { status?: unknown };
  if (error instanceof WetreadError || typeof status !== 'number' || status >= 500) return WetreadError.from(error);
  return new WetreadError('request-invalid', 'The request cannot be understood', { cause: error });
}
