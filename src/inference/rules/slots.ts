/** Which series of a study may fill the slots of a model, and in which order they are tried. */
import type { Series } from '../../arrival/study.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { ModelCard } from '../model-package.ts';
import { type SeriesSlot, seriesSlots, slotModalities } from '../slots.ts';
import type { RuleSubject } from './attributes.ts';
import type { RuleReading } from './rule.ts';
import { slotSelection } from './selections.ts';
import { inOrderOfPreference, judgeSeries, type SeriesJudgement, whyNoSeries } from './series.ts';

export interface SlotJudgement {
  readonly slot: SeriesSlot;
  /** Every series of the study. */
  readonly series: readonly SeriesJudgement[];
  /** Best first. The series that is read may be one of them; it fills no slot. */
  readonly candidates: readonly Series[];
}

export function judgeSlots(reading: RuleReading, card: ModelCard, subject: RuleSubject): readonly SlotJudgement[] {
  return seriesSlots(card.input).map((slot) => {
    const selection = slotSelection(slot, reading);
    const modalities = slotModalities(slot, card);
    const series = subject.study.series.map((each) => judgeSeries(each, selection, subject, modalities));
    const fitting = series.flatMap((each) => (each.left === undefined ? [each.series] : []));
    return { slot, series, candidates: inOrderOfPreference(fitting, selection, subject).slice(0, selection.atMost) };
  });
}

/** Why a model can read nothing: no series of the study fits a slot that it needs filled. */
export function lacking(slots: readonly SlotJudgement[]): Reason | undefined {
  const missing = slots.find(({ slot, candidates }) => slot.required && candidates.length === 0);
  return missing && slotEmpty(missing);
}

export function slotEmpty({ slot: { meaning, name }, series }: Pick<SlotJudgement, 'slot' | 'series'>): Reason {
  return reason('slot-empty', `${meaning}: ${whyNoSeries(series, `as slot ${name} wants it`)}`);
}
