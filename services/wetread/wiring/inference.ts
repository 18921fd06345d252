/** Who runs the models: the site's own inference service, a server in its place, or the server that a package names. */
import { join } from 'node:path';
import { inferenceChild } from '../../../adapters/open-inference/child-process.ts';
import { type OpenInferenceEngine, openInferenceEngine } from '../../../adapters/open-inference/engine.ts';
import type { InferenceServer } from '../../../contracts/generated/types.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import type { InferenceEngine, Log } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { openAccess, type ServerAccess } from './access.ts';

/** What the service that Wetread starts by itself needs beside the configuration. */
export interface OwnService {
  readonly folders: readonly string[];
  readonly log: Log;
  readonly logLevel: string;
  readonly otlpUrl?: string;
  readonly onSpans?: (document: string) => void;
}

type Servers = Config['inference']['servers'];
type Card = Pick<ModelCard, 'name' | 'version' | 'runtime'>;

/**
 * @param cards of every package that may be asked for
 * @throws WetreadError `config-invalid`, naming the key, where a package cannot be run where it says
 */
export async function wireInference(
  config: Config,
  cards: readonly Card[],
  service: OwnService,
  stack: AsyncDisposableStack,
): Promise<InferenceEngine> {
  const { servers } = config.inference;
  requireServers(cards, servers);
  const engines = new Map<string, InferenceEngine>();
  for (const [name, server] of Object.entries(servers)) {
    if (server.kind !== 'open-inference') continue;
    const opened = await openServer(server, await openAccess(server, `inference.servers.${name}`));
    engines.set(
      name,
      stack.adopt(opened, (engine) => engine.close()),
    );
  }
  return routed(cards, ownEngine(config, service, stack), engines);
}

function ownEngine(config: Config, service: OwnService, stack: AsyncDisposableStack): InferenceEngine {
  const { url, providers, threads, timeoutSeconds } = config.inference;
  const { folders, onSpans, ...rest } = service;
  const common = { timeoutMs: timeoutSeconds * 1000, ...(onSpans && { onSpans }) };
  if (url !== undefined) return stack.adopt(openInferenceEngine({ ...common, url }), (engine) => engine.close());
  const child = inferenceChild({
    ...common,
    ...rest,
    entry: serviceEntry('inference'),
    modelFolders: folders,
    providers,
    threads,
  });
  stack.defer(() => child.close());
  return child.engine;
}

/** gRPC is loaded where it is spoken. */
export async function openServer(
  { url, protocol, tensors, timeoutSeconds }: InferenceServer,
  access: ServerAccess,
): Promise<OpenInferenceEngine> {
  const reached = { url, timeoutMs: timeoutSeconds * 1000, ...access };
  if (protocol === 'http') return openInferenceEngine({ ...reached, tensors });
  const { grpcInferenceEngine } = await import('../../../adapters/open-inference/grpc-engine.ts');
  return grpcInferenceEngine(reached);
}

/** Each request to the server that its package names, under the name that it has there. */
function routed(
  cards: readonly Card[],
  own: InferenceEngine,
  servers: ReadonlyMap<string, InferenceEngine>,
): InferenceEngine {
  return {
    infer: (request, signal) => {
      const card = cards.find(({ name, version }) => name === request.model && version === request.version);
      if (card?.runtime.kind !== 'open-inference') return own.infer(request, signal);
      const { server, model = card.name, version } = card.runtime;
      const { inputs, outputs } = request;
      const asked = { model, inputs, outputs, ...(version === undefined ? {} : { version }) };
      return servers.get(server)!.infer(asked, signal);
    },
  };
}

const KINDS = { 'open-inference': 'open-inference', 'chat-completions': 'openai' } as const;

/** @throws WetreadError `config-invalid` */
export function requireServers(cards: readonly Card[], servers: Servers): void {
  for (const { name, version, runtime } of cards) {
    if (runtime.kind === 'onnx') continue;
    const server = servers[runtime.server];
    const key = `inference.servers.${runtime.server}`;
    const complaint = server === undefined ? 'is missing' : complaintAbout(server, KINDS[runtime.kind]);
    if (complaint === undefined) continue;
    throw new WetreadError('config-invalid', `${key} ${complaint}: the model package ${name} ${version} names it`);
  }
}

function complaintAbout(server: InferenceServer, kind: InferenceServer['kind']): string | undefined {
  if (server.kind !== kind) return `is of kind ${server.kind}, not ${kind}`;
  return imagesStay(server) ? 'is remote, and imagesMayLeave is not set' : undefined;
}

/** Whether images may not be sent to a server. */
export function imagesStay({ remote, imagesMayLeave }: Pick<InferenceServer, 'remote' | 'imagesMayLeave'>): boolean {
  return remote && !imagesMayLeave;
}

/** Sources and compiled code lie in the same tree: `services/inference/main.ts`, or `dist/services/inference/main.js`. */
export function serviceEntry(service: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return join(import.meta.dirname, '..', '..', service, `main.${extension}`);
}
