/** One language model on the slices of one series. */
import type { StudyHeader } from './arrival/study.ts';
import { askAboutPictures, keptBack } from './ask-about-pictures.ts';
import type { Volume } from './assembly/volume.ts';
import { referenceTo } from './inference/findings-from.ts';
import { gateVolume } from './inference/gate/gate-volume.ts';
import type { CardOf, ModelPackage, SlicesInput } from './inference/model-package.ts';
import { type Picture, picturedSlices, pictureOf } from './inference/pictures.ts';
import type { Reading } from './inference/reading.ts';
import type { Ports } from './ports.ts';
import { isSkipped, type Skipped } from './reasons.ts';

type SlicesModel = ModelPackage & { readonly card: CardOf<'slices'> };

/** Gate, choose the slices, ask. @param study whose words are kept from the draft: no model was given them */
export async function readSlices(
  ports: Pick<Ports, 'text' | 'log'>,
  model: SlicesModel,
  images: Volume,
  study: StudyHeader,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  const { header } = images;
  const refused = gateVolume(images, card, card.input);
  if (refused !== undefined) return refused;
  const kept = keptBack(header, model, ports.text);
  if (kept !== undefined) return { skipped: kept };
  const chosen = picturedSlices(images, card.input);
  if (isSkipped(chosen)) return chosen;
  const [first = 0, ...others] = chosen;
  const shown = {
    images,
    header,
    lateralities: chosen.map(() => header.imageLaterality),
    references: [referenceTo(images, first), ...others.map((k) => referenceTo(images, k))] as const,
    pictures: pictured(images, chosen, card.input),
    description: descriptionOf(card.input, chosen.length),
    notes: [],
  };
  return await askAboutPictures(ports, model, shown, study, signal);
}

function* pictured(images: Volume, shown: readonly number[], input: SlicesInput): Generator<Picture> {
  for (const k of shown) yield pictureOf(images, k, input);
}

/** `24 pictures, feet to head, 1 to 24; red: lung, -1350 to 150 HU`. */
function descriptionOf({ windows, units }: SlicesInput, count: number): string {
  const channels = windows.length === 1 ? ['grey'] : ['red', 'green', 'blue'];
  const shades = windows.map(({ meaning, low, high }, at) => `${channels[at]}: ${meaning}, ${low} to ${high} ${units}`);
  return `${count} pictures, axial, from the feet to the head, numbered from 1; ${shades.join('; ')}`;
}
