/**
 * Client of an Open Inference Protocol v2 server over HTTP: Wetread's own service, Triton, MLServer, KServe. Tensors are
 * written from where they lie and read into shared memory, so that nothing of their size is copied or joined; a server
 * without the binary tensor extension is sent JSON.
 */
import { context, propagation } from '@opentelemetry/api';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, InferenceResponse } from '../../src/inference/tensor.ts';
import type { InferenceEngine } from '../../src/ports.ts';
import { decodeResult, encodeJsonRequest, encodeRequest, HEADER_LENGTH, RETURN_SPANS } from './codec.ts';
import { connectionFault, type HttpAnswer, HttpServer, type ServerAccess } from './http-exchange.ts';
import { type ModelMetadata, modelMetadataOf, type ServerMetadata, serverMetadataOf } from './metadata.ts';

export interface EngineOptions extends ServerAccess {
  /** How tensors are sent; `auto` where absent: as the server's metadata say. */
  readonly tensors?: 'auto' | 'binary' | 'json';
  /** Takes the server's finished spans of a request, OTLP JSON; they are asked for only where this is given. */
  readonly onSpans?: (document: string) => void;
}

export interface OpenInferenceEngine extends InferenceEngine {
  /** @throws WetreadError as `infer` */
  server(signal: AbortSignal): Promise<ServerMetadata>;
  /** @throws WetreadError as `infer`; `inference-failed` where the server has no such model */
  model(name: string, version: string | undefined, signal: AbortSignal): Promise<ModelMetadata>;
  /** Closes connections that are kept. */
  close(): void;
}

export function openInferenceEngine(options: EngineOptions): OpenInferenceEngine {
  return new HttpEngine(options);
}

class HttpEngine implements OpenInferenceEngine {
  readonly #options: EngineOptions;
  readonly #server: HttpServer;
  /** Asked for once; a server that is exchanged for another speaks no other dialect under the same address. */
  #metadata: ServerMetadata | undefined;
  /** Number of the request: KServe cannot answer one that has no id. */
  #asked = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#server = new HttpServer(options);
  }

  close(): void {
    this.#server.close();
  }

  async server(signal: AbortSignal): Promise<ServerMetadata> {
    return serverMetadataOf(await this.#get('/v2', signal));
  }

  async model(name: string, version: string | undefined, signal: AbortSignal): Promise<ModelMetadata> {
    return modelMetadataOf(await this.#get(modelPath(name, version), signal));
  }

  async infer(request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse> {
    return this.#within(signal, async (either) => {
      const { model, version } = request;
      const encode = (await this.#takesBinary(either)) ? encodeRequest : encodeJsonRequest;
      this.#asked += 1;
      const body = encode(request, String(this.#asked));
      const traceHeaders: Record<string, string> = {};
      propagation.inject(context.active(), traceHeaders);
      const answer = await this.#server.ask(
        {
          method: 'POST',
          path: `${modelPath(model, version)}/infer`,
          headers: { ...traceHeaders, ...(this.#options.onSpans && { [RETURN_SPANS]: 'true' }) },
          body,
        },
        either,
      );
      const { outputs, provider } = resultOf(this.#options, request, answer);
      return { outputs, provider: provider ?? (await this.#name(either)) };
    });
  }

  async #takesBinary(signal: AbortSignal): Promise<boolean> {
    const { tensors = 'auto' } = this.#options;
    if (tensors !== 'auto') return tensors === 'binary';
    this.#metadata ??= await this.server(signal);
    return this.#metadata.extensions.includes('binary_tensor_data');
  }

  /** Stands for the execution provider where the server names none; an answer is worth more than its name. */
  async #name(signal: AbortSignal): Promise<string> {
    this.#metadata ??= await this.server(signal).catch(() => undefined);
    return this.#metadata === undefined ? 'unknown' : `${this.#metadata.name} ${this.#metadata.version}`;
  }

  async #get(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const message = { method: 'GET', path, headers: {} } as const;
    return (await this.#within(signal, (either) => this.#server.ask(message, either))).body;
  }

  async #within<T>(signal: AbortSignal, work: (either: AbortSignal) => Promise<T>): Promise<T> {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      return await work(AbortSignal.any([signal, timeout]));
    } catch (cause) {
      throw connectionFault(cause, signal, timeout);
    }
  }
}

function modelPath(name: string, version: string | undefined): string {
  const path = `/v2/models/${encodeURIComponent(name)}`;
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`;
}

function resultOf(
  { onSpans }: EngineOptions,
  request: InferenceRequest,
  { headers, body }: HttpAnswer,
): Pick<InferenceResponse, 'outputs'> & { readonly provider?: string } {
  try {
    const jsonLength = headers[HEADER_LENGTH];
    const { outputs, parameters } = decodeResult(body, jsonLength === undefined ? undefined : Number(jsonLength));
    const { provider, spans } = parameters;
    if (typeof spans === 'string') onSpans?.(spans);
    return { outputs: wantedOf(request, outputs), ...(typeof provider === 'string' && { provider }) };
  } catch (cause) {
    throw invalidAnswer(cause);
  }
}

/** @throws WetreadError where one is missing */
export function wantedOf(
  { outputs: wanted }: InferenceRequest,
  outputs: InferenceResponse['outputs'],
): InferenceResponse['outputs'] {
  const missing = wanted.find((name) => !outputs.some((output) => output.name === name));
  if (missing !== undefined) throw new WetreadError('request-invalid', `Output ${missing} is missing`);
  return outputs;
}

export function invalidAnswer(cause: unknown): WetreadError {
  const because = cause instanceof WetreadError ? cause.message : 'unreadable';
  return new WetreadError('inference-failed', `The answer of the inference service is not valid: ${because}`, {
    cause,
  });
}
