/** The command `wetread` as a person or a script runs it: a process of its own, started by the launcher. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
const launcher = join(root, 'bin', 'wetread.mjs');

/** An older Node on the PATH, as newcomers have it; this one where there is none. */
export const systemNode: string = olderNode() ?? process.execPath;

function olderNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((path) => existsSync(path) && majorOf(path) < 24);
}

function majorOf(node: string): number {
  const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  return Number.parseInt(stdout, 10);
}

export interface CommandSettings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Program and first arguments; default: the launcher under the older Node. */
  readonly program?: readonly [string, ...string[]];
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand extends AsyncDisposable {
  /** Resolves with the match when stdout holds it; rejects when the command ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same on stderr. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** As a terminal does with Ctrl+C: the signal goes to every process of the command. */
  killAll(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
  /** Processes that this command started and that still run, itself included (Linux: /proc). */
  processes(): number[];
}

export async function wetread(args: readonly string[], settings: CommandSettings = {}): Promise<Ended> {
  await using command = startCommand(args, settings);
  return await command.ended;
}

export function startCommand(args: readonly string[], settings: CommandSettings = {}): RunningCommand {
  const mark = randomUUID();
  const [program, ...first] = settings.program ?? [systemNode, launcher];
  const child = spawn(program, [...first, ...args], {
    cwd: settings.cwd ?? root,
    env: { ...process.env, NODE_OPTIONS: '', ...settings.env, WETREAD_TEST_MARK: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  const waitFor = (name: 'stdout' | 'stderr', pattern: RegExp) => waitForOutput(child, () => output[name], pattern);
  return {
    printed: (pattern) => waitFor('stdout', pattern),
    said: (pattern) => waitFor('stderr', pattern),
    kill: (signal) => void child.kill(signal),
    killAll: (signal) => {
      for (const pid of processesWith(mark)) killIfThere(pid, signal);
    },
    ended,
    processes: () => processesWith(mark),
    [Symbol.asyncDispose]: async () => {
      for (const pid of processesWith(mark)) killIfThere(pid, 'SIGKILL');
      await ended;
    },
  };
}

async function waitForOutput(child: ChildProcess, text: () => string, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(text());
    if (match !== null) return match;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended without ${pattern}:\n${text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function processesWith(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(mark))
    .map(Number);
}

/** Empty for a process of somebody else, or one that has just ended. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(join('/proc', pid, 'environ'), 'latin1');
  } catch {
    return '';
  }
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has just ended by itself
  }
}
