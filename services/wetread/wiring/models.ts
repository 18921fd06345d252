/** The packages of a site and the inference that runs them, for commands that need nothing else of the site. */
import { type FolderModelShelf, openModelShelf } from '../../../adapters/model-folder/model-shelf.ts';
import { jsonLog } from '../../../adapters/opentelemetry/log.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import type { InferenceEngine } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { wireInference } from './inference.ts';
import { modelFolders } from './wiring.ts';

export function openSiteShelf(config: Config): Promise<FolderModelShelf> {
  return openModelShelf(modelFolders(config));
}

/** Runs these packages where the site would, in a process that serves these folders alone where that is a child. */
export function wireInferenceOf(
  config: Config,
  folders: readonly string[],
  cards: readonly ModelCard[],
  stack: AsyncDisposableStack,
): Promise<InferenceEngine> {
  const log = jsonLog({ level: 'silent', service: 'wetread' });
  return wireInference(config, cards, { folders, log, logLevel: 'silent' }, stack);
}
