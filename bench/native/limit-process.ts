/**
 * A limit that runs in a process of its own and stays: it answers each line with the time of one run. Starting a process
 * within a round would leave every page of this one to be copied on its next write, and the product would pay for it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Sample } from '../harness/processor-time.ts';
import { nextLine } from '../study/replay.ts';

export class LimitProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! });
  }

  /** Resolves when the process has said that it is ready. */
  static async start(path: string, programArguments: readonly string[]): Promise<LimitProcess> {
    const limit = new LimitProcess(spawn(path, programArguments, { stdio: ['pipe', 'pipe', 'inherit'] }));
    if ((await nextLine(limit.#lines)) !== 'ready') throw new Error('a limit did not get ready');
    return limit;
  }

  /** One run: wall milliseconds first in the answer, then processor milliseconds, which may come in parts. */
  async run(): Promise<Sample> {
    const answer = nextLine(this.#lines);
    this.#child.stdin!.write('\n');
    const [wallMs, ...cpu] = (await answer).split(' ').map(Number);
    return { wallMs: wallMs!, cpuMs: cpu.reduce((sum, part) => sum + part, 0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await exited;
  }
}
