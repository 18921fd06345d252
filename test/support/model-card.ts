/** The bundled card, and cards that differ from it in one place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CardOf, LabelMapOutput, ModelCard, ModelPackage } from '../../src/inference/model-package.ts';

const CARD = join(import.meta.dirname, '..', '..', 'models', 'ct-lung-density', 'card.json');

/** What the bundled card of the lungs is among all that a card can be. */
export type LungCard = CardOf<'volume'> & { outputs: [LabelMapOutput] };

export function lungCard(): LungCard {
  return JSON.parse(readFileSync(CARD, 'utf8')) as LungCard;
}

export function packageOf(card: ModelCard): ModelPackage {
  return { card, digest: `sha256:${'0'.repeat(64)}` };
}
