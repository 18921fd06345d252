/** Which rule reads a study, with which model, and which of its series to try, in order. The first rule that holds decides. */
import type { Series, Study } from '../../arrival/study.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { ModelPackage } from '../model-package.ts';
import type { RuleSubject } from './attributes.ts';
import { type Judgement, judge } from './condition.ts';
import { asksInstances, type Rule, tellsByInstances } from './rule.ts';
import { inOrderOfPreference, judgeSeries, type SeriesJudgement } from './series.ts';

export interface RuleJudgement {
  readonly rule: Rule;
  readonly when?: Judgement;
  readonly series: readonly SeriesJudgement[];
  /** Best first; empty where the rule does not hold. */
  readonly candidates: readonly Series[];
  /** In words that quote the rule and nothing of the study; empty where it holds. */
  readonly whyNot: string;
}

/** What is read, and what of the study is not. */
export interface Selection {
  readonly rule: Rule;
  /** Absent where no package of that name is loaded. */
  readonly package?: ModelPackage;
  /** Never empty. */
  readonly candidates: readonly Series[];
  readonly left: readonly { readonly series: Series; readonly reason: Reason }[];
}

export interface Decision {
  /** The rules that were looked at, in their order: those after the one that holds were not. */
  readonly judged: readonly RuleJudgement[];
  readonly selection?: Selection;
  /** Why nothing is read; absent where something is. */
  readonly reason?: Reason;
}

/** Where a site writes no rules: each model reads what it is made for, the first one that can. */
export function rulesOfCards(packages: readonly ModelPackage[]): readonly Rule[] {
  return packages.map(({ card: { name } }) => ({
    name,
    model: name,
    series: { exclude: [], prefer: 'most-instances' },
    priority: 'routine',
    patience: {},
  }));
}

/** @param rules those of the site; where there are none, {@link rulesOfCards} */
export function decide(subject: RuleSubject, rules: readonly Rule[], packages: readonly ModelPackage[]): Decision {
  const judged: RuleJudgement[] = [];
  for (const rule of rules.length === 0 ? rulesOfCards(packages) : rules) {
    const judgement = judgeRule(rule, subject, packages);
    judged.push(judgement);
    if (judgement.candidates.length > 0) return { judged, selection: selectionOf(judgement, packages) };
  }
  const why =
    rules.length === 0
      ? reason('no-model-selected', whyNoModel(subject.study, packages))
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
  const telling = rules.filter(({ series }) => tellsByInstances(series));
  return study.series.filter((series) => telling.some((rule) => reads(rule, series, packages)));
}

function reads({ model }: Rule, { modality }: Series, packages: readonly ModelPackage[]): boolean {
  return modalitiesOf(packageOf(model, packages))?.includes(modality) ?? true;
}

function judgeRule(rule: Rule, subject: RuleSubject, packages: readonly ModelPackage[]): RuleJudgement {
  const modalities = modalitiesOf(packageOf(rule.model, packages));
  const when = rule.when === undefined ? undefined : judge(rule.when, subject, subject.study.series);
  const series = subject.study.series.map((each) => judgeSeries(each, rule.series, subject, modalities));
  const fitting = series.flatMap((each) => (each.left === undefined ? [each.series] : []));
  const holds = when?.holds !== false && fitting.length > 0;
  return {
    rule,
    ...(when !== undefined && { when }),
    series,
    candidates: holds ? inOrderOfPreference(fitting, rule.series, subject).slice(0, rule.series.atMost) : [],
    whyNot: holds ? '' : when?.holds === false ? when.whyNot : whyNoSeries(series),
  };
}

/** What speaks against most of the series that the model could read by their modality. */
function whyNoSeries(series: readonly SeriesJudgement[]): string {
  const reasons = series.flatMap(({ left }) => (left === undefined ? [] : [left]));
  const nearly = reasons.filter(({ code }) => code !== 'wrong-modality').map(({ detail = '' }) => detail);
  if (nearly.length === 0) return 'no series has a modality that the model reads';
  const different = [...new Set(nearly)];
  return `no series is as the rule wants it: ${different.slice(0, 3).join('; ')}${different.length > 3 ? ' …' : ''}`;
}

function selectionOf({ rule, candidates, series }: RuleJudgement, packages: readonly ModelPackage[]): Selection {
  const model = packageOf(rule.model, packages);
  const left = series
    .filter((each) => !candidates.includes(each.series))
    .map((each) => ({ series: each.series, reason: each.left ?? beyond(rule) }));
  return { rule, ...(model !== undefined && { package: model }), candidates, left };
}

function beyond({ series: { atMost } }: Rule): Reason {
  return reason('series-not-selected', `the rule tries at most ${atMost}, and prefers another`);
}

function packageOf(name: string, packages: readonly ModelPackage[]): ModelPackage | undefined {
  return packages.find(({ card }) => card.name === name);
}

function modalitiesOf(model: ModelPackage | undefined): readonly string[] | undefined {
  return model && [...new Set(model.card.intendedUse.map(({ modality }) => modality))];
}

function whyNoModel(study: Study, packages: readonly ModelPackage[]): string {
  if (packages.length === 0) return 'no model package is loaded';
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
