/** `POST /v2/models/{model}/infer` over HTTP: JSON, or JSON and binary tensors. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  decodeRequest,
  type EncodedMessage,
  encodeResult,
  type InferResult,
  RETURN_SPANS,
} from '../../adapters/open-inference/codec.ts';
import type { Answer } from './answer.ts';
import { measure, readBody, whileConnected } from './http-body.ts';
import type { Exchange } from './infer.ts';
import type { PackagedModel } from './models.ts';
import type { Protocol } from './protocol.ts';

/** Spans of the request are complete when its span has ended; an answer that brings them is written then. */
type Written = { readonly encoded: EncodedMessage } | { readonly result: InferResult };

export async function inferOverHttp(
  { inference, tracer }: Protocol,
  model: PackagedModel,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const { length, jsonLength } = measure(request);
  const about = {
    httpMethod: 'POST',
    httpRoute: '/v2/models/{model}/versions/{version}/infer',
    model: model.name,
    modelVersion: model.version,
    bytes: length,
  };
  const wantsSpans = request.headers[RETURN_SPANS] !== undefined;
  const exchange: Exchange<Written> = {
    bytes: length,
    signal: whileConnected(response),
    read: async (admitted, readShared) => {
      const body = admitted.body();
      await readBody(request, body);
      return decodeRequest(body, jsonLength, readShared);
    },
    write: (result) => (wantsSpans ? { result } : { encoded: encodeResult(result) }),
  };
  const traceparent = request.headers['traceparent'];
  const { written, traceId } = await tracer.span(
    'inference.http',
    about,
    async (span) => ({ written: await inference.infer(model, exchange), traceId: span.traceId }),
    typeof traceparent === 'string' ? traceparent : undefined,
  );
  const { headers, chunks } =
    'encoded' in written ? written.encoded : withSpans(written.result, await tracer.document(traceId));
  return { status: 200, headers, chunks };
}

function withSpans(result: InferResult, spans: object): EncodedMessage {
  return encodeResult({ ...result, parameters: { ...result.parameters, spans: JSON.stringify(spans) } });
}
