/** A decision in words, or as JSON: what each rule wanted, what the study has, and what follows. For operators: it shows values. */
import type { Series, Study } from '../../../src/arrival/study.ts';
import type { RuleSubject } from '../../../src/inference/rules/attributes.ts';
import type { Judgement } from '../../../src/inference/rules/condition.ts';
import type { Decision, RuleJudgement, Selection } from '../../../src/inference/rules/decide.ts';
import type { Rule } from '../../../src/inference/rules/rule.ts';
import type { SlotJudgement } from '../../../src/inference/rules/slots.ts';
import { explain } from '../../../src/reasons.ts';
import { countText } from './progress.ts';

/** What `--json` prints for a study. */
export interface Explanation {
  readonly studyInstanceUid: string;
  readonly instances: number;
  readonly event: RuleSubject['event'];
  readonly rules: readonly ExplainedRule[];
  /** After the one that holds. */
  readonly notLookedAt: readonly string[];
  readonly decision: Decided | { readonly reason: string };
}

interface ExplainedRule {
  readonly name: string;
  readonly holds: boolean;
  readonly whyNot?: string;
  readonly when?: Judgement;
  readonly readings: readonly ExplainedReading[];
}

interface ExplainedReading {
  readonly model: string;
  readonly series: readonly ExplainedSeries[];
  /** Absent where the model is given no further series. */
  readonly slots?: readonly ExplainedSlot[];
}

interface ExplainedSlot extends NamedSlot {
  readonly series: readonly ExplainedSeries[];
}

interface NamedSlot {
  readonly name: string;
  readonly meaning: string;
  readonly required: boolean;
}

interface ExplainedSeries extends NamedSeries {
  readonly fits: boolean;
  readonly checks: readonly Judgement[];
}

interface NamedSeries {
  readonly seriesInstanceUid: string;
  readonly seriesNumber?: number;
  readonly modality: string;
  readonly seriesDescription?: string;
  readonly instances: number;
}

interface Decided {
  readonly rule: string;
  readonly priority: string;
  /** In the order in which the draft tells them. */
  readonly readings: readonly DecidedReading[];
}

interface DecidedReading {
  readonly model: string;
  /** Absent where no package of that name is loaded: such a study is parked. */
  readonly version?: string;
  /** In the order in which they are tried; where there is none, the draft says that the model gave no result. */
  readonly tries: readonly NamedSeries[];
  /** What is given beside the series that is tried first, in the order in which it is tried. */
  readonly slots?: readonly (NamedSlot & { readonly tries: readonly NamedSeries[] })[];
  readonly leaves: readonly (NamedSeries & { readonly reason: string })[];
}

export function explanationOf(
  { header, series }: Study,
  event: RuleSubject['event'],
  { judged, selection, reason }: Decision,
  rules: readonly Rule[],
): Explanation {
  return {
    studyInstanceUid: header.studyInstanceUid,
    instances: series.reduce((sum, { instances }) => sum + instances.length, 0),
    event,
    rules: judged.map(explainedRule),
    notLookedAt: rules.slice(judged.length).map(({ name }) => name),
    decision: selection === undefined ? { reason: explain(reason!) } : decided(selection),
  };
}

function explainedRule({ rule: { name }, holds, whyNot, when, readings }: RuleJudgement): ExplainedRule {
  return {
    name,
    holds,
    ...(whyNot !== '' && { whyNot }),
    ...(when !== undefined && { when }),
    readings: readings.map(({ model, series, slots }) => ({
      model,
      series: series.map(explainedSeries),
      ...(slots.length > 0 && {
        slots: slots.map((each) => ({ ...namedSlot(each), series: each.series.map(explainedSeries) })),
      }),
    })),
  };
}

function explainedSeries({ series, left, checks }: SlotJudgement['series'][number]): ExplainedSeries {
  return { ...named(series), fits: left === undefined, checks };
}

/** What may fill a slot is not left out. */
function isGiven(series: Series, slots: readonly SlotJudgement[]): boolean {
  return slots.some(({ candidates }) => candidates.includes(series));
}

function namedSlot({ slot: { name, meaning, required } }: SlotJudgement): NamedSlot {
  return { name, meaning, required };
}

function decided({ rule, readings }: Selection): Decided {
  return {
    rule: rule.name,
    priority: rule.priority,
    readings: readings.map(({ model, package: loaded, candidates, slots, left }) => ({
      model,
      ...(loaded !== undefined && { version: loaded.card.version }),
      tries: candidates.map(named),
      ...(slots.length > 0 && {
        slots: slots.map((each) => ({
          ...namedSlot(each),
          tries: each.candidates.filter((series) => series !== candidates[0]).map(named),
        })),
      }),
      leaves: left
        .filter(({ series }) => !isGiven(series, slots))
        .map(({ series, reason }) => ({ ...named(series), reason: explain(reason) })),
    })),
  };
}

function named({ seriesInstanceUid, seriesNumber, modality, seriesDescription, instances }: Series): NamedSeries {
  return {
    seriesInstanceUid,
    ...(seriesNumber !== undefined && { seriesNumber }),
    modality,
    ...(seriesDescription !== undefined && { seriesDescription }),
    instances: instances.length,
  };
}

/** Without control characters: headers go to a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

export function explanationText({ studyInstanceUid, instances, event, ...rest }: Explanation): string {
  const archive = event.archive === undefined ? '' : `, archive ${event.archive}`;
  const head = `Study ${studyInstanceUid}: ${countText(instances, 'image', 'images')}; source ${event.source}${archive}`;
  const after = rest.notLookedAt.length === 0 ? [] : [`Not looked at after that: ${rest.notLookedAt.join(', ')}`];
  return printableLines([head, ...rest.rules.flatMap(ruleLines), ...after, ...decisionLines(rest.decision)]);
}

function printableLines(lines: readonly string[]): string {
  return lines.map(printable).join('\n');
}

function ruleLines({ name, holds, whyNot, when, readings }: ExplainedRule): string[] {
  // Where the study is not the rule's, its series are of no interest.
  const told = when?.holds === false ? [] : readings;
  return [
    `Rule ${name} ${holds ? 'holds' : `does not hold: ${whyNot}`}`,
    ...(when === undefined ? [] : judgementLines(when, 1)),
    ...told.flatMap(({ model, series, slots = [] }) => [
      ...(told.length === 1 ? [] : [`  for model ${model}`]),
      ...series.flatMap(seriesLines),
      ...slots.flatMap((slot) => [`  for slot ${slotText(slot)}`, ...slot.series.flatMap(seriesLines)]),
    ]),
  ];
}

function seriesLines(series: ExplainedSeries): string[] {
  return [
    `  ${mark(series.fits)} series ${seriesText(series)}`,
    ...series.checks.flatMap((check) => judgementLines(check, 3)),
  ];
}

function slotText({ name, meaning, required }: NamedSlot): string {
  return `${name}, ${meaning}${required ? '' : ', if there is one'}`;
}

/** A condition that is made of others is told by its parts, what they make together by its own line. */
function judgementLines({ holds, wants, found, parts }: Judgement, depth: number): string[] {
  const values = found === undefined ? '' : `   found: ${found.length === 0 ? 'nothing' : found.join(', ')}`;
  const inner =
    parts === undefined || parts.length === 0 ? [] : parts.flatMap((part) => judgementLines(part, depth + 1));
  return [`${'  '.repeat(depth)}${mark(holds)} ${wants}${values}`, ...inner];
}

function decisionLines(decision: Explanation['decision']): string[] {
  if ('reason' in decision) return [`Decision: not read. ${decision.reason}`];
  const { rule, priority, readings } = decision;
  const [only, ...others] = readings;
  if (only !== undefined && others.length === 0) {
    return [`Decision: rule ${rule}, model ${byText(only)}, priority ${priority}`, ...readingLines(only)];
  }
  return [
    `Decision: rule ${rule}, ${readings.length} models, priority ${priority}`,
    ...readings.flatMap((reading) => [`  model ${byText(reading)}`, ...readingLines(reading)]),
  ];
}

function byText({ model, version }: DecidedReading): string {
  return version === undefined ? `${model}, which is not loaded: the study is parked` : `${model} ${version}`;
}

function readingLines({ tries, slots = [], leaves }: DecidedReading): string[] {
  return [
    ...(tries.length === 0 ? ['  reads nothing: the draft says so'] : []),
    ...tries.map(
      (series, index) => `  ${index === 0 ? 'reads' : 'if that gives nothing:'} series ${seriesText(series)}`,
    ),
    ...slots.flatMap((slot) =>
      slot.tries.length === 0
        ? [`  slot ${slotText(slot)}: stays empty`]
        : slot.tries.map(
            (series, index) =>
              `  slot ${slotText(slot)}: ${index === 0 ? '' : 'if that does not fit: '}series ${seriesText(series)}`,
          ),
    ),
    ...leaves.map((series) => `  leaves series ${seriesText(series)}: ${series.reason}`),
  ];
}

function seriesText({ seriesNumber, modality, seriesDescription, instances, seriesInstanceUid }: NamedSeries): string {
  const title = seriesDescription === undefined ? '' : ` '${seriesDescription}'`;
  const images = countText(instances, 'image', 'images');
  return `${seriesNumber ?? '-'} ${modality || 'no modality'}${title}, ${images} (${seriesInstanceUid})`;
}

function mark(holds: boolean): string {
  return holds ? '✓' : '✗';
}
