/**
 * `ModelInfer` of `contracts/open-inference/inference.proto`, for both sides: messages as @grpc/proto-loader gives them
 * (names kept, 64-bit integers as text) to and from the calls of `codec.ts`. What is sent is always raw.
 */
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, Tensor } from '../../src/inference/tensor.ts';
import { byteElements } from '../../src/inference/text-elements.ts';
import { type InferCall, type InferResult, type RequestedOutput, type ResultOutput, timeoutOf } from './codec.ts';
import { noSharedMemory, type SharedReader, sharedParameters, sharedPlaceOf } from './shared-place.ts';
import { bytesOf, elementsOf, fromBytes, fromJson, isDatatype, type TensorData } from './tensor-codec.ts';

interface GrpcParameter {
  readonly bool_param?: boolean;
  readonly int64_param?: string;
  readonly uint64_param?: string;
  readonly string_param?: string;
}

type GrpcParameters = Readonly<Record<string, GrpcParameter>>;

interface GrpcContents {
  readonly bool_contents: readonly boolean[];
  readonly int_contents: readonly number[];
  readonly int64_contents: readonly string[];
  readonly uint_contents: readonly number[];
  readonly uint64_contents: readonly string[];
  readonly fp32_contents: readonly number[];
  readonly fp64_contents: readonly number[];
  readonly bytes_contents: readonly Uint8Array[];
}

interface GrpcInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly string[];
  readonly parameters: GrpcParameters;
  readonly contents: GrpcContents | null;
}

export interface GrpcInferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Readonly<Record<string, GrpcParameter>>;
  readonly inputs: readonly GrpcInput[];
  readonly outputs: readonly { readonly name: string; readonly parameters: GrpcParameters }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

interface GrpcOutput extends Pick<Tensor, 'name' | 'datatype' | 'shape'> {
  readonly parameters: GrpcParameters;
  /** Of servers that do not answer raw. */
  readonly contents?: GrpcContents | null;
}

export interface GrpcInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Readonly<Record<string, GrpcParameter>>;
  readonly outputs: readonly GrpcOutput[];
  readonly raw_output_contents: readonly Uint8Array[];
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}

/** Bytes of the tensors, as far as they are raw. */
export function rawBytesOf({ raw_input_contents: raw }: GrpcInferRequest): number {
  return raw.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** @throws WetreadError `request-invalid` */
export function decodeGrpcRequest(request: GrpcInferRequest, readShared: SharedReader = noSharedMemory): InferCall {
  const { inputs, raw_input_contents, outputs, parameters, id } = request;
  const raw = [...raw_input_contents];
  const shared = inputs.filter(({ parameters: own }) => 'shared_memory_region' in own).length;
  if (raw.length > 0 && raw.length + shared !== inputs.length) {
    throw invalid('raw_input_contents: one for each input that is not in shared memory, or none');
  }
  refuseDuplicates(inputs, 'inputs');
  refuseDuplicates(outputs, 'outputs');
  const timeout = parameters['timeout']?.int64_param ?? parameters['timeout']?.uint64_param;
  return {
    ...(id === '' ? {} : { id }),
    inputs: inputs.map((input) => tensorOf(input, raw, readShared)),
    ...(outputs.length === 0 ? {} : { outputs: outputs.map(requestedOutput) }),
    binaryOutput: true,
    ...timeoutOf(timeout === undefined ? undefined : Number(timeout)),
  };
}

function refuseDuplicates(named: readonly { readonly name: string }[], what: string): void {
  if (new Set(named.map(({ name }) => name)).size < named.length) throw invalid(`${what}: a name occurs twice`);
}

function requestedOutput({ name, parameters }: GrpcInferRequest['outputs'][number]): RequestedOutput {
  const shared = sharedPlaceOf(plain(parameters));
  return { name, binary: true, ...(shared === undefined ? {} : { shared }) };
}

function plain(parameters: GrpcParameters): Readonly<Record<string, unknown>> {
  const values = Object.entries(parameters).map(([name, value]) => [name, value.string_param ?? value.int64_param]);
  return Object.fromEntries(values) as Record<string, unknown>;
}

/** @param raws those that no input before has taken */
function tensorOf(input: GrpcInput, raws: Uint8Array[], readShared: SharedReader): Tensor {
  const { name, datatype, shape: sizes, contents } = input;
  if (!isDatatype(datatype)) throw invalid(`Tensor ${name}: datatype is unknown or not supported`);
  const shape = sizes.map(Number);
  const elements = elementsOf(name, shape);
  const shared = sharedPlaceOf(plain(input.parameters));
  const raw = shared === undefined ? raws.shift() : readShared(shared);
  if (raw === undefined) return { name, datatype, shape, data: listed(name, datatype, shape, contents) };
  if (contents !== null) throw invalid(`Tensor ${name}: give either contents or raw contents`);
  return { name, datatype, shape, data: fromBytes(name, datatype, elements, raw) };
}

/** The list that the datatype says; the others are not looked at. */
function listed(
  name: string,
  datatype: Tensor['datatype'],
  shape: readonly number[],
  contents: GrpcContents | null,
): TensorData {
  if (contents === null) throw invalid(`Tensor ${name}: give either contents or raw contents`);
  const numbers = (values: readonly unknown[]): TensorData => fromJson(name, datatype, shape, values);
  const whole = (bytes: Uint8Array): TensorData => fromBytes(name, datatype, elementsOf(name, shape), bytes);
  switch (datatype) {
    case 'BOOL':
      return numbers(contents.bool_contents);
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return numbers(contents.int_contents);
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return numbers(contents.uint_contents);
    case 'INT64':
      return whole(new Uint8Array(BigInt64Array.from(contents.int64_contents, BigInt).buffer));
    case 'UINT64':
      return whole(new Uint8Array(BigUint64Array.from(contents.uint64_contents, BigInt).buffer));
    case 'FP32':
      return whole(new Uint8Array(Float32Array.from(contents.fp32_contents).buffer));
    case 'FP64':
      return whole(new Uint8Array(Float64Array.from(contents.fp64_contents).buffer));
    case 'BYTES':
      return whole(byteElements(contents.bytes_contents));
    case 'FP16':
      throw invalid(`Tensor ${name}: FP16 has raw contents alone`);
  }
}

export function encodeGrpcResult({ model, version, id, parameters, outputs }: InferResult): GrpcInferResponse {
  const named = Object.entries(parameters).map(([name, value]) => [name, { string_param: value }] as const);
  return {
    model_name: model,
    model_version: version,
    id: id ?? '',
    parameters: Object.fromEntries(named),
    outputs: outputs.map(described),
    // Clients count: an output in shared memory has its place here as well.
    raw_output_contents: outputs.map(({ tensor, shared }) =>
      shared === undefined ? bytesOf(tensor) : new Uint8Array(),
    ),
  };
}

function described({
  tensor: { name, datatype, shape, data },
  shared,
}: ResultOutput): GrpcInferResponse['outputs'][number] {
  if (shared === undefined) return { name, datatype, shape, parameters: {} };
  const parameters = Object.entries(sharedParameters(shared, data.byteLength)).map(([key, value]) => [
    key,
    typeof value === 'string' ? { string_param: value } : { int64_param: String(value) },
  ]);
  return { name, datatype, shape, parameters: Object.fromEntries(parameters) as GrpcParameters };
}

/** As the protocol file has it; what is left out is empty. */
export function encodeGrpcRequest({ model, version = '', inputs, outputs }: InferenceRequest): object {
  return {
    model_name: model,
    model_version: version,
    inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    outputs: outputs.map((name) => ({ name })),
    raw_input_contents: inputs.map(bytesOf),
  };
}

/** @throws WetreadError `request-invalid` */
export function decodeGrpcResult({ outputs, raw_output_contents }: GrpcInferResponse): readonly Tensor[] {
  const raw = [...raw_output_contents];
  if (raw.length > 0 && raw.length !== outputs.length) throw invalid('raw_output_contents: not one for each output');
  refuseDuplicates(outputs, 'outputs');
  return outputs.map(({ contents = null, shape, ...output }) => {
    const given = { ...output, shape: shape.map(String), contents: raw.length > 0 ? null : contents };
    return tensorOf(given, raw, noSharedMemory);
  });
}
