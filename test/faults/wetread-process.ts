/** `wetread serve` as a process of its own, which may be killed, frozen, started anew, and told when to die. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../support/command-line.ts';
import type { KillPoint } from '../support/kill-at.ts';

export interface StartSettings {
  readonly killAt?: KillPoint;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a log line says. */
export type LogLine = Readonly<Record<string, unknown>>;

const ENTRY = join(root, 'services', 'wetread', 'main.ts');
const KILLER = join(root, 'test', 'support', 'kill-at.ts');

export class WetreadProcess implements AsyncDisposable {
  readonly #configFile: string;
  readonly #listeners = new Set<(line: LogLine) => void>();
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(configFile: string) {
    this.#configFile = configFile;
  }

  /** Resolves when it listens, or has died before. */
  async start({ killAt, environment = {} }: StartSettings = {}): Promise<void> {
    const preload = killAt === undefined ? [] : ['--import', KILLER];
    const order = killAt === undefined ? {} : { WETREAD_TEST_KILL_AT: JSON.stringify(killAt) };
    const child = spawn(process.execPath, [...preload, ENTRY, 'serve', '--config', this.#configFile], {
      env: { ...process.env, ...environment, ...order },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = once(child, 'exit');
    createInterface({ input: child.stderr }).on('line', (text) => this.#heard(text));
    await Promise.race([once(createInterface({ input: child.stdout }), 'line'), this.#ended]);
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves when the process has ended, whoever ended it. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended();
  }

  /** Resolves at the next log line that has these attributes. */
  said(wanted: LogLine): Promise<LogLine> {
    return new Promise((resolve) => {
      const listener = (line: LogLine): void => {
        if (!Object.entries(wanted).every(([name, value]) => line[name] === value)) return;
        this.#listeners.delete(listener);
        resolve(line);
      };
      this.#listeners.add(listener);
    });
  }

  /** Its inference process (Linux: /proc). */
  inferencePid(): number | undefined {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find((pid) => isChildOf(pid, this.pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.kill();
  }

  #heard(text: string): void {
    if (process.env['WETREAD_TEST_SHOW'] !== undefined) process.stderr.write(`${text}\n`);
    if (!text.startsWith('{')) return;
    const line = JSON.parse(text) as LogLine;
    for (const listener of this.#listeners) listener(line);
  }
}

function isChildOf(pid: number, parent: number): boolean {
  try {
    return new RegExp(`^PPid:\\s*${parent}$`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
