/**
 * The inference service as a child process: started when first needed, killed and started anew when it hangs or dies. A
 * death rejects the runs that were in it and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, InferenceResponse } from '../../src/inference/tensor.ts';
import type { InferenceEngine, Log } from '../../src/ports.ts';
import { restartDelaySeconds } from '../../src/retry.ts';
import { type OpenInferenceEngine, openInferenceEngine } from './engine.ts';

export interface InferenceChildOptions {
  /** Entry of the service: `services/inference/main.ts`, or its compiled form. */
  readonly entry: string;
  readonly modelFolders: readonly string[];
  readonly providers: readonly string[];
  readonly threads: number;
  /** Limit of one run with its wait; a child that exceeds it is killed. */
  readonly timeoutMs: number;
  readonly log: Log;
  readonly logLevel?: string;
  readonly otlpUrl?: string;
  readonly recycleAfter?: number;
  /** Takes the finished spans of the service, OTLP JSON. */
  readonly onSpans?: (document: string) => void;
}

export interface InferenceChild {
  readonly engine: InferenceEngine;
  /** Of the running process, undefined while there is none. */
  pid(): number | undefined;
  /** Ends the process: a run that is going on is given up. */
  close(): Promise<void>;
}

interface Running {
  readonly process: ChildProcess;
  readonly engine: OpenInferenceEngine;
  readonly ended: Promise<undefined>;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 2_000;

export function inferenceChild(options: InferenceChildOptions): InferenceChild {
  const supervisor = new Supervisor(options);
  return {
    engine: { infer: (request, signal) => supervisor.infer(request, signal) },
    pid: () => supervisor.pid,
    close: () => supervisor.close(),
  };
}

class Supervisor {
  readonly #options: InferenceChildOptions;
  readonly #closing = new AbortController();
  #starting: Promise<Running> | undefined;
  #process: ChildProcess | undefined;
  /** Deaths since the last run that ended well. */
  #deaths = 0;

  constructor(options: InferenceChildOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async infer(request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse> {
    this.#starting ??= this.#start();
    const { engine, process, ended } = await untilAborted(this.#starting, signal);
    try {
      const response = await engine.infer(request, signal);
      this.#deaths = 0;
      return response;
    } catch (error) {
      if (!signal.aborted && isHangOrDeath(error)) {
        // A run that exceeds the limit may as well be a service that hangs: it is ended, lest the next run waits for it.
        // And a connection breaks before the exit is known: the next run must find a new process.
        process.kill('SIGKILL');
        await ended;
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new WetreadError('inference-unreachable', 'The inference service was stopped'));
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.stdin?.end();
    const timer = setTimeout(() => process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  async #start(): Promise<Running> {
    try {
      await this.#backOff();
      return await this.#spawn();
    } catch (error) {
      this.#starting = undefined;
      throw this.#closing.signal.aborted ? this.#closing.signal.reason : error;
    }
  }

  async #backOff(): Promise<void> {
    await delay(restartDelaySeconds(this.#deaths) * 1000, undefined, { signal: this.#closing.signal });
  }

  async #spawn(): Promise<Running> {
    const { log, timeoutMs, onSpans } = this.#options;
    const child = spawn(process.execPath, argumentsOf(this.#options), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    // A pipe to a process that has died is reported by its exit.
    child.stdin.on('error', () => undefined);
    let engine: OpenInferenceEngine | undefined;
    const ended = Promise.withResolvers<undefined>();
    const onEnd = (): void => {
      ended.resolve(undefined);
      engine?.close();
      this.#died(child, log);
    };
    child.once('exit', onEnd);
    child.once('error', onEnd);
    const port = await portOf(child, ended.promise);
    engine = openInferenceEngine({
      url: `http://127.0.0.1:${port}`,
      timeoutMs,
      tensors: 'binary',
      ...(onSpans === undefined ? {} : { onSpans }),
    });
    return { process: child, engine, ended: ended.promise };
  }

  #died(child: ChildProcess, log: Log): void {
    if (this.#process !== child) return;
    this.#starting = undefined;
    this.#process = undefined;
    if (this.#closing.signal.aborted) return;
    this.#deaths += 1;
    log.write('inference-died', child.pid === undefined ? {} : { pid: child.pid });
  }
}

function isHangOrDeath(error: unknown): boolean {
  return error instanceof WetreadError && (error.code === 'timeout' || error.code === 'inference-unreachable');
}

function argumentsOf(options: InferenceChildOptions): string[] {
  const optional = {
    '--log-level': options.logLevel,
    '--otlp-url': options.otlpUrl,
    '--recycle-after': options.recycleAfter?.toString(),
  };
  return [
    options.entry,
    ...['--models', options.modelFolders.join(',')],
    ...['--providers', options.providers.join(',')],
    ...['--threads', String(options.threads)],
    '--exit-with-stdin',
    ...Object.entries(optional).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
  ];
}

/** Reads the line that the service prints when it is ready. */
async function portOf(child: ChildProcess, exited: Promise<undefined>): Promise<number> {
  const lines = createInterface({ input: child.stdout ?? ([] as never) });
  const first = once(lines, 'line').then(([line]) => (JSON.parse(String(line)) as { listening: number }).listening);
  const late = delay(START_TIMEOUT_MS, undefined, { ref: false });
  const port = await Promise.race([first.catch(() => undefined), exited, late]);
  if (port !== undefined) return port;
  child.kill('SIGKILL');
  throw new WetreadError('inference-unreachable', 'The inference service did not start');
}

/** The start goes on for others when one caller gives up. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(WetreadError.from(signal.reason, 'timeout'));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
