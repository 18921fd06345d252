/** Slots of a card: further series of the study that a model of volumes is given beside the one that it reads. */
import type { Volume } from '../assembly/volume.ts';
import type { Reason } from '../reasons.ts';
import type { InputRule, ModelCard } from './model-package.ts';

export type SeriesSlot = Extract<NonNullable<InputRule['slots']>[number], { kind: 'other-series' }>;

/** A slot when the model runs: the volume of the series that fills it, or why none does. */
export type GivenSlot =
  | { readonly slot: SeriesSlot; readonly volume: Volume }
  | { readonly slot: SeriesSlot; readonly empty: Reason };

export type FilledSlot = Extract<GivenSlot, { volume: Volume }>;

/** In the order of the card; none of an input that has none. */
export function seriesSlots(input: InputRule | undefined): readonly SeriesSlot[] {
  return input?.slots?.filter((slot) => slot.kind === 'other-series') ?? [];
}

export function filledSlots(given: readonly GivenSlot[]): readonly FilledSlot[] {
  return given.filter((one) => 'volume' in one);
}

/** Those of the series that a model reads. */
export function modalitiesOf({ intendedUse }: Pick<ModelCard, 'intendedUse'>): readonly string[] {
  return [...new Set(intendedUse.map(({ modality }) => modality))];
}

/** Those of the series that may fill a slot. */
export function slotModalities({ modality }: SeriesSlot, card: Pick<ModelCard, 'intendedUse'>): readonly string[] {
  return modality === undefined ? modalitiesOf(card) : [modality];
}
