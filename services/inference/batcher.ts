/**
 * Dynamic batching: requests for the same model whose tensors differ in their first axis alone are joined along it, run
 * at once and parted again. The first of them waits for others no longer than the package allows.
 */
import { bytesOf } from '../../adapters/open-inference/tensor-codec.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';

export interface BatchRule {
  /** Rows of one run: the sum of the first axes. A request with more is run by itself. */
  readonly maximum: number;
  readonly delayMs: number;
}

/** Carries out one run. @param onStart called when its turn has come */
export type Run = (
  inputs: readonly Tensor[],
  outputs: readonly string[],
  signal: AbortSignal,
  onStart: () => void,
) => Promise<readonly Tensor[]>;

interface Member {
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  readonly signal: AbortSignal;
  readonly onStart: () => void;
  readonly settled: PromiseWithResolvers<readonly Tensor[]>;
}

interface Batch {
  readonly key: string;
  readonly outputs: readonly string[];
  readonly members: Member[];
  readonly timer: NodeJS.Timeout;
}

/** Of one model. */
export class Batcher {
  readonly #rule: BatchRule;
  readonly #run: Run;
  /** One for each combination of sizes that waits. */
  readonly #open = new Map<string, Batch>();

  constructor(rule: BatchRule, run: Run) {
    this.#rule = rule;
    this.#run = run;
  }

  /**
   * @param signal ends the wait of this request alone; a run that nobody waits for any more is ended
   * @throws WetreadError `request-invalid` where the inputs do not agree in their first axis, and what the run throws
   */
  infer(
    inputs: readonly Tensor[],
    outputs: readonly string[],
    signal: AbortSignal,
    onStart: () => void = () => undefined,
  ): Promise<readonly Tensor[]> {
    const rows = rowsOf(inputs);
    const key = JSON.stringify([outputs, inputs.map(({ name, shape }) => [name, ...shape.slice(1)])]);
    if (rowsIn(this.#open.get(key)) + rows > this.#rule.maximum) this.#close(this.#open.get(key));
    const batch = this.#open.get(key) ?? this.#begin(key, outputs);
    const settled = Promise.withResolvers<readonly Tensor[]>();
    const member = { inputs, rows, signal, onStart, settled };
    batch.members.push(member);
    const leave = (): void => this.#leave(batch, member);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    if (rowsIn(batch) >= this.#rule.maximum) this.#close(batch);
    return settled.promise.finally(() => signal.removeEventListener('abort', leave));
  }

  #begin(key: string, outputs: readonly string[]): Batch {
    const timer = setTimeout(() => this.#close(batch), this.#rule.delayMs);
    const batch: Batch = { key, outputs, members: [], timer };
    this.#open.set(key, batch);
    return batch;
  }

  /** Whoever leaves before the run takes no row of it. */
  #leave(batch: Batch, member: Member): void {
    member.settled.reject(member.signal.reason);
    if (this.#open.get(batch.key) !== batch) return;
    batch.members.splice(batch.members.indexOf(member), 1);
    if (batch.members.length === 0) this.#close(batch);
  }

  #close(batch: Batch | undefined): void {
    if (batch === undefined || this.#open.get(batch.key) !== batch) return;
    clearTimeout(batch.timer);
    this.#open.delete(batch.key);
    if (batch.members.length > 0) void this.#runWhole(batch);
  }

  async #runWhole({ members, outputs }: Batch): Promise<void> {
    const given = new AbortController();
    const lookForOthers = (): void => {
      if (members.every(({ signal }) => signal.aborted)) given.abort(members[0]?.signal.reason);
    };
    for (const { signal } of members) signal.addEventListener('abort', lookForOthers, { once: true });
    try {
      const onStart = (): void => {
        for (const member of members) member.onStart();
      };
      const results = await this.#run(joined(members), outputs, given.signal, onStart);
      let from = 0;
      for (const { rows, settled } of members) {
        settled.resolve(results.map((tensor) => rowsFrom(tensor, from, rows, rowsIn({ members }))));
        from += rows;
      }
    } catch (cause) {
      for (const { settled } of members) settled.reject(cause);
    } finally {
      for (const { signal } of members) signal.removeEventListener('abort', lookForOthers);
    }
  }
}

function rowsIn(batch: { readonly members: readonly Member[] } | undefined): number {
  return batch?.members.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
}

function rowsOf(inputs: readonly Tensor[]): number {
  const rows = inputs[0]?.shape[0] ?? 0;
  if (inputs.some(({ shape }) => shape[0] !== rows))
    throw new WetreadError(
      'request-invalid',
      'The inputs do not agree in their first axis, along which requests are joined',
    );
  return rows;
}

function joined(members: readonly Member[]): readonly Tensor[] {
  const [first] = members;
  if (first === undefined || members.length === 1) return first?.inputs ?? [];
  const rows = rowsIn({ members });
  return first.inputs.map(({ name, datatype, shape, data }) => {
    const parts = members.map(({ inputs }) => inputs.find((input) => input.name === name)!);
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.data.byteLength, 0));
    let position = 0;
    for (const part of parts) {
      bytes.set(bytesOf(part), position);
      position += part.data.byteLength;
    }
    const TypedArray = data.constructor as new (buffer: ArrayBuffer) => Tensor['data'];
    return { name, datatype, shape: [rows, ...shape.slice(1)], data: new TypedArray(bytes.buffer) };
  });
}

/** A view, no copy. @throws WetreadError `inference-failed` where the graph gave another number of rows than it was given */
function rowsFrom({ name, datatype, shape, data }: Tensor, from: number, rows: number, all: number): Tensor {
  if (shape[0] !== all)
    throw new WetreadError('inference-failed', `Output ${name} has ${shape[0] ?? 'no'} rows for ${all} of its inputs`);
  const each = data.length / all;
  return { name, datatype, shape: [rows, ...shape.slice(1)], data: data.subarray(from * each, (from + rows) * each) };
}
