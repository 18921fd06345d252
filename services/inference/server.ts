/** The Open Inference Protocol v2 over HTTP. Health answers at all times: runs happen in another thread. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { TensorSpec } from '../../adapters/onnxruntime/session.ts';
import { encodeResult, RETURN_SPANS } from '../../adapters/open-inference/codec.ts';
import { ERROR_CODES, WetreadError } from '../../src/errors.ts';
import type { Log, Tracer } from '../../src/ports.ts';
import { type Answer, answerToFault, json, refusal } from './answer.ts';
import type { Inference } from './infer.ts';
import type { Models, PackagedModel } from './models.ts';

/** A body must have arrived by then; a client that stalls does not hold its memory for longer. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Longer than the pauses of a client between studies in a row, so that its connection is still good. */
const KEEP_ALIVE_MS = 60_000;

export interface ServerParts {
  readonly version: string;
  readonly models: Models;
  readonly inference: Inference;
  readonly tracer: Tracer;
  readonly log: Log;
}

export function inferenceServer(parts: ServerParts): Server {
  const options = { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true };
  return createServer(options, (request, response) => {
    answer(parts, request)
      .catch((fault: unknown) => {
        report(parts.log, fault);
        return answerToFault(fault);
      })
      .then((given) => write(response, given))
      .catch(() => response.destroy());
  });
}

/** Refusals and full queues are the client's to read; faults of this side are also logged. */
function report(log: Log, fault: unknown): void {
  const { code } = WetreadError.from(fault);
  if (ERROR_CODES[code].httpStatus >= 500 && code !== 'overloaded') log.write('http-fault', { errorCode: code });
}

async function write(response: ServerResponse, { status, headers, chunks }: Answer): Promise<void> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  response.writeHead(status, { ...headers, 'content-length': length });
  for (const chunk of chunks) response.write(chunk);
  response.end();
}

const MODEL_ROUTE = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer))?$/;

async function answer(parts: ServerParts, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const [, name, version, action] = MODEL_ROUTE.exec(path) ?? [];
  const method = action === 'infer' ? 'POST' : 'GET';
  if (name === undefined) {
    const general = generalAnswer(parts.version, path);
    if (general === undefined) return refusal(404, 'No such address');
    return request.method === 'GET' ? general : wrongMethod('GET');
  }
  if (request.method !== method) return wrongMethod(method);
  const model = parts.models.find(decoded(name), version === undefined ? undefined : decoded(version));
  if (action === 'infer') return infer(parts, model, request);
  return action === 'ready' ? readiness(model) : metadata(parts.models, model);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new WetreadError('request-invalid', 'The address is not valid');
  }
}

function wrongMethod(allowed: string): Answer {
  return refusal(405, `Only ${allowed} is possible here`, { allow: allowed });
}

function generalAnswer(version: string, path: string): Answer | undefined {
  if (path === '/v2/health/live') return json(200, { live: true });
  if (path === '/v2/health/ready') return json(200, { ready: true });
  if (path === '/v2') return json(200, { name: 'wetread-inference', version, extensions: ['binary_tensor_data'] });
  return undefined;
}

/** A refused model says why; it does not become ready by waiting, hence no 503. */
function readiness({ name, refused }: PackagedModel): Answer {
  if (refused === undefined) return json(200, { name, ready: true });
  return json(ERROR_CODES[refused.code].httpStatus, { name, ready: false, error: refused.message });
}

async function metadata(models: Models, model: PackagedModel): Promise<Answer> {
  const { inputs, outputs } = await models.interfaceOf(model);
  const fields = ({ name, datatype, shape }: TensorSpec): object => ({ name, datatype, shape });
  return json(200, {
    name: model.name,
    versions: models.versionsOf(model.name),
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(fields),
    outputs: outputs.map(fields),
  });
}

async function infer(parts: ServerParts, model: PackagedModel, request: IncomingMessage): Promise<Answer> {
  const { inference, tracer } = parts;
  const about = {
    httpMethod: 'POST',
    httpRoute: '/v2/models/{model}/versions/{version}/infer',
    model: model.name,
    modelVersion: model.version,
    bytes: Number(request.headers['content-length'] ?? 0),
  };
  const traceparent = request.headers['traceparent'];
  const { result, traceId } = await tracer.span(
    'inference.http',
    about,
    async (span) => ({ result: await inference.infer(model, request), traceId: span.traceId }),
    typeof traceparent === 'string' ? traceparent : undefined,
  );
  const { headers, chunks } = encodeResult(
    request.headers[RETURN_SPANS] === undefined
      ? result
      : { ...result, parameters: { ...result.parameters, spans: JSON.stringify(await tracer.document(traceId)) } },
  );
  return { status: 200, headers, chunks };
}
