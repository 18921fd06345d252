/** The parts of the service, started in order and stopped in the reverse. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readTrustedKey } from '../../adapters/model-folder/signature.ts';
import type { ProviderSearch } from '../../adapters/onnxruntime/graph.ts';
import { SessionProcess } from '../../adapters/onnxruntime/session-process.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Log, Tracer } from '../../src/ports.ts';
import { Admission } from './admission.ts';
import type { ServiceArguments } from './arguments.ts';
import type { GrpcServer } from './grpc-server.ts';
import { Inference } from './infer.ts';
import { inferenceMetrics } from './metrics.ts';
import { Models, type PackagedModel } from './models.ts';
import { packagesIn } from './packages.ts';
import { Protocol } from './protocol.ts';
import { inferenceServer } from './server.ts';
import { SharedMemory } from './shared-memory.ts';
import { Statistics } from './statistics.ts';
import { warmUp } from './warm-up.ts';

export interface ServiceOptions {
  readonly settings: ServiceArguments;
  readonly version: string;
  readonly tracer: Tracer;
  readonly log: Log;
}

export interface Service {
  readonly port: number;
  /** Undefined: none was asked for. */
  readonly grpcPort: number | undefined;
  readonly providers: ProviderSearch;
  /** True while a run is going on. */
  busy(): boolean;
  /** Refuses new requests, ends the runs that were begun, then the session process. */
  stop(): Promise<void>;
}

/** @throws WetreadError `config-invalid` where no provider works */
export async function startService({ settings, version, tracer, log }: ServiceOptions): Promise<Service> {
  const sessions = new SessionProcess({
    providers: settings.providers,
    threads: settings.threads,
    onDeath: (pid) => log.write('inference-died', pid === undefined ? {} : { pid }),
  });
  const providers = await sessions.findProviders();
  for (const { provider, reason } of providers.missing) log.write('provider-missing', { provider, reason });
  if (providers.found.length === 0) throw new WetreadError('config-invalid', noProvider(providers));
  const models = await openModels(settings, sessions, log);
  const statistics = new Statistics();
  const admission = new Admission({ maxRequests: settings.queue, maxBytes: settings.maxRequestBytes });
  const { recycleAfter, limitMs, modelControl } = settings;
  const sharedMemory = settings.sharedMemory ? new SharedMemory(settings.maxRequestBytes) : undefined;
  const shared = { models, statistics, tracer, sharedMemory };
  const inference = new Inference({ ...shared, sessions, admission, recycleAfter, limitMs });
  const protocol = new Protocol({ ...shared, version, inference, log, modelControl });
  const metrics = inferenceMetrics({
    statistics,
    models: () => models.all(),
    inside: () => admission.inside,
    starts: () => sessions.starts,
  });
  const server = inferenceServer({ protocol, metrics });
  const port = await listen(server, settings);
  const grpc = await openGrpc(protocol, settings);
  log.write('inference-started', { port, provider: providers.found.join(','), pid: process.pid });
  return {
    port,
    grpcPort: grpc?.port,
    providers,
    busy: () => sessions.busy,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await Promise.all([closed, grpc?.stop()]);
      await sessions.close();
    },
  };
}

async function openModels(settings: ServiceArguments, sessions: SessionProcess, log: Log): Promise<Models> {
  const trustedKeys = await Promise.all(settings.trustedKeys.map(readTrustedKey));
  const models = await Models.open({
    find: () => packagesIn(settings.models, settings.batching, trustedKeys),
    sessions,
    ...(settings.warmUp ? { warmUp: (model, face) => warmUp(sessions, model, face) } : {}),
  });
  const tell = (event: 'model-refused' | 'warm-up-fault', { name, version }: PackagedModel, fault: unknown): void =>
    log.write(event, { model: name, modelVersion: version, errorCode: WetreadError.from(fault).code });
  for (const model of models.all()) {
    if (model.refused !== undefined) tell('model-refused', model, model.refused);
    else if (settings.warmUp) {
      await models.interfaceOf(model).catch((fault: unknown) => tell('warm-up-fault', model, fault));
    }
  }
  return models;
}

/** What it brings is loaded where it is asked for. */
async function openGrpc(protocol: Protocol, settings: ServiceArguments): Promise<GrpcServer | undefined> {
  const { grpcPort: port, host, maxRequestBytes } = settings;
  if (port === undefined) return undefined;
  const { startGrpc } = await import('./grpc-server.ts');
  return startGrpc({ protocol, host, port, maxRequestBytes });
}

/** @throws WetreadError `config-invalid` */
async function listen(server: Server, { port, host }: ServiceArguments): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new WetreadError('config-invalid', `--port: cannot listen on ${host}:${port}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function noProvider({ missing }: ProviderSearch): string {
  return `No execution provider works: ${missing.map(({ provider, reason, because }) => `${provider} (${reason}: ${because})`).join('; ')}`;
}
