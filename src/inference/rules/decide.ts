/**
 * Which rule reads a study, with which models, and which of its series each of them tries, in order. The first rule that
 * holds decides.
 */
import type { Series, Study } from '../../arrival/study.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { ModelPackage } from '../model-package.ts';
import { modalitiesOf, seriesSlots, slotModalities } from '../slots.ts';
import type { RuleSubject } from './attributes.ts';
import { type Judgement, judge } from './condition.ts';
import { asksInstances, type Rule, type RuleReading, type SeriesSelection, tellsByInstances } from './rule.ts';
import { selectionFor, slotSelection } from './selections.ts';
import { inOrderOfPreference, isOfInterest, judgeSeries, type SeriesJudgement, whyNoSeries } from './series.ts';
import { judgeSlots, lacking, type SlotJudgement } from './slots.ts';

export interface RuleJudgement {
  readonly rule: Rule;
  readonly when?: Judgement;
  /** One for each of the rule's readings. */
  readonly readings: readonly ReadingJudgement[];
  readonly holds: boolean;
  /** In words that quote the rule and nothing of the study; empty where it holds. */
  readonly whyNot: string;
}

/** What a model of a rule finds in the study. */
export interface ReadingJudgement {
  readonly model: string;
  readonly selection: SeriesSelection;
  readonly series: readonly SeriesJudgement[];
  /** Best first. */
  readonly candidates: readonly Series[];
  /** In the order of the model's card; none where it is given no further series. */
  readonly slots: readonly SlotJudgement[];
}

/** What is read, and what of the study is not. */
export interface Selection {
  readonly rule: Rule;
  /** Never empty. Models none of whose modalities the study has are not in it. */
  readonly readings: readonly SelectedReading[];
}

export interface SelectedReading {
  readonly model: string;
  /** Absent where no package of that name is loaded. */
  readonly package?: ModelPackage;
  /** Best first; empty where the study has series of the model's modalities and none may be read, as `left` says. */
  readonly candidates: readonly Series[];
  readonly slots: readonly SlotJudgement[];
  readonly left: readonly { readonly series: Series; readonly reason: Reason }[];
}

export interface Decision {
  /** The rules that were looked at, in their order: those after the one that holds were not. */
  readonly judged: readonly RuleJudgement[];
  readonly selection?: Selection;
  /** Why nothing is read; absent where something is. */
  readonly reason?: Reason;
}

/** Name of the rule that holds where a site writes none. */
export const EVERY_MODEL = 'every-model';

/**
 * Where a site writes no rules: every model reads what it is made for, in the order in which they are configured, unless
 * its card wants to be named by a rule.
 */
export function rulesOfCards(packages: readonly ModelPackage[]): readonly Rule[] {
  const unasked = packages.filter(({ card }) => card.onlyByRule !== true);
  if (unasked.length === 0) return [];
  const readings = unasked.map(({ card: { name } }): RuleReading => {
    return { model: name, series: { exclude: [], prefer: 'most-instances' }, overrides: { series: {}, slots: {} } };
  });
  return [{ name: EVERY_MODEL, readings, priority: 'routine', patience: {} }];
}

/** @param rules those of the site; where there are none, {@link rulesOfCards} */
export function decide(subject: RuleSubject, rules: readonly Rule[], packages: readonly ModelPackage[]): Decision {
  const judged: RuleJudgement[] = [];
  for (const rule of rules.length === 0 ? rulesOfCards(packages) : rules) {
    const judgement = judgeRule(rule, subject, packages);
    judged.push(judgement);
    if (judgement.holds) return { judged, selection: selectionOf(judgement, packages) };
  }
  const why =
    rules.length === 0
      ? reason('no-model-selected', whyNoModel(subject.study, packages, judged))
      : reason('no-rule-holds', whyNoRule(judged));
  return { judged, reason: why };
}

/** The series of which an instance has to be asked for before {@link decide}: the first look costs no more than needed. */
export function seriesToDescribe(
  study: Study,
  rules: readonly Rule[],
  packages: readonly ModelPackage[],
): readonly Series[] {
  if (rules.some(({ when }) => asksInstances(when))) return study.series;
  const telling = (rules.length === 0 ? rulesOfCards(packages) : rules)
    .flatMap(({ readings }) => readings.flatMap((reading) => wantedBy(reading, packages)))
    .filter(({ selection }) => tellsByInstances(selection));
  return study.series.filter(({ modality }) =>
    telling.some(({ modalities }) => modalities?.includes(modality) ?? true),
  );
}

/** The selections of a reading: that of the series which is read, and those of slots. */
function wantedBy(
  reading: RuleReading,
  packages: readonly ModelPackage[],
): readonly { readonly selection: SeriesSelection; readonly modalities: readonly string[] | undefined }[] {
  const card = packageOf(reading.model, packages)?.card;
  return [
    { selection: selectionFor(reading, card), modalities: card && modalitiesOf(card) },
    ...seriesSlots(card?.input).map((slot) => ({
      selection: slotSelection(slot, reading),
      modalities: slotModalities(slot, card!),
    })),
  ];
}

function judgeRule(rule: Rule, subject: RuleSubject, packages: readonly ModelPackage[]): RuleJudgement {
  const when = rule.when === undefined ? undefined : judge(rule.when, subject, subject.study.series);
  const readings = rule.readings.map((reading) => judgeReading(reading, subject, packages));
  const holds = when?.holds !== false && readings.some(({ candidates }) => candidates.length > 0);
  return {
    rule,
    ...(when !== undefined && { when }),
    readings,
    holds,
    whyNot: holds ? '' : when?.holds === false ? when.whyNot : whyNot(readings),
  };
}

function whyNot(readings: readonly ReadingJudgement[]): string {
  return whyNoSeries(
    readings.flatMap(({ series }) => series),
    'as the rule wants it',
  );
}

function judgeReading(reading: RuleReading, subject: RuleSubject, packages: readonly ModelPackage[]): ReadingJudgement {
  const { model } = reading;
  const card = packageOf(model, packages)?.card;
  const selection = selectionFor(reading, card);
  const modalities = card && modalitiesOf(card);
  const series = subject.study.series.map((each) => judgeSeries(each, selection, subject, modalities));
  const fitting = series.flatMap((each) => (each.left === undefined ? [each.series] : []));
  const candidates = inOrderOfPreference(fitting, selection, subject).slice(0, selection.atMost);
  return { model, selection, series, candidates, slots: card === undefined ? [] : judgeSlots(reading, card, subject) };
}

/** A model is asked where the study has a series of its modality: that the rule then leaves it out is to be told. */
function selectionOf({ rule, readings }: RuleJudgement, packages: readonly ModelPackage[]): Selection {
  const concerned = readings.filter(
    ({ candidates, series }) => candidates.length > 0 || series.some(({ left }) => isOfInterest(left)),
  );
  return {
    rule,
    readings: concerned.map(({ model, selection: { atMost }, series, candidates: fitting, slots }) => {
      const loaded = packageOf(model, packages);
      // a model that cannot be given what it needs reads nothing, and nothing is fetched for it
      const missing = lacking(slots);
      const candidates = missing === undefined ? fitting : [];
      const left = series
        .filter((each) => !candidates.includes(each.series))
        .map((each) => ({ series: each.series, reason: each.left ?? missing ?? beyond(atMost) }));
      return { model, ...(loaded !== undefined && { package: loaded }), candidates, slots, left };
    }),
  };
}

function beyond(atMost: number | undefined): Reason {
  return reason('series-not-selected', `the rule tries at most ${atMost}, and prefers another`);
}

function packageOf(name: string, packages: readonly ModelPackage[]): ModelPackage | undefined {
  return packages.find(({ card }) => card.name === name);
}

function whyNoModel(study: Study, packages: readonly ModelPackage[], judged: readonly RuleJudgement[]): string {
  if (packages.length === 0) return 'no model package is loaded';
  if (rulesOfCards(packages).length === 0) return 'every model that is loaded wants to be named by a rule';
  const series = judged.flatMap(({ readings }) => readings.flatMap((reading) => reading.series));
  // a card may leave out series of its modality
  if (series.some(({ left }) => isOfInterest(left))) return whyNoSeries(series, 'as a model wants it');
  const modalities = new Set(study.series.map(({ modality }) => modality || 'series without a modality'));
  return `no model reads ${[...modalities].sort().join(', ')}`;
}

/** A line of the page, not a book: the command that tests rules tells everything. */
const RULES_TOLD = 8;

function whyNoRule(judged: readonly RuleJudgement[]): string {
  const told = judged.slice(0, RULES_TOLD).map(({ rule, whyNot }) => `${rule.name}: ${whyNot}`);
  const rest = judged.length - told.length;
  return [...told, ...(rest > 0 ? [`and ${rest} more`] : [])].join('. ');
}
