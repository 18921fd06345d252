/** A few worker threads that take tasks in turn: each task is one message, each answer one message. */
import { Worker } from 'node:worker_threads';
import { WetreadError } from '../../src/errors.ts';

/** Tasks work on shared memory and leave little garbage: a small young generation saves resident memory. */
const YOUNG_GENERATION_MIB = 4;

/** What a worker posts back for the task it was given. */
export type Answer = { readonly value: unknown } | { readonly error: string };

/** The tasks of one caller. */
interface Call {
  readonly messages: readonly unknown[];
  readonly values: unknown[];
  readonly settled: PromiseWithResolvers<void>;
  next: number;
  running: number;
  fault: WetreadError | undefined;
}

interface Member {
  readonly thread: Worker;
  task: { readonly call: Call; readonly index: number } | undefined;
}

export class WorkerPool {
  readonly #script: URL;
  readonly #size: number;
  readonly #members = new Set<Member>();
  readonly #calls: Call[] = [];
  #closed = false;

  /** Threads start when there is work; idle ones do not keep the process alive. */
  constructor(script: URL, size: number) {
    this.#script = script;
    this.#size = size;
  }

  /**
   * Runs the tasks of one call and returns their values in the order of the messages. When one fails or the signal
   * aborts, those not yet begun are given up; the promise settles only when none is running any longer, so that the
   * memory they write to is free by then. Calls are served first come, first served.
   */
  async runAll(messages: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    if (this.#closed) throw new WetreadError('internal', 'The voxel workers are closed');
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    const call: Call = {
      messages,
      values: [],
      settled: Promise.withResolvers<void>(),
      next: 0,
      running: 0,
      fault: undefined,
    };
    const abort = (): void => this.#fail(call, WetreadError.from(signal.reason, 'timeout'));
    signal.addEventListener('abort', abort, { once: true });
    this.#calls.push(call);
    this.#dispatch();
    this.#settle(call);
    await call.settled.promise;
    signal.removeEventListener('abort', abort);
    if (call.fault !== undefined) throw call.fault;
    return call.values;
  }

  /** Running calls are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#members].map(({ thread }) => thread.terminate()));
  }

  #dispatch(): void {
    for (const call of this.#calls) {
      while (call.fault === undefined && call.next < call.messages.length) {
        const member = this.#idleMember();
        if (member === undefined) return;
        const index = call.next++;
        call.running++;
        member.task = { call, index };
        member.thread.ref();
        member.thread.postMessage(call.messages[index]);
      }
    }
  }

  #idleMember(): Member | undefined {
    for (const member of this.#members) if (member.task === undefined) return member;
    return this.#members.size < this.#size && !this.#closed ? this.#start() : undefined;
  }

  #start(): Member {
    const thread = new Worker(this.#script, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB } });
    const member: Member = { thread, task: undefined };
    thread.unref();
    thread.on('message', (answer: Answer) => this.#answered(member, answer));
    // 'exit' follows and tells the caller; without a listener the process would end
    thread.on('error', () => {});
    thread.on('exit', () => {
      this.#members.delete(member);
      this.#answered(member, { error: 'A voxel worker ended during a call' });
    });
    this.#members.add(member);
    return member;
  }

  #answered(member: Member, answer: Answer): void {
    if (member.task === undefined) return;
    const { call, index } = member.task;
    member.task = undefined;
    member.thread.unref();
    call.running--;
    if ('value' in answer) call.values[index] = answer.value;
    else this.#fail(call, new WetreadError('internal', answer.error));
    this.#settle(call);
    this.#dispatch();
  }

  #fail(call: Call, fault: WetreadError): void {
    call.fault ??= fault;
    this.#settle(call);
  }

  #settle(call: Call): void {
    const begun = call.fault !== undefined || call.next === call.messages.length;
    if (!begun || call.running > 0) return;
    const place = this.#calls.indexOf(call);
    if (place >= 0) this.#calls.splice(place, 1);
    call.settled.resolve();
  }
}
