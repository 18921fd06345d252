/**
 * Sessions in a process of their own. A run blocks its thread, nothing interrupts it, and a thread that is terminated
 * inside one aborts its whole process (onnxruntime-node 1.30): so a run that is given up ends with its process, which
 * frees the accelerator at once, and the next order finds a fresh one. Orders are carried out one after the other.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { restartDelaySeconds } from '../../src/retry.ts';
import { type Answer, decodeMessage, encodeMessage, type Message, type Order } from './frames.ts';
import type { Graph, GraphInterface, ProviderSearch } from './graph.ts';

export interface Settings {
  /** Execution providers, best first. */
  readonly providers: readonly string[];
  /** Threads of one run. */
  readonly threads: number;
  /** Called when the process ends without being asked; its run fails, the next order starts another. */
  readonly onDeath: (pid: number | undefined) => void;
}

/** A process, and the pipe to it. */
interface Runner {
  readonly process: ChildProcess;
  readonly pipe: Duplex;
  readonly answers: ByteReader;
  readonly ended: Promise<unknown>;
}

const never = new AbortController().signal;

export class SessionProcess {
  #settings: Settings;
  #runner: Runner | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #starts = 0;
  /** Times of deaths that nobody asked for. */
  #deaths: readonly number[] = [];
  /** Each is counted once. */
  readonly #dead = new WeakSet<Runner>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** True while something is loading or running, or waits for its turn. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  /** Processes that were started so far. */
  get starts(): number {
    return this.#starts;
  }

  /** Which of the providers work here; graphs are loaded with these alone from now on. */
  async findProviders(): Promise<ProviderSearch> {
    const { body } = await this.#order<ProviderSearch>({ kind: 'find-providers' }, [], never);
    this.#settings = { ...this.#settings, providers: body.found };
    return body;
  }

  /** Checks and loads the graph, where that has not been done. @throws WetreadError `package-invalid` */
  async load(graph: Graph): Promise<GraphInterface> {
    return (await this.#order<GraphInterface>({ kind: 'load', graph }, [], never)).body;
  }

  /** Gives the session of a graph back. */
  async unload(graph: Graph): Promise<void> {
    await this.#order({ kind: 'unload', graph }, [], never);
  }

  /**
   * Runs the graph in its turn; loads it where that has not been done. Inputs must stay untouched until the run has ended.
   * @param onStart called when its turn has come
   * @throws WetreadError `package-invalid`, `inference-failed`, `inference-unreachable` where the process died, and the
   * reason of the signal, with which the run ends at once
   */
  async run(
    graph: Graph,
    inputs: readonly Tensor[],
    outputs: readonly string[],
    signal: AbortSignal,
    onStart: () => void = () => undefined,
  ): Promise<readonly Tensor[]> {
    return (await this.#order({ kind: 'run', graph, outputs }, inputs, signal, onStart)).tensors;
  }

  /** Gives every session back in its turn, and what onnxruntime has kept of their memory. */
  recycle(): Promise<void> {
    return this.#inTurn(() => this.#end(this.#runner));
  }

  /** Ends the process when its last order has been answered. */
  close(): Promise<void> {
    return this.recycle();
  }

  /** Ends the process at once, with what runs in it. */
  kill(): void {
    this.#runner?.process.kill('SIGKILL');
  }

  #order<T>(order: Order, tensors: readonly Tensor[], signal: AbortSignal, onStart = () => {}): Promise<Message<T>> {
    const turn = this.#inTurn(async () => {
      signal.throwIfAborted();
      onStart();
      return this.#exchange<T>({ body: order, tensors }, signal);
    });
    return untilAborted(turn, signal);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #exchange<T>(message: Message<Order>, signal: AbortSignal): Promise<Message<T>> {
    if (this.#runner === undefined) await this.#backOff(signal);
    this.#runner ??= this.#start();
    const runner = this.#runner;
    const kill = (): void => void runner.process.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    try {
      return await talk<T>(runner, message);
    } catch (error) {
      if (error instanceof WetreadError) throw error;
      // Its pipe breaks before its exit is known.
      if (!signal.aborted) this.#mourn(runner);
      await this.#end(runner);
      throw new WetreadError('inference-unreachable', 'The process of the model died during a run', { cause: error });
    } finally {
      signal.removeEventListener('abort', kill);
      // The next order must not find a process that is about to die.
      if (signal.aborted) await this.#end(runner);
    }
  }

  /** A graph that kills its process again and again costs the machine no more than a few starts a minute. */
  async #backOff(signal: AbortSignal): Promise<void> {
    const minuteAgo = performance.now() - 60_000;
    this.#deaths = this.#deaths.filter((time) => time > minuteAgo);
    await delay(restartDelaySeconds(this.#deaths.length) * 1000, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }

  #start(): Runner {
    const { providers, threads } = this.#settings;
    const entry = fileURLToPath(new URL(`./session-runner${extname(import.meta.filename)}`, import.meta.url));
    const child = spawn(process.execPath, [entry, String(threads), ...providers], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
    });
    this.#starts += 1;
    const pipe = child.stdio[3] as Duplex;
    // A broken pipe shows as the end of the answers.
    pipe.on('error', () => undefined);
    const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
    const runner: Runner = { process: child, pipe, answers: new ByteReader(pipe), ended };
    void ended.then(() => this.#died(runner));
    return runner;
  }

  #died(runner: Runner): void {
    if (this.#runner !== runner) return;
    this.#runner = undefined;
    if (!runner.process.killed) this.#mourn(runner);
  }

  #mourn(runner: Runner): void {
    if (this.#dead.has(runner)) return;
    this.#dead.add(runner);
    this.#deaths = [...this.#deaths, performance.now()];
    this.#settings.onDeath(runner.process.pid);
  }

  async #end(runner: Runner | undefined): Promise<void> {
    runner?.process.kill('SIGKILL');
    await runner?.ended;
    runner?.pipe.destroy();
  }
}

async function talk<T>({ pipe, answers }: Runner, order: Message<Order>): Promise<Message<T>> {
  for (const chunk of encodeMessage(order)) pipe.write(chunk);
  const { body, tensors } = await decodeMessage<Answer>((bytes) => answers.read(bytes));
  if ('fault' in body) throw new WetreadError(body.fault.code, body.fault.message);
  return { body: body.value as T, tensors };
}

/** Takes from a stream what is asked for, into fresh memory. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(bytes: number): Promise<Uint8Array> {
    // Every byte is written below. Memory of its own: a pool's would not begin where elements may.
    const target = Buffer.allocUnsafeSlow(bytes);
    for (let position = 0; position < bytes; ) {
      if (this.#rest.byteLength === 0) await this.#next();
      const part = this.#rest.subarray(0, bytes - position);
      target.set(part, position);
      position += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
    }
    return target;
  }

  async #next(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done === true) throw new TypeError('the stream has ended');
    this.#rest = value;
  }
}

/** Whoever waits for a turn leaves at once; the turn, when it comes, sees the same signal. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
