/**
 * Client of an Open Inference Protocol v2 server: Wetread's own service, Triton, KServe. Tensors are written from where
 * they lie and read into shared memory, so that nothing of their size is copied or joined.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { context, propagation } from '@opentelemetry/api';
import { ERROR_CODES, type ErrorCode, WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, InferenceResponse } from '../../src/inference/tensor.ts';
import type { InferenceEngine } from '../../src/ports.ts';
import {
  contentLength,
  decodeResult,
  type EncodedMessage,
  encodeRequest,
  HEADER_LENGTH,
  RETURN_SPANS,
} from './codec.ts';

export interface EngineOptions {
  /** Address of the server, such as `http://127.0.0.1:8000`; `/v2/models/…` is appended. */
  readonly url: string;
  /** From the first byte sent to the last received: the run and the wait for its turn included. */
  readonly timeoutMs: number;
  /** Such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 2 GiB. */
  readonly maxResponseBytes?: number;
  /** Takes the server's finished spans of a request, OTLP JSON; they are asked for only where this is given. */
  readonly onSpans?: (document: string) => void;
}

export interface OpenInferenceEngine extends InferenceEngine {
  /** Closes connections that are kept. */
  close(): void;
}

const DEFAULT_MAX_RESPONSE_BYTES = 2 ** 31;
/** An error body says one sentence; more is not read. */
const MAX_ERROR_BYTES = 64 * 1024;

export function openInferenceEngine(options: EngineOptions): OpenInferenceEngine {
  const secure = new URL(options.url).protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  return {
    infer: (request, signal) => infer(options, agent, request, signal),
    close: () => agent.destroy(),
  };
}

async function infer(
  options: EngineOptions,
  agent: HttpAgent | HttpsAgent,
  request: InferenceRequest,
  signal: AbortSignal,
): Promise<InferenceResponse> {
  if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  try {
    const response = await exchange(options, agent, request, either);
    if (response.statusCode !== 200) throw await refusal(response);
    const body = await readBody(response, options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES);
    return resultOf(options, request, response, body);
  } catch (cause) {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    if (timeout.aborted)
      throw new WetreadError('timeout', 'The inference service took longer than its limit', { cause });
    if (cause instanceof WetreadError) throw cause;
    throw new WetreadError('inference-unreachable', 'The connection to the inference service failed', { cause });
  }
}

function exchange(
  { url, headers, onSpans }: EngineOptions,
  agent: HttpAgent | HttpsAgent,
  request: InferenceRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { model, version } = request;
  const path = `/v2/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/infer`;
  const target = new URL(url.replace(/\/$/, '') + path);
  const encoded = encodeRequest(request);
  const traceHeaders: Record<string, string> = {};
  propagation.inject(context.active(), traceHeaders);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const sending = send(target, {
    method: 'POST',
    agent,
    signal,
    headers: {
      ...headers,
      ...traceHeaders,
      ...encoded.headers,
      'content-length': contentLength(encoded),
      'accept-encoding': 'identity',
      ...(onSpans === undefined ? {} : { [RETURN_SPANS]: 'true' }),
    },
  });
  sending.setNoDelay(true);
  return new Promise((resolve, reject) => {
    sending.once('response', resolve);
    sending.on('error', reject);
    writeAll(sending, encoded).catch(reject);
  });
}

/** One view after the other, each when the one before has left: a view may be larger than any buffer between. */
async function writeAll(sending: ClientRequest, { chunks }: EncodedMessage): Promise<void> {
  for (const chunk of chunks) {
    if (sending.destroyed) return;
    await new Promise<void>((resolve) => sending.write(chunk, () => resolve()));
  }
  sending.end();
}

async function refusal(response: IncomingMessage): Promise<WetreadError> {
  const status = response.statusCode ?? 0;
  const body = await readBody(response, MAX_ERROR_BYTES).catch(() => new Uint8Array());
  return new WetreadError(codeOf(status), `The inference service answered ${status}: ${sentenceOf(body)}`);
}

/** Busy and absent servers are tried again; a request that a server understood and refused is not. */
function codeOf(status: number): ErrorCode {
  if (status === 429 || status === ERROR_CODES.overloaded.httpStatus) return 'overloaded';
  return status === 408 || status === 502 || status === 504 ? 'inference-unreachable' : 'inference-failed';
}

function sentenceOf(body: Uint8Array): string {
  try {
    const { error } = JSON.parse(textOf(body)) as { error?: unknown };
    return typeof error === 'string' ? error.slice(0, 300) : 'no reason given';
  } catch {
    return 'no reason given';
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Into one piece of shared memory: the answer's labels go to worker threads without another copy. */
async function readBody(response: IncomingMessage, limit: number): Promise<Uint8Array> {
  const announced = response.headers['content-length'];
  if (announced === undefined) return readUnannounced(response, limit);
  const length = Number(announced);
  if (length > limit) throw tooLarge(limit);
  const body = new Uint8Array(new SharedArrayBuffer(length));
  let position = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    body.set(chunk, position);
    position += chunk.byteLength;
  }
  return body;
}

async function readUnannounced(response: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const body = new Uint8Array(new SharedArrayBuffer(length));
  let position = 0;
  for (const chunk of chunks) {
    body.set(chunk, position);
    position += chunk.byteLength;
  }
  return body;
}

function tooLarge(limit: number): WetreadError {
  return new WetreadError('inference-failed', `The inference service answered with more than ${limit} bytes`);
}

function resultOf(
  { onSpans }: EngineOptions,
  request: InferenceRequest,
  response: IncomingMessage,
  body: Uint8Array,
): InferenceResponse {
  try {
    const jsonLength = response.headers[HEADER_LENGTH];
    const { outputs, parameters } = decodeResult(body, jsonLength === undefined ? undefined : Number(jsonLength));
    const missing = request.outputs.find((name) => !outputs.some((output) => output.name === name));
    if (missing !== undefined) throw new WetreadError('request-invalid', `Output ${missing} is missing`);
    const { provider, spans } = parameters;
    if (typeof spans === 'string') onSpans?.(spans);
    return { outputs, provider: typeof provider === 'string' ? provider : 'unknown' };
  } catch (cause) {
    const because = cause instanceof WetreadError ? cause.message : 'unreadable';
    throw new WetreadError('inference-failed', `The answer of the inference service is not valid: ${because}`, {
      cause,
    });
  }
}
