/** Worker threads that decode, started when they are first needed, with limits on time and on what waits. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { WetreadError } from '../../src/errors.ts';
import { reason, type Skipped } from '../../src/reasons.ts';
import { decodedBytes, decodeFailed } from './codec.ts';
import type { DecodeAnswer, DecodeJob, DecodeResult } from './decode-job.ts';

export interface PoolLimits {
  readonly workers: number;
  /** A frame that takes longer ends with its worker. */
  readonly timeLimitMs: number;
  /** Frames that may wait for a worker; one more is refused. */
  readonly waitingLimit: number;
}

/** WebAssembly memory never shrinks: a worker that decoded a frame this large is replaced afterwards. */
const LARGE_FRAME = 64 * 1024 * 1024;
/** The compiled project holds `.js` beside `.js`, the sources hold `.ts` beside `.ts`. */
const WORKER_URL = new URL(`./decode-worker${extname(import.meta.url)}`, import.meta.url);

interface Waiting {
  readonly resolve: (worker: Worker) => void;
  readonly reject: (error: unknown) => void;
}

export class DecodePool implements AsyncDisposable {
  readonly #limits: PoolLimits;
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /**
   * Runs a job on the next free worker. A frame that waits costs nothing: its bytes are copied when a worker takes it.
   * An abort takes effect at once while waiting; a frame that is being decoded is let finish, because its worker may
   * be writing into shared memory that the caller is about to hand back.
   */
  async run(job: DecodeJob, signal: AbortSignal): Promise<DecodeResult> {
    signal.throwIfAborted();
    if (this.#isClosed) throw closed();
    if (this.#waiting.length >= this.#limits.waitingLimit) {
      return { skipped: reason('decode-limit', `${this.#waiting.length} frames are waiting`) };
    }
    const worker = await this.#claim(signal);
    const result = await this.#perform(worker, job);
    signal.throwIfAborted();
    return result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed());
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #claim(signal: AbortSignal): Worker | Promise<Worker> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#workers.size < this.#limits.workers) return this.#start();
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        signal.removeEventListener('abort', abort);
        then();
      };
      const waiting: Waiting = {
        resolve: (worker) => settle(() => resolve(worker)),
        reject: (error) => settle(() => reject(error)),
      };
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.reject(signal.reason);
      };
      signal.addEventListener('abort', abort);
      this.#waiting.push(waiting);
    });
  }

  #start(): Worker {
    const worker = new Worker(WORKER_URL);
    // A worker that fails while nobody waits for it must not end this process.
    worker.on('error', () => {});
    this.#workers.add(worker);
    return worker;
  }

  async #perform(worker: Worker, job: DecodeJob): Promise<DecodeResult> {
    worker.ref();
    const answer = await answerOf(worker, job, this.#limits.timeLimitMs);
    const isSpent = answer.isSpent || decodedBytes(job.header) > LARGE_FRAME;
    if (isSpent) await this.#retire(worker);
    else this.#release(worker);
    return answer.result;
  }

  #release(worker: Worker): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next.resolve(worker);
      return;
    }
    // An idle worker must not keep the process alive.
    worker.unref();
    this.#idle.push(worker);
  }

  async #retire(worker: Worker): Promise<void> {
    await worker.terminate();
    this.#workers.delete(worker);
    if (!this.#isClosed) this.#waiting.shift()?.resolve(this.#start());
  }
}

/** The worker's answer, or what its end or its silence means. */
function answerOf(worker: Worker, job: DecodeJob, timeLimitMs: number): Promise<DecodeAnswer> {
  return new Promise((resolve) => {
    const settle = (answer: DecodeAnswer): void => {
      clearTimeout(timer);
      worker.off('message', settle).off('error', onError).off('exit', onExit);
      resolve(answer);
    };
    const giveUp = (result: Skipped): void => settle({ result, isSpent: true });
    const onError = (): void => giveUp(decodeFailed('the decode worker crashed'));
    const onExit = (): void => giveUp(decodeFailed('the decode worker ended'));
    const onTimeout = (): void => giveUp({ skipped: reason('decode-limit', `more than ${timeLimitMs} ms`) });
    const timer = setTimeout(onTimeout, timeLimitMs);
    worker.on('message', settle).on('error', onError).on('exit', onExit);
    send(worker, job);
  });
}

/** Frames are views of a whole file, and posting a view clones all of the memory behind it: so only the frame is copied, and moved. */
function send(worker: Worker, job: DecodeJob): void {
  if (job.frame.buffer instanceof SharedArrayBuffer) {
    worker.postMessage(job);
    return;
  }
  const frame = new Uint8Array(job.frame);
  worker.postMessage({ ...job, frame }, [frame.buffer]);
}

function closed(): WetreadError {
  return new WetreadError('internal', 'The frame decoder is closed');
}
