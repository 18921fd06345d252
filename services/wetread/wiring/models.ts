/** The packages of a site and the inference that runs them, for commands that need nothing else of the site. */
import { join } from 'node:path';
import type { Admission } from '../../../adapters/model-folder/admission.ts';
import { type FolderModelShelf, openModelShelf } from '../../../adapters/model-folder/model-shelf.ts';
import { readTrustedKey } from '../../../adapters/model-folder/signature.ts';
import { jsonLog } from '../../../adapters/opentelemetry/log.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import type { InferenceEngine } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { wireInference } from './inference.ts';

/** @throws WetreadError `config-invalid` where a trusted key cannot be read */
export async function openSiteShelf(config: Config): Promise<FolderModelShelf> {
  return openModelShelf(modelFolders(config), await admissionOf(config));
}

export async function admissionOf({ trustedKeys, researchUse }: Config): Promise<Admission> {
  return { trustedKeys: await Promise.all(trustedKeys.map(readTrustedKey)), researchUse };
}

/** The bundled packages, where they are used, and the site's own. */
function modelFolders({ bundledModels, models }: Config): readonly string[] {
  return [...(bundledModels ? [join(import.meta.dirname, '..', '..', '..', 'models')] : []), ...models];
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
