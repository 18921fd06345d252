/** One `POST …/infer`: admitted, read, checked against the model, run in its turn. */
import type { IncomingMessage } from 'node:http';
import type { GraphInterface, TensorSpec } from '../../adapters/onnxruntime/session.ts';
import type { SessionThread } from '../../adapters/onnxruntime/session-thread.ts';
import {
  decodeRequest,
  HEADER_LENGTH,
  type InferCall,
  type InferResult,
  type RequestedOutput,
} from '../../adapters/open-inference/codec.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import type { Tracer } from '../../src/ports.ts';
import type { Admission } from './admission.ts';
import type { Models, PackagedModel } from './models.ts';

/** Parsing more JSON than this holds up the answers to health probes. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;

export interface InferenceParts {
  readonly models: Models;
  readonly thread: SessionThread;
  readonly admission: Admission;
  readonly tracer: Tracer;
  /** Runs after which the session thread is replaced by a fresh one; 0 is never. */
  readonly recycleAfter: number;
}

export class Inference {
  readonly #parts: InferenceParts;
  #lastRun: Promise<unknown> = Promise.resolve();
  #runs = 0;

  constructor(parts: InferenceParts) {
    this.#parts = parts;
  }

  /** @throws WetreadError as `answerToFault` maps it */
  async infer(model: PackagedModel, request: IncomingMessage): Promise<InferResult> {
    const { admission, models } = this.#parts;
    const { length, jsonLength } = measure(request);
    const admitted = admission.enter(length);
    try {
      await readBody(request, admitted.body);
      const call = decodeRequest(admitted.body, jsonLength);
      const face = await models.interfaceOf(model);
      checkInputs(call.inputs, face.inputs);
      const outputs = outputsOf(call, face);
      const results = await this.#inTurn(() => this.#run(model, face, call, outputs, request));
      return {
        model: model.name,
        version: model.version,
        ...(call.id === undefined ? {} : { id: call.id }),
        parameters: { provider: face.provider },
        outputs: results.map((tensor, index) => ({ tensor, binary: outputs[index]?.binary === true })),
      };
    } finally {
      admitted.leave();
    }
  }

  /** Resolves when every run that was begun has ended. */
  async idle(): Promise<void> {
    await this.#lastRun;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#lastRun.then(run);
    this.#lastRun = turn.catch(() => undefined);
    return turn;
  }

  async #run(
    model: PackagedModel,
    face: GraphInterface,
    call: InferCall,
    outputs: readonly RequestedOutput[],
    request: IncomingMessage,
  ): Promise<readonly Tensor[]> {
    const { thread, tracer, recycleAfter } = this.#parts;
    if (request.socket.destroyed) throw gone();
    const about = { model: model.name, modelVersion: model.version, provider: face.provider };
    const names = outputs.map(({ name }) => name);
    try {
      return await tracer.span('inference.run', about, () => thread.run(model.graph, call.inputs, names));
    } finally {
      this.#runs += 1;
      if (recycleAfter > 0 && this.#runs % recycleAfter === 0) await thread.recycle();
    }
  }
}

function gone(): WetreadError {
  return new WetreadError('request-invalid', 'The client closed the connection');
}

/** Sizes that the headers announce; nothing is read before they are known. */
function measure(request: IncomingMessage): { length: number; jsonLength: number | undefined } {
  const { headers } = request;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new WetreadError('media-type-unsupported', 'Compressed bodies are not supported');
  if (headers['content-length'] === undefined) {
    throw new WetreadError(
      'request-invalid',
      'A Content-Length is needed: memory is set aside before the body is read',
    );
  }
  const length = Number(headers['content-length']);
  const jsonLength = jsonLengthOf(headers[HEADER_LENGTH]);
  if ((jsonLength ?? length) > MAX_JSON_BYTES) {
    throw new WetreadError('too-large', 'The JSON part is too large: send tensors in binary');
  }
  return { length, jsonLength };
}

function jsonLengthOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) {
    throw new WetreadError('request-invalid', 'Inference-Header-Content-Length is not a number');
  }
  return Number(header);
}

async function readBody(request: IncomingMessage, body: Uint8Array): Promise<void> {
  let position = 0;
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      body.set(chunk, position);
      position += chunk.byteLength;
    }
  } catch {
    throw gone();
  }
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
