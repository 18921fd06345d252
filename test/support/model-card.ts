/** Cards of the packages here, and cards that differ from it in one place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CardOf, LabelMapOutput, ModelCard, ModelPackage } from '../../src/inference/model-package.ts';

const MODELS = join(import.meta.dirname, '..', '..', 'models');

/** What the bundled card of the lungs is among all that a card can be. */
export type LungCard = CardOf<'volume'> & { outputs: [LabelMapOutput] };

export function lungCard(): LungCard {
  return cardOf('ct-lung-density') as LungCard;
}

/** Of the example that detects in volumes. */
export function noduleCard(): ModelCard {
  return cardOf('examples', 'ct-nodule-candidates');
}

function cardOf(...folder: readonly string[]): ModelCard {
  return JSON.parse(readFileSync(join(MODELS, ...folder, 'card.json'), 'utf8')) as ModelCard;
}

export function packageOf(card: ModelCard): ModelPackage {
  return { card, digest: `sha256:${'0'.repeat(64)}` };
}
