/** Client of an Open Inference Protocol v2 server over gRPC. Tensors are always raw. */
import {
  ChannelCredentials,
  type Client,
  credentials as grpcCredentials,
  Metadata,
  type MetadataValue,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { context, propagation } from '@opentelemetry/api';
import { Asking } from '../../src/asking.ts';
import { type ErrorCode, WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, InferenceResponse } from '../../src/inference/tensor.ts';
import { invalidAnswer, type OpenInferenceEngine, wantedOf } from './engine.ts';
import { decodeGrpcResult, encodeGrpcRequest, type GrpcInferResponse } from './grpc-codec.ts';
import { grpcInferenceService } from './grpc-service.ts';
import { askedOf, connectionFault, type ServerAccess } from './http-exchange.ts';
import { type ModelMetadata, nameOf, type ServerMetadata, tensorsOf } from './metadata.ts';

const DEFAULT_MAX_RESPONSE_BYTES = 2 ** 31 - 1;

/** HTTP statuses of what {@link Asking} knows: who asks is said anew, and a busy server is asked again when it says. */
const ASKED_AGAIN: Partial<Record<status, number>> = {
  [status.UNAUTHENTICATED]: 401,
  [status.UNAVAILABLE]: 503,
  [status.RESOURCE_EXHAUSTED]: 429,
};

type Unary = (
  request: object,
  metadata: Metadata,
  options: { readonly deadline: Date },
  done: (error: ServiceError | null, answer: object) => void,
) => { cancel(): void };

export function grpcInferenceEngine(access: ServerAccess): OpenInferenceEngine {
  return new GrpcEngine(access);
}

class GrpcEngine implements OpenInferenceEngine {
  readonly #access: ServerAccess;
  readonly #client: Client & Readonly<Record<string, Unary>>;
  #name: string | undefined;

  constructor(access: ServerAccess) {
    this.#access = access;
    const { url, maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = access;
    const { protocol, host, hostname } = new URL(url);
    const tls = access.tls?.();
    const isTls = protocol === 'https:';
    const address = host === hostname ? `${host}:${isTls ? 443 : 80}` : host;
    const GrpcClient = grpcInferenceService();
    // Which methods a client has is said by the protocol file, which the compiler does not read.
    this.#client = new GrpcClient(address, channelCredentials(isTls, tls), {
      'grpc.max_receive_message_length': maxResponseBytes,
      'grpc.max_send_message_length': -1,
      ...(tls?.servername === undefined ? {} : { 'grpc.ssl_target_name_override': tls.servername }),
    }) as unknown as Client & Readonly<Record<string, Unary>>;
  }

  close(): void {
    this.#client.close();
  }

  async server(signal: AbortSignal): Promise<ServerMetadata> {
    const { name, version, extensions } = (await this.#ask('ServerMetadata', {}, signal)) as ServerMetadata;
    return { name: nameOf(name), version: nameOf(version), extensions };
  }

  async model(name: string, version: string | undefined, signal: AbortSignal): Promise<ModelMetadata> {
    const answer = await this.#ask('ModelMetadata', { name, version: version ?? '' }, signal);
    const { inputs, outputs } = answer as { inputs: unknown; outputs: unknown };
    return { inputs: tensorsOf(inputs), outputs: tensorsOf(outputs) };
  }

  async infer(request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse> {
    const answer = (await this.#ask('ModelInfer', encodeGrpcRequest(request), signal)) as GrpcInferResponse;
    const provider = answer.parameters['provider']?.string_param ?? (await this.#about(signal));
    try {
      return { outputs: wantedOf(request, decodeGrpcResult(answer)), provider };
    } catch (cause) {
      throw invalidAnswer(cause);
    }
  }

  /** Stands for the execution provider where the server names none; an answer is worth more than its name. */
  async #about(signal: AbortSignal): Promise<string> {
    this.#name ??= await this.server(signal).then(
      ({ name, version }) => `${name} ${version}`,
      () => undefined,
    );
    return this.#name ?? 'unknown';
  }

  async #ask(method: string, request: object, signal: AbortSignal): Promise<object> {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    const { timeoutMs, url } = this.#access;
    const deadline = new Date(Date.now() + timeoutMs);
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const asking = new Asking(askedOf(this.#access), { method: 'POST', url }, either);
      for (;;) {
        const metadata = metadataOf(await asking.credentials());
        try {
          return await this.#call(method, request, metadata, deadline, either);
        } catch (cause) {
          const { code, metadata: fields } = cause as Partial<ServiceError>;
          const field = (name: string): string | undefined => textOf(fields?.get(name)[0]);
          const again = code !== undefined && (await asking.again(ASKED_AGAIN[code] ?? 500, field));
          if (!again) throw faultOf(cause, field('retry-after') !== undefined);
        }
      }
    } catch (cause) {
      throw connectionFault(cause, signal, timeout);
    }
  }

  #call(method: string, request: object, metadata: Metadata, deadline: Date, signal: AbortSignal): Promise<object> {
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    const done = (error: ServiceError | null, answer: object): void =>
      error === null ? resolve(answer) : reject(error);
    const call = this.#client[method]!(request, metadata, { deadline }, done);
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', cancel));
  }
}

function channelCredentials(
  isTls: boolean,
  tls: ReturnType<NonNullable<ServerAccess['tls']>> | undefined,
): ChannelCredentials {
  if (!isTls) return grpcCredentials.createInsecure();
  return tls === undefined
    ? grpcCredentials.createSsl()
    : ChannelCredentials.createFromSecureContext(tls.secureContext);
}

function metadataOf(credentials: Readonly<Record<string, string>>): Metadata {
  const fields: Record<string, string> = {};
  propagation.inject(context.active(), fields);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries({ ...fields, ...credentials })) metadata.set(name, value);
  return metadata;
}

function textOf(value: MetadataValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const CODES: Partial<Record<status, ErrorCode>> = {
  [status.RESOURCE_EXHAUSTED]: 'overloaded',
  [status.UNAVAILABLE]: 'inference-unreachable',
  [status.DEADLINE_EXCEEDED]: 'timeout',
  [status.CANCELLED]: 'inference-unreachable',
};

/** @param saysWhen UNAVAILABLE is a server that is busy where it says when to come back, else one that is not there */
function faultOf(cause: unknown, saysWhen: boolean): unknown {
  const { code, details = '' } = cause as Partial<ServiceError>;
  if (code === undefined) return cause;
  const meant = code === status.UNAVAILABLE && saysWhen ? 'overloaded' : (CODES[code] ?? 'inference-failed');
  const said = details === '' ? 'no reason given' : details.slice(0, 300);
  return new WetreadError(meant, `The inference service answered ${status[code]}: ${said}`, { cause });
}
