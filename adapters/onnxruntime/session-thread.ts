/**
 * Sessions in a thread of their own, so that a run, which blocks its thread, does not block the process. What cannot be
 * done is to end a run: terminating a thread inside one aborts the whole process (onnxruntime-node 1.30). Whoever must be
 * able to end a run puts this into a process and kills the process.
 */
import './no-telemetry.ts';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import type { Graph, GraphInterface, ProviderSearch } from './session.ts';

export interface Settings {
  /** Execution providers, best first. */
  readonly providers: readonly string[];
  /** Threads of one run. */
  readonly threads: number;
}

export type Order = { readonly id: number } & (
  | { readonly kind: 'find-providers' }
  | { readonly kind: 'load'; readonly graph: Graph }
  | {
      readonly kind: 'run';
      readonly graph: Graph;
      readonly inputs: readonly Tensor[];
      readonly outputs: readonly string[];
    }
);

export type Answer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly fault: { readonly code: ErrorCode; readonly message: string } }
);

/** Distributes over the union, so that each kind of order keeps its own members. */
type WithoutId<O> = O extends Order ? Omit<O, 'id'> : never;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: WetreadError) => void;
}

/** A thread and the orders that it has not answered. */
interface Staffed {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Called when the last order has been answered. */
  onIdle: () => void;
}

export class SessionThread {
  #settings: Settings;
  readonly #onDeath: (error: Error) => void;
  #staffed: Staffed;
  #lastId = 0;

  /** @param onDeath called when the thread ends without being asked: nothing can run any more. */
  constructor(settings: Settings, onDeath: (error: Error) => void) {
    this.#settings = settings;
    this.#onDeath = onDeath;
    this.#staffed = this.#start();
  }

  /** True while something is loading or running. */
  get busy(): boolean {
    return this.#staffed.waiting.size > 0;
  }

  /** Which of the providers work here; graphs are loaded with these alone from now on. */
  async findProviders(): Promise<ProviderSearch> {
    const search = await this.#order<ProviderSearch>({ kind: 'find-providers' });
    this.#settings = { ...this.#settings, providers: search.found };
    return search;
  }

  /** Checks and loads the graph, where that has not been done. @throws WetreadError `package-invalid` */
  load(graph: Graph): Promise<GraphInterface> {
    return this.#order({ kind: 'load', graph });
  }

  /**
   * Runs the graph. Inputs on shared memory are read where they lie and must stay untouched until the run has ended.
   * @throws WetreadError `package-invalid`, `inference-failed`
   */
  run(graph: Graph, inputs: readonly Tensor[], outputs: readonly string[]): Promise<readonly Tensor[]> {
    return this.#order({ kind: 'run', graph, inputs, outputs });
  }

  /** Gives every session back, and what onnxruntime has kept of their memory; the next order finds a fresh thread. */
  async recycle(): Promise<void> {
    const old = this.#staffed;
    this.#staffed = this.#start();
    await stop(old);
  }

  /** Ends the thread when its last order has been answered. */
  close(): Promise<void> {
    return stop(this.#staffed);
  }

  #start(): Staffed {
    const entry = new URL(`./session-worker${extname(import.meta.filename)}`, import.meta.url);
    const worker = new Worker(entry, { workerData: this.#settings });
    const staffed: Staffed = { worker, waiting: new Map(), onIdle: () => undefined };
    worker.on('message', (answer: Answer) => settle(staffed, answer));
    worker.on('error', this.#onDeath);
    worker.on('exit', () => this.#onDeath(new Error('The session thread has ended')));
    return staffed;
  }

  #order<T>(order: WithoutId<Order>): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { worker, waiting } = this.#staffed;
    return new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...order, id });
    });
  }
}

function settle(staffed: Staffed, answer: Answer): void {
  const { waiting } = staffed;
  const { resolve, reject } = waiting.get(answer.id) ?? {};
  waiting.delete(answer.id);
  if ('fault' in answer) reject?.(new WetreadError(answer.fault.code, answer.fault.message));
  else resolve?.(answer.value as never);
  if (waiting.size === 0) staffed.onIdle();
}

/** Ended inside an order, the thread would take the process with it. */
async function stop(staffed: Staffed): Promise<void> {
  const { worker, waiting } = staffed;
  if (waiting.size > 0) {
    await new Promise<void>((resolve) => {
      staffed.onIdle = resolve;
    });
  }
  worker.removeAllListeners();
  await worker.terminate();
}
