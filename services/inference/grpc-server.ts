/** `inference.GRPCInferenceService`: the same models, admission and errors as over HTTP. */
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import {
  decodeGrpcRequest,
  encodeGrpcResult,
  type GrpcInferRequest,
  type GrpcInferResponse,
  rawBytesOf,
} from '../../adapters/open-inference/grpc-codec.ts';
import { grpcInferenceService } from '../../adapters/open-inference/grpc-service.ts';
import { type ErrorCode, WetreadError } from '../../src/errors.ts';
import type { Exchange } from './infer.ts';
import type { Protocol } from './protocol.ts';

/** What a message has beside its tensors. */
const MESSAGE_OVERHEAD_BYTES = 1024 * 1024;

const STATUS: Partial<Record<ErrorCode, status>> = {
  'not-found': status.NOT_FOUND,
  conflict: status.ALREADY_EXISTS,
  'request-invalid': status.INVALID_ARGUMENT,
  'package-invalid': status.FAILED_PRECONDITION,
  'too-large': status.RESOURCE_EXHAUSTED,
  overloaded: status.UNAVAILABLE,
  'inference-unreachable': status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
};

export interface GrpcOptions {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  readonly maxRequestBytes: number;
}

export interface GrpcServer {
  readonly port: number;
  /** Refuses new calls, answers those that were begun. */
  stop(): Promise<void>;
}

type Message = Readonly<Record<string, unknown>>;
interface ModelName {
  readonly name: string;
  readonly version: string;
}
interface RepositoryModel {
  readonly model_name: string;
}
/** 64-bit integers are text. */
interface RegionMessage {
  readonly name: string;
  readonly key: string;
  readonly offset: string;
  readonly byte_size: string;
}
type Call<I> = ServerUnaryCall<I, object>;
type Handler<I> = (protocol: Protocol, request: I, call: Call<I>) => object | Promise<object>;

function handlersOf(): Readonly<Record<string, Handler<never>>> {
  return {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: true }),
    ServerMetadata: (protocol) => protocol.server(),
    ModelReady: (protocol, { name, version }: ModelName) => ({
      ready: protocol.objection(protocol.find(name, given(version))) === undefined,
    }),
    ModelMetadata: (protocol, { name, version }: ModelName) => protocol.model(name, given(version)),
    ModelInfer: infer,
    ModelStatistics: (protocol, { name, version }: ModelName) => ({
      model_stats: protocol.statistics(given(name), given(version)),
    }),
    SystemSharedMemoryStatus: (protocol, { name }: ModelName) => ({
      regions: Object.fromEntries(
        protocol
          .sharedMemory()
          .status(given(name))
          .map((region) => [region.name, region]),
      ),
    }),
    SystemSharedMemoryRegister: (protocol, { name, key, offset, byte_size: size }: RegionMessage) => {
      protocol.sharedMemory().register({ name, key, offset: Number(offset), byte_size: Number(size) });
      return {};
    },
    SystemSharedMemoryUnregister: (protocol, { name }: ModelName) => {
      protocol.sharedMemory().unregister(given(name));
      return {};
    },
    RepositoryIndex: (protocol, request: Message) => ({ models: protocol.index(request) }),
    RepositoryModelLoad: async (protocol, { model_name: name }: RepositoryModel) => {
      await protocol.load(name);
      return {};
    },
    RepositoryModelUnload: async (protocol, { model_name: name }: RepositoryModel) => {
      await protocol.unload(name);
      return {};
    },
  };
}

/** Proto3 has no absent text. */
function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}

async function infer(
  protocol: Protocol,
  request: GrpcInferRequest,
  call: Call<GrpcInferRequest>,
): Promise<GrpcInferResponse> {
  const { inference, tracer } = protocol;
  const model = protocol.find(request.model_name, given(request.model_version));
  const left = new AbortController();
  call.once('cancelled', () =>
    left.abort(new WetreadError('timeout', 'The client has gone, or its deadline has passed')),
  );
  const bytes = rawBytesOf(request);
  const exchange: Exchange<GrpcInferResponse> = {
    bytes,
    signal: left.signal,
    read: (_, readShared) => decodeGrpcRequest(request, readShared),
    write: encodeGrpcResult,
  };
  const about = {
    httpRoute: 'inference.GRPCInferenceService/ModelInfer',
    model: model.name,
    modelVersion: model.version,
    bytes,
  };
  const [traceparent] = call.metadata.get('traceparent');
  const parent = typeof traceparent === 'string' ? traceparent : undefined;
  return tracer.span('inference.http', about, () => inference.infer(model, exchange), parent);
}

function unary(protocol: Protocol, handler: Handler<never>): handleUnaryCall<never, object> {
  return (call, reply) => {
    Promise.resolve()
      .then(() => handler(protocol, call.request, call))
      .then(
        (answer) => reply(null, answer),
        (fault: unknown) => {
          protocol.report(fault);
          reply(errorOf(fault));
        },
      );
  };
}

function errorOf(fault: unknown): { code: status; details: string; metadata: Metadata } {
  const { code, message } = WetreadError.from(fault);
  const metadata = new Metadata();
  if (code === 'overloaded') metadata.set('retry-after', '1');
  return { code: STATUS[code] ?? status.INTERNAL, details: message, metadata };
}

/** @throws WetreadError `config-invalid` where it cannot listen */
export async function startGrpc({ protocol, host, port, maxRequestBytes }: GrpcOptions): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': maxRequestBytes + MESSAGE_OVERHEAD_BYTES,
    'grpc.max_send_message_length': -1,
  });
  const handlers = Object.entries(handlersOf()).map(([name, handler]) => [name, unary(protocol, handler)] as const);
  // Which request a handler gets is said by the protocol file, which the compiler does not read.
  server.addService(
    grpcInferenceService().service,
    Object.fromEntries(handlers) as unknown as UntypedServiceImplementation,
  );
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, found) =>
      error === null
        ? resolve(found)
        : reject(new WetreadError('config-invalid', `--grpc-port: cannot listen on ${address}`, { cause: error })),
    );
  });
  return { port: bound, stop: () => new Promise((resolve) => server.tryShutdown(() => resolve())) };
}
