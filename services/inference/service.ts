/** The parts of the service, started in order and stopped in the reverse. */
import type { AddressInfo } from 'node:net';
import type { ProviderSearch } from '../../adapters/onnxruntime/session.ts';
import { SessionThread } from '../../adapters/onnxruntime/session-thread.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Log, Tracer } from '../../src/ports.ts';
import { Admission } from './admission.ts';
import type { ServiceArguments } from './arguments.ts';
import { Inference } from './infer.ts';
import { Models } from './models.ts';
import { packagesIn } from './packages.ts';
import { inferenceServer } from './server.ts';

export interface ServiceOptions {
  readonly settings: ServiceArguments;
  readonly version: string;
  readonly tracer: Tracer;
  readonly log: Log;
  /** Nothing can run any more. */
  readonly onDeath: () => void;
}

export interface Service {
  readonly port: number;
  readonly providers: ProviderSearch;
  /** True while a run, which nothing can interrupt, is going on. */
  busy(): boolean;
  /** Refuses new requests, ends the runs that were begun, then the session thread. */
  stop(): Promise<void>;
}

/** @throws WetreadError `config-invalid` where no provider works */
export async function startService({ settings, version, tracer, log, onDeath }: ServiceOptions): Promise<Service> {
  const thread = new SessionThread({ providers: settings.providers, threads: settings.threads }, onDeath);
  const providers = await thread.findProviders();
  if (providers.found.length === 0) throw new WetreadError('config-invalid', noProvider(providers));

  const packages = await packagesIn(settings.models);
  for (const { name, version: modelVersion, refused } of packages) {
    if (refused !== undefined) log.write('model-refused', { model: name, modelVersion, errorCode: refused.code });
  }
  const models = new Models(packages, thread);
  const admission = new Admission({ maxRequests: settings.queue, maxBytes: settings.maxRequestBytes });
  const inference = new Inference({ models, thread, admission, tracer, recycleAfter: settings.recycleAfter });
  const server = inferenceServer({ version, models, inference, tracer, log });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log.write('inference-started', { port, provider: providers.found.join(','), pid: process.pid });
  return {
    port,
    providers,
    busy: () => thread.busy,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
      await inference.idle();
      await thread.close();
    },
  };
}

function noProvider({ missing }: ProviderSearch): string {
  return `No execution provider works: ${missing.map(({ provider, because }) => `${provider} (${because})`).join('; ')}`;
}
