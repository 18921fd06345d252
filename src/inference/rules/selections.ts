/** Which series a model reads and which fill its slots: what its card says, and what a rule says in its place, key by key. */
import type { ModelCard } from '../model-package.ts';
import type { SeriesSlot } from '../slots.ts';
import { parseSelection } from './parse-rules.ts';
import type { RuleReading, SeriesSelection } from './rule.ts';

/** Of the series that is read. @param card that of the model, where it is loaded */
export function selectionFor({ series, overrides }: RuleReading, card: ModelCard | undefined): SeriesSelection {
  const own = card?.input.kind === 'volume' ? card.input.series : undefined;
  return own === undefined ? series : parseSelection({ ...own, ...overrides.series }, 'series');
}

/** Of the series that fills a slot. */
export function slotSelection(
  { name, series }: SeriesSlot,
  { overrides }: Pick<RuleReading, 'overrides'>,
): SeriesSelection {
  return parseSelection({ ...series, ...overrides.slots[name] }, `slots.${name}`);
}
