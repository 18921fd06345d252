/**
 * An ONNX graph on onnxruntime-node, with the datatypes of the Open Inference Protocol. `run` of onnxruntime-node blocks
 * its thread from beginning to end and cannot be interrupted: use it through `session-process.ts`.
 */
import './no-telemetry.ts';
import './float16.ts';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { WetreadError } from '../../src/errors.ts';
import type { Datatype, Tensor } from '../../src/inference/tensor.ts';
import { textElements, textsOf } from '../../src/inference/text-elements.ts';
import { type Graph, type GraphInterface, type TensorSpec, verifyGraph } from './graph.ts';

export interface Session extends GraphInterface {
  /** @throws WetreadError `inference-failed` */
  run(inputs: readonly Tensor[], outputs: readonly string[]): Promise<readonly Tensor[]>;
  release(): Promise<void>;
}

/** Names of ONNX element types as onnxruntime-node writes them: all that it can pass, so not bfloat16, int4 nor complex. */
const DATATYPES: Readonly<Record<string, Datatype>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};
const ELEMENT_TYPES = Object.fromEntries(Object.entries(DATATYPES).map(([type, datatype]) => [datatype, type]));

// Faults reach the caller as errors; the library would print each of them on stderr as well.
env.logLevel = 'fatal';

/**
 * Checks the file against its digest, then loads it with the first of `providers` that takes it.
 * @throws WetreadError `package-invalid` where digest or graph are wrong
 */
export async function openSession(graph: Graph, providers: readonly string[], threads: number): Promise<Session> {
  await verifyGraph(graph);
  const { native, provider } = await loadGraph(graph.path, providers, threads);
  const inputs = specs(native.inputMetadata);
  const outputs = specs(native.outputMetadata);
  return {
    inputs,
    outputs,
    provider,
    run: (given, wanted) => run(native, given, wanted),
    release: () => native.release(),
  };
}

/** @throws WetreadError `package-invalid` where none of the providers takes it */
export async function loadGraph(
  model: string | Uint8Array,
  providers: readonly string[],
  threads: number,
): Promise<{ native: InferenceSession; provider: string }> {
  let cause: unknown;
  for (const provider of providers) {
    try {
      // Memory patterns plan one block per input shape beside the arena: half as much memory again, and no time won.
      // After a run its threads would go on spinning for a while, and take the processor from whoever carries the answer.
      const extra = { session: { force_spinning_stop: '1' } };
      const options = { executionProviders: [provider], intraOpNumThreads: threads, enableMemPattern: false, extra };
      // Two overloads of one function: TypeScript cannot choose for a union.
      const created =
        typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options);
      return { native: await created, provider };
    } catch (error) {
      cause = error;
    }
  }
  throw new WetreadError('package-invalid', `The graph cannot be loaded: ${reportOf(cause)}`, { cause });
}

function specs(metadata: InferenceSession['inputMetadata']): TensorSpec[] {
  return metadata.map((value) => {
    const datatype = value.isTensor ? DATATYPES[value.type] : undefined;
    if (!value.isTensor || datatype === undefined) {
      throw new WetreadError('package-invalid', `The graph has a value of an unsupported type: ${value.name}`);
    }
    return { name: value.name, datatype, shape: value.shape.map((size) => (typeof size === 'number' ? size : -1)) };
  });
}

async function run(
  native: InferenceSession,
  inputs: readonly Tensor[],
  outputs: readonly string[],
): Promise<readonly Tensor[]> {
  try {
    const feeds = Object.fromEntries(inputs.map((tensor) => [tensor.name, toNative(tensor)]));
    const results = await native.run(feeds, outputs);
    return outputs.map((name) => fromNative(name, results[name]));
  } catch (cause) {
    if (cause instanceof WetreadError) throw cause;
    throw new WetreadError('inference-failed', `The model reported: ${reportOf(cause)}`, { cause });
  }
}

function toNative({ datatype, data, shape }: Tensor): OrtTensor {
  if (datatype === 'BYTES') return new OrtTensor('string', [...textsOf(data as Uint8Array)], shape);
  if (datatype === 'FP16') {
    return new OrtTensor('float16', new Uint16Array(data.buffer, data.byteOffset, data.length), shape);
  }
  // The element type decides the array type; the constructor's overloads cannot be resolved for a union of both.
  return new OrtTensor(ELEMENT_TYPES[datatype] as 'int16', data as Int16Array, shape);
}

function fromNative(name: string, value: OrtTensor | undefined): Tensor {
  const datatype = value === undefined ? undefined : DATATYPES[value.type];
  if (value === undefined || datatype === undefined) throw new TypeError(`output ${name} is missing`);
  return { name, datatype, shape: value.dims, data: dataOf(datatype, value) };
}

function dataOf(datatype: Datatype, { data }: OrtTensor): Tensor['data'] {
  if (datatype === 'BYTES') return textElements(data as string[]);
  if (datatype !== 'FP16') return data as Tensor['data'];
  const bits = data as Uint16Array;
  return new Float16Array(bits.buffer, bits.byteOffset, bits.length);
}

/** First line of what the runtime reported, without the place in its own source that it puts before what is wrong. */
export function reportOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : 'unknown fault').split('\n');
  return line.replace(GRAPH_PATH, '').replace(SOURCE_PLACE, '').slice(0, LONGEST_REPORT);
}

/** Where the graph lies is for nobody who asks over a network. */
const GRAPH_PATH = /^Load model from .*? failed:/;
/** File, line and signature: `/…/graph/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, …) `. */
const SOURCE_PLACE = /\/\S+\.(?:h|hpp|cc|cpp|cu|cuh):\d+ .*?\) /;
const LONGEST_REPORT = 300;
