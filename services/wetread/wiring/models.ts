/** The packages of a site and the inference that runs them, for commands that need nothing else of the site. */
import { type FolderModelShelf, openModelShelf } from '../../../adapters/model-folder/model-shelf.ts';
import { inferenceChild } from '../../../adapters/open-inference/child-process.ts';
import { openInferenceEngine } from '../../../adapters/open-inference/engine.ts';
import { jsonLog } from '../../../adapters/opentelemetry/log.ts';
import type { InferenceEngine } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { modelFolders, serviceEntry } from './wiring.ts';

export function openSiteShelf(config: Config): Promise<FolderModelShelf> {
  return openModelShelf(modelFolders(config));
}

export interface WiredInference extends AsyncDisposable {
  readonly engine: InferenceEngine;
}

/** The site's inference server where it has one, else a process of its own that serves these folders alone. */
export function wireInferenceOf(config: Config, folders: readonly string[]): WiredInference {
  const { url, providers, threads, timeoutSeconds } = config.inference;
  const timeoutMs = timeoutSeconds * 1000;
  if (url !== undefined) {
    const engine = openInferenceEngine({ url, timeoutMs });
    return { engine, [Symbol.asyncDispose]: () => Promise.resolve(engine.close()) };
  }
  const child = inferenceChild({
    entry: serviceEntry('inference'),
    modelFolders: folders,
    providers,
    threads,
    timeoutMs,
    log: jsonLog({ level: 'silent', service: 'wetread' }),
    logLevel: 'silent',
  });
  return { engine: child.engine, [Symbol.asyncDispose]: () => child.close() };
}
