/** What stands beside the findings of a reading: limits of the model, of the images, and of both together. */
import type { ConditionalCaveat } from '../../contracts/generated/types.ts';
import type { ModelCard } from '../inference/model-package.ts';
import type { Reading } from '../inference/reading.ts';
import { explain } from '../reasons.ts';
import { type Acquisition, acquisitionOf, acquisitionWords, filledIn } from './acquisition.ts';

/** Those that the images bring about come first; then what was noted of the images and of the findings; then the model's. */
export function caveatsOf({
  images,
  findings,
  model: { card },
}: Pick<Reading, 'images' | 'findings'> & { readonly model: { readonly card: Pick<ModelCard, 'caveats'> } }): string[] {
  const acquisition = acquisitionOf(images);
  const words = acquisitionWords(acquisition);
  return [
    ...card.caveats.flatMap((caveat) =>
      typeof caveat !== 'string' && applies(caveat, acquisition) ? [filledIn(caveat.text, words)] : [],
    ),
    ...images.notes.map((note) => `${explain(note)}.`),
    ...(findings.notes ?? []),
    ...card.caveats.filter((caveat) => typeof caveat === 'string'),
  ];
}

function applies(caveat: ConditionalCaveat, { kernel, thickness, contrast }: Acquisition): boolean {
  switch (caveat.when) {
    case 'kernel-not-recorded':
      return kernel === undefined;
    case 'contrast-recorded':
      return contrast;
    case 'slice-thickness-above':
      return thickness !== undefined && thickness > caveat.millimeters;
  }
}
