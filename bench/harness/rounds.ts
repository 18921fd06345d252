/** Limit and product turn about within one run, each round behind the noise gate. */
import { setTimeout as delay } from 'node:timers/promises';
import { dropReason, type NoiseGate } from './gate.ts';
import { type Sample, watchOthers } from './processor-time.ts';
import { judge, type Line, type Question, type Result, type Round } from './verdict.ts';

export interface Effort {
  /** Rounds before those that may count. */
  readonly warmUps: number;
  /** Rounds that should count. */
  readonly rounds: number;
  /** Rounds that are tried at most, so that a busy machine ends in `inconclusive` and not in a run without end. */
  readonly attempts: number;
  /** Rounds that must count for a verdict. */
  readonly fewestRounds: number;
  /** Pauses for all rounds together, taken before a round while the machine is too busy for it. */
  readonly pauses: number;
}

const PAUSE_MS = 2000;

export class Bench {
  readonly gate: NoiseGate;
  readonly effort: Effort;
  readonly #log: (line: string) => void;
  readonly #pending: (() => Result)[] = [];

  constructor(gate: NoiseGate, effort: Effort, log: (line: string) => void) {
    this.gate = gate;
    this.effort = effort;
    this.#log = log;
  }

  log(line: string): void {
    this.#log(line);
  }

  /** Adds a result that rests on no rounds. */
  add(result: Result): void {
    this.#pending.push(() => result);
  }

  /** Measures the lines and answers each question from the same rounds. */
  async compare(questions: readonly Question[], lines: readonly Line[]): Promise<readonly Round[]> {
    this.#log(
      `${[...new Set(questions.map(({ goal }) => goal))].join(', ')}: ${lines.map(({ name }) => name).join(' | ')}`,
    );
    for (let k = 0; k < this.effort.warmUps; k++) await this.#round(lines);
    const rounds: Round[] = [];
    let { pauses } = this.effort;
    while (rounds.length < this.effort.attempts && this.#quiet(rounds) < this.effort.rounds) {
      pauses -= await this.#waitForQuiet(pauses);
      rounds.push(await this.#round(lines));
    }
    this.#log(`  ${rounds.length} rounds, ${this.#quiet(rounds)} of them quiet`);
    for (const question of questions) {
      // Judged at the end: the best copy of the run may be yet to come.
      this.#pending.push(() => judge(question, lines, rounds, this.gate.bestMemcpyMs, this.effort.fewestRounds));
    }
    return rounds;
  }

  results(): readonly Result[] {
    return this.#pending.map((resultOf) => resultOf());
  }

  #quiet(rounds: readonly Round[]): number {
    const { bestMemcpyMs } = this.gate;
    return rounds.filter(({ probe, othersShare }) => dropReason(probe, othersShare, bestMemcpyMs) === undefined).length;
  }

  /** @returns how many pauses it took, at most as many as are left. */
  async #waitForQuiet(left: number): Promise<number> {
    for (let taken = 0; taken < left; taken++) {
      const others = watchOthers();
      const { memcpyMs } = this.gate.probe();
      if (dropReason({ memcpyMs }, others(), this.gate.bestMemcpyMs) === undefined) return taken;
      await delay(PAUSE_MS);
    }
    return left;
  }

  async #round(lines: readonly Line[]): Promise<Round> {
    const probe = this.gate.probe();
    const others = watchOthers();
    const samples: Record<string, Sample> = {};
    for (const { name, run } of lines) samples[name] = await run();
    return { probe, othersShare: others(), samples };
  }
}
