/** The bundled card, and cards that differ from it in one place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelCard, ModelPackage } from '../../src/inference/model-package.ts';
import { LUNG_PACKAGE } from './lung-reading.ts';

export function lungCard(): ModelCard {
  return JSON.parse(readFileSync(join(LUNG_PACKAGE, 'card.json'), 'utf8')) as ModelCard;
}

export function packageOf(card: ModelCard): ModelPackage {
  return { card, digest: `sha256:${'0'.repeat(64)}` };
}
