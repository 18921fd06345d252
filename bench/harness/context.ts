import type { StudySize } from '../study/phantom-series.ts';
import type { Replay } from '../study/replay.ts';
import type { Bench } from './rounds.ts';
import type { Question, Result } from './verdict.ts';

/** What every goal is given. */
export interface Context {
  readonly bench: Bench;
  /** The study that is measured. */
  readonly size: StudySize;
  /** That study, uncompressed. */
  readonly replay: Replay;
  /** Checks that everything runs; its figures mean nothing. */
  readonly quick: boolean;
}

/** A question whose answer cannot be given here, and why. */
export function unanswered(
  { goal, title, target, unit }: Omit<Question, 'measure'>,
  verdict: 'limit-missing' | 'unequal',
  note: string,
): Result {
  return { ...{ goal, title, target, unit, verdict, note }, lines: [], rounds: 0, dropped: { memory: 0, others: 0 } };
}
