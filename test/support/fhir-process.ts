/**
 * A FHIR R4 server as a process that may be killed: transactions and searches on Wetread's own store, which is on the
 * disk when it answers and fast enough for a thousand reports. The server that is not ours is `fhir-server.ts`.
 */
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { isResourceType } from '../../adapters/local-fhir/search-parameters.ts';
import { localFhirStore } from '../../adapters/local-fhir/store.ts';
import { fhirRouter } from '../../services/wetread/http/fhir/router.ts';
import { searchPage } from '../../services/wetread/http/fhir/search-page.ts';
import { ERROR_CODES, WetreadError } from '../../src/errors.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';

const [port, file] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}/fhir`;
const store = localFhirStore({ file: file!, clock: { now: () => new Date() } });

const capabilities = {
  resourceType: 'CapabilityStatement',
  fhirVersion: '4.0.1',
  rest: [{ mode: 'server', interaction: [{ code: 'transaction' }] }],
};

/** The store knows no order: what was recorded last comes first. */
const search: RequestHandler<{ type: string }> = (request, response, next) => {
  const { type } = request.params;
  if (!isResourceType(type)) return next();
  const query = new URLSearchParams(String(request.body));
  const isSorted = query.has('_sort');
  query.delete('_sort');
  const page = searchPage(store, url, type, query);
  response.json(isSorted && page.entry !== undefined ? { ...page, entry: page.entry.toReversed() } : page);
};

const faults: ErrorRequestHandler = (error, _request, response, _next) => {
  const { code } = WetreadError.from(error);
  response.status(ERROR_CODES[code].httpStatus).json({ resourceType: 'OperationOutcome' });
};

const app = express();
app.get('/fhir/metadata', (_request, response) => void response.json(capabilities));
app.post('/fhir', express.json({ type: 'application/fhir+json', limit: '16mb' }), (request, response) => {
  response.json(store.transaction(request.body as Bundle));
});
app.post('/fhir/:type/_search', express.text({ type: 'application/x-www-form-urlencoded' }), search);
app.use('/fhir', fhirRouter({ store }));
app.use(faults);
app.listen(Number(port), '127.0.0.1', () => process.stdout.write(`${url}\n`));
