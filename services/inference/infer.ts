/** One inference, whatever brought it: admitted, read, checked against the model, run in its turn, answered. */
import type { GraphInterface, TensorSpec } from '../../adapters/onnxruntime/graph.ts';
import type { SessionProcess } from '../../adapters/onnxruntime/session-process.ts';
import type { InferCall, InferResult, RequestedOutput, ResultOutput } from '../../adapters/open-inference/codec.ts';
import { noSharedMemory, type SharedReader } from '../../adapters/open-inference/shared-place.ts';
import { bytesOf } from '../../adapters/open-inference/tensor-codec.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import type { Tracer } from '../../src/ports.ts';
import type { Admission, Admitted } from './admission.ts';
import { Batcher, type Run } from './batcher.ts';
import type { Models, PackagedModel } from './models.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { Statistics } from './statistics.ts';

export interface InferenceParts {
  readonly models: Models;
  readonly sessions: SessionProcess;
  readonly admission: Admission;
  readonly statistics: Statistics;
  readonly tracer: Tracer;
  /** Undefined: off. */
  readonly sharedMemory: SharedMemory | undefined;
  /** Runs after which the session process is replaced by a fresh one; 0 is never. */
  readonly recycleAfter: number;
  /** Limit of one run with its wait; 0 is none. A request may ask for less. */
  readonly limitMs: number;
}

/** What a transport does of an inference. */
export interface Exchange<T> {
  /** Announced size of the request. */
  readonly bytes: number;
  /** Aborted when nobody waits for the answer any more: the run is ended. */
  readonly signal: AbortSignal;
  read(admitted: Admitted, readShared: SharedReader): InferCall | Promise<InferCall>;
  write(result: InferResult): T | Promise<T>;
}

export class Inference {
  readonly #parts: InferenceParts;
  readonly #batchers = new WeakMap<PackagedModel, Batcher>();
  #runs = 0;

  constructor(parts: InferenceParts) {
    this.#parts = parts;
  }

  /** @throws WetreadError as `answerToFault` maps it */
  async infer<T>(model: PackagedModel, exchange: Exchange<T>): Promise<T> {
    const { admission, statistics } = this.#parts;
    const begun = performance.now();
    const admitted = admission.enter(exchange.bytes);
    try {
      const answer = await this.#exchange(model, exchange, admitted);
      statistics.add(model, 'success', performance.now() - begun);
      return answer;
    } catch (error) {
      statistics.add(model, 'fail', performance.now() - begun);
      throw error;
    } finally {
      admitted.leave();
    }
  }

  async #exchange<T>(model: PackagedModel, exchange: Exchange<T>, admitted: Admitted): Promise<T> {
    const { models, statistics, sharedMemory } = this.#parts;
    const call = await exchange.read(admitted, sharedMemory?.reader() ?? noSharedMemory);
    const decoding = performance.now();
    const face = await models.interfaceOf(model);
    checkInputs(call.inputs, face.inputs);
    const outputs = outputsOf(call, face);
    statistics.add(model, 'compute_input', performance.now() - decoding);
    const results = await this.#run(model, face, call, outputs, exchange.signal);
    const encoding = performance.now();
    const answer = await exchange.write({
      model: model.name,
      version: model.version,
      ...(call.id === undefined ? {} : { id: call.id }),
      parameters: { provider: face.provider },
      outputs: results.map((tensor, index) => this.#placed(tensor, outputs[index])),
    });
    statistics.add(model, 'compute_output', performance.now() - encoding);
    return answer;
  }

  #placed(tensor: Tensor, { binary = false, shared }: Partial<RequestedOutput> = {}): ResultOutput {
    if (shared === undefined) return { tensor, binary };
    const { sharedMemory } = this.#parts;
    if (sharedMemory === undefined) return noSharedMemory(shared) as never;
    sharedMemory.write(shared, bytesOf(tensor));
    return { tensor, binary, shared };
  }

  async #run(
    model: PackagedModel,
    face: GraphInterface,
    call: InferCall,
    outputs: readonly RequestedOutput[],
    given: AbortSignal,
  ): Promise<readonly Tensor[]> {
    const { models, statistics, tracer, limitMs } = this.#parts;
    const objection = models.objection(model);
    if (objection !== undefined) throw objection;
    const about = { model: model.name, modelVersion: model.version, provider: face.provider };
    const names = outputs.map(({ name }) => name);
    const waiting = performance.now();
    let begun = waiting;
    using deadline = deadlineOf(given, shorter(limitMs, call.timeoutMs));
    const onStart = (): void => {
      begun = performance.now();
      statistics.add(model, 'queue', begun - waiting);
    };
    const run = (): Promise<readonly Tensor[]> => this.#runOf(model)(call.inputs, names, deadline.signal, onStart);
    const results = await tracer.span('inference.run', about, run);
    statistics.add(model, 'compute_infer', performance.now() - begun);
    return results;
  }

  /** Alone, or together with other requests for the model. */
  #runOf(model: PackagedModel): Run {
    const { batching } = model;
    if (batching === undefined) return this.#execution(model);
    const batcher = this.#batchers.get(model) ?? new Batcher(batching, this.#execution(model));
    this.#batchers.set(model, batcher);
    return (...given) => batcher.infer(...given);
  }

  #execution(model: PackagedModel): Run {
    const { sessions, statistics } = this.#parts;
    return async (inputs, outputs, signal, onStart) => {
      let begun = 0;
      const starting = (): void => {
        begun = performance.now();
        onStart();
      };
      try {
        const results = await sessions.run(model.graph, inputs, outputs, signal, starting);
        const rows = model.batching === undefined ? 1 : (inputs[0]?.shape[0] ?? 1);
        statistics.addRun(model, rows, performance.now() - begun);
        return results;
      } finally {
        this.#count();
      }
    };
  }

  #count(): void {
    const { recycleAfter, sessions } = this.#parts;
    this.#runs += 1;
    if (recycleAfter > 0 && this.#runs % recycleAfter === 0) void sessions.recycle();
  }
}

function shorter(limitMs: number, timeoutMs = 0): number {
  const limits = [limitMs, timeoutMs].filter((limit) => limit > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

function deadlineOf(given: AbortSignal, milliseconds: number): Deadline {
  if (milliseconds === 0) return { signal: given, [Symbol.dispose]: () => undefined };
  const late = new AbortController();
  const because = new WetreadError('timeout', 'The run and its wait took longer than their limit');
  const timer = setTimeout(() => late.abort(because), milliseconds);
  return { signal: AbortSignal.any([given, late.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}

function checkInputs(inputs: readonly Tensor[], specs: readonly TensorSpec[]): void {
  for (const { name } of inputs) {
    if (!specs.some((spec) => spec.name === name)) refuse(`The model has no input ${name}`);
  }
  for (const spec of specs) {
    const input = inputs.find(({ name }) => name === spec.name);
    if (input === undefined) refuse(`Input ${spec.name} is missing`);
    if (input.datatype !== spec.datatype) refuse(`Input ${spec.name} is ${input.datatype}, not ${spec.datatype}`);
    const fits =
      input.shape.length === spec.shape.length &&
      spec.shape.every((size, axis) => size === -1 || size === input.shape[axis]);
    if (!fits) refuse(`Input ${spec.name} has shape [${input.shape.join()}], not [${spec.shape.join()}]`);
  }
}

function outputsOf(call: InferCall, face: GraphInterface): readonly RequestedOutput[] {
  const known = face.outputs.map(({ name }) => name);
  if (call.outputs === undefined) return known.map((name) => ({ name, binary: call.binaryOutput }));
  for (const { name } of call.outputs) if (!known.includes(name)) refuse(`The model has no output ${name}`);
  return call.outputs;
}

function refuse(message: string): never {
  throw new WetreadError('request-invalid', message);
}
