/** From rounds to a verdict. Pure: the timings may come from a machine or from a test. */
import { dropReason, type Probe } from './gate.ts';
import type { Sample } from './processor-time.ts';
import { median, spread } from './statistics.ts';

export interface Line {
  readonly name: string;
  readonly role: 'limit' | 'product' | 'part';
  readonly run: () => Promise<Sample>;
}

export interface Round {
  readonly probe: Probe;
  /** Share of the machine that others had during the round; undefined where the system does not tell. */
  readonly othersShare: number | undefined;
  readonly samples: Readonly<Record<string, Sample>>;
}

export type Verdict =
  | 'pass'
  | 'missed'
  /** Too few quiet rounds: never a pass. */
  | 'inconclusive'
  /** What the product is compared with is not installed. */
  | 'limit-missing'
  /** The result differs from the reference: its time means nothing and is not shown. */
  | 'unequal'
  /** A figure without a goal. */
  | 'information';

export type Target =
  | { readonly kind: 'at-most'; readonly value: number }
  | { readonly kind: 'between'; readonly low: number; readonly high: number }
  | { readonly kind: 'none' };

/** What is compared: from the samples of one round to one number, a ratio unless `unit` says otherwise. */
export interface Question {
  readonly goal: string;
  readonly title: string;
  readonly target: Target;
  readonly unit: 'ratio' | 'ms' | '%' | 'MiB';
  readonly measure: (samples: Round['samples']) => number;
}

export interface LineResult {
  readonly name: string;
  readonly role: Line['role'];
  readonly medianMs: number;
  readonly minMs: number;
  /** Distance between the quartiles over the median. */
  readonly spread: number;
  readonly cpuMs: number;
}

export interface Result {
  readonly goal: string;
  readonly title: string;
  readonly target: Target;
  readonly unit: Question['unit'];
  readonly verdict: Verdict;
  /** Median over the rounds that count of the value of each round; absent where there is none to show. */
  readonly value?: number;
  readonly lines: readonly LineResult[];
  /** Rounds that count. */
  readonly rounds: number;
  readonly dropped: { readonly memory: number; readonly others: number };
  readonly note?: string;
}

/** Fewer quiet rounds than this say nothing. */
export const FEWEST_ROUNDS = 5;

export function meets(value: number, target: Target): boolean {
  if (target.kind === 'at-most') return value <= target.value;
  if (target.kind === 'between') return value >= target.low && value <= target.high;
  return true;
}

export function judge(
  { goal, title, target, unit, measure }: Question,
  lines: readonly Pick<Line, 'name' | 'role'>[],
  rounds: readonly Round[],
  bestMemcpyMs: number,
  fewestRounds: number = FEWEST_ROUNDS,
): Result {
  const reasons = rounds.map(({ probe, othersShare }) => dropReason(probe, othersShare, bestMemcpyMs));
  const kept = rounds.filter((_, index) => reasons[index] === undefined);
  const dropped = {
    memory: reasons.filter((reason) => reason === 'memory').length,
    others: reasons.filter((reason) => reason === 'others').length,
  };
  const enough = kept.length >= fewestRounds;
  // Without enough quiet rounds all are shown, so that a reader sees what there was; the verdict says what it is worth.
  const shown = enough ? kept : rounds;
  const value = median(shown.map(({ samples }) => measure(samples)));
  const verdict = !enough ? 'inconclusive' : target.kind === 'none' ? 'information' : verdictOf(value, target);
  return {
    ...{ goal, title, target, unit, verdict },
    ...(Number.isNaN(value) ? {} : { value }),
    lines: lines.map((line) => lineResult(line, shown)),
    rounds: kept.length,
    dropped,
  };
}

function verdictOf(value: number, target: Target): Verdict {
  // A value that is no number is no pass either.
  return meets(value, target) ? 'pass' : 'missed';
}

function lineResult({ name, role }: Pick<Line, 'name' | 'role'>, rounds: readonly Round[]): LineResult {
  const samples = rounds.flatMap(({ samples: all }) => all[name] ?? []);
  const wall = samples.map(({ wallMs }) => wallMs);
  return {
    name,
    role,
    medianMs: median(wall),
    minMs: Math.min(...wall),
    spread: spread(wall),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
  };
}
