/** The bundled card, and cards that differ from it in one place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelCard, ModelPackage } from '../../src/inference/model-package.ts';

const CARD = join(import.meta.dirname, '..', '..', 'models', 'ct-lung-density', 'card.json');

export function lungCard(): ModelCard {
  return JSON.parse(readFileSync(CARD, 'utf8')) as ModelCard;
}

export function packageOf(card: ModelCard): ModelPackage {
  return { card, digest: `sha256:${'0'.repeat(64)}` };
}
