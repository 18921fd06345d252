/**
 * Messages of `POST /v2/models/{model}/infer`, for both sides: a JSON object, then the tensors of the binary tensor
 * extension in order (KServe Open Inference Protocol v2; Triton `binary_tensor_data`). Bodies are never joined: an encoded
 * message is a list of views that a caller writes one after the other, a decoded tensor is a view of the body.
 */
import { WetreadError } from '../../src/errors.ts';
import type { InferenceRequest, Tensor } from '../../src/inference/tensor.ts';
import { parseExactly } from './json-text.ts';
import {
  noSharedMemory,
  type SharedPlace,
  type SharedReader,
  sharedParameters,
  sharedPlaceOf,
} from './shared-place.ts';
import { byteLengthOf, bytesOf, elementsOf, fromBytes, fromJson, isDatatype, toJson } from './tensor-codec.ts';

/** Bytes of the JSON part, in a message that has a binary part. */
export const HEADER_LENGTH = 'inference-header-content-length';
/** Asks a Wetread inference service for its spans of this request: `parameters.spans` of the answer. */
export const RETURN_SPANS = 'wetread-return-spans';

type Parameters = Readonly<Record<string, unknown>>;

interface WireTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly parameters?: Parameters;
  readonly data?: readonly (number | boolean | string | object)[];
}

export interface EncodedMessage {
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, then the binary tensors. */
  readonly chunks: readonly Uint8Array[];
}

export interface RequestedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** Written there instead of into the answer. */
  readonly shared?: SharedPlace;
}

/** A decoded infer request, consistent in itself; whether it fits the model is for the server to check. */
export interface InferCall {
  readonly id?: string;
  readonly inputs: readonly Tensor[];
  /** Undefined: every output of the model, in the form `binaryOutput` says. */
  readonly outputs?: readonly RequestedOutput[];
  readonly binaryOutput: boolean;
  /** How long the client waits for the run. */
  readonly timeoutMs?: number;
}

export interface ResultOutput {
  readonly tensor: Tensor;
  readonly binary: boolean;
  /** Where it has been written already. */
  readonly shared?: SharedPlace;
}

export interface InferResult {
  readonly model: string;
  readonly version: string;
  readonly id?: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly outputs: readonly ResultOutput[];
}

/** What a client needs of an answer. */
export interface DecodedResult {
  readonly outputs: readonly Tensor[];
  readonly parameters: Parameters;
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}

/** @throws `request-invalid` where an input cannot be written as JSON */
export function encodeJsonRequest({ inputs, outputs }: InferenceRequest, id?: string): EncodedMessage {
  return message({ id, inputs: inputs.map(jsonTensor), outputs: outputs.map((name) => ({ name })) }, []);
}

export function encodeRequest(request: InferenceRequest, id?: string): EncodedMessage {
  return message(
    {
      id,
      inputs: request.inputs.map((tensor) => binaryTensor(tensor)),
      outputs: request.outputs.map((name) => ({ name, parameters: { binary_data: true } })),
    },
    request.inputs,
  );
}

/** @throws `request-invalid` where an output that is wanted as JSON cannot be written as JSON. */
export function encodeResult(result: InferResult): EncodedMessage {
  const { model, version, id, parameters, outputs } = result;
  return message(
    {
      model_name: model,
      model_version: version,
      ...(id === undefined ? {} : { id }),
      parameters,
      outputs: outputs.map(wireOutput),
    },
    outputs.flatMap(({ tensor, binary, shared }) => (binary && shared === undefined ? [tensor] : [])),
  );
}

function wireOutput({ tensor, binary, shared }: ResultOutput): WireTensor {
  if (shared === undefined) return binary ? binaryTensor(tensor) : jsonTensor(tensor);
  const { name, shape, datatype, data } = tensor;
  return { name, shape, datatype, parameters: sharedParameters(shared, data.byteLength) };
}

function binaryTensor(tensor: Tensor): WireTensor {
  const { name, shape, datatype } = tensor;
  return { name, shape, datatype, parameters: { binary_data_size: tensor.data.byteLength } };
}

function jsonTensor(tensor: Tensor): WireTensor {
  const { name, shape, datatype } = tensor;
  return { name, shape, datatype, data: toJson(tensor) };
}

/** The JSON part is padded with blanks to 8 bytes: the first binary tensor is then aligned and read without a copy. */
function message(json: object, tensors: readonly Tensor[]): EncodedMessage {
  const text = JSON.stringify(json);
  if (tensors.length === 0) return { headers: { 'content-type': 'application/json' }, chunks: [Buffer.from(text)] };
  const length = Buffer.byteLength(text);
  const header = Buffer.from(text + ' '.repeat((8 - (length % 8)) % 8));
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(header.byteLength) },
    chunks: [header, ...tensors.map(bytesOf)],
  };
}

export function contentLength(encoded: EncodedMessage): number {
  return encoded.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

/**
 * @param jsonLength value of {@link HEADER_LENGTH}, undefined where the whole body is JSON
 * @throws `request-invalid`
 */
export function decodeRequest(
  body: Uint8Array,
  jsonLength: number | undefined,
  readShared: SharedReader = noSharedMemory,
): InferCall {
  const { json, blobs } = open(body, jsonLength);
  const parameters = parametersOf(json);
  const binaryOutput = parameters['binary_data_output'] === true;
  const outputs = json['outputs'] === undefined ? undefined : requestedOutputs(json['outputs'], binaryOutput);
  const inputs = tensorsOf(json['inputs'], 'inputs', blobs, readShared);
  const id = json['id'];
  if (id !== undefined && typeof id !== 'string') throw invalid('id is not a string');
  return {
    ...(id === undefined ? {} : { id }),
    inputs,
    ...(outputs === undefined ? {} : { outputs }),
    binaryOutput,
    ...timeoutOf(parameters['timeout']),
  };
}

/** Microseconds, as Triton has it. @throws `request-invalid` */
export function timeoutOf(value: unknown): { readonly timeoutMs?: number } {
  if (value === undefined) return {};
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid('timeout is not a number of microseconds');
  return { timeoutMs: (value as number) / 1000 };
}

/** @throws `request-invalid` */
export function decodeResult(body: Uint8Array, jsonLength: number | undefined): DecodedResult {
  const { json, blobs } = open(body, jsonLength);
  return { outputs: tensorsOf(json['outputs'], 'outputs', blobs), parameters: parametersOf(json) };
}

/** Hands out the binary part in order; every byte must be taken. */
class Blobs {
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }

  take(name: string, size: number): Uint8Array {
    if (size > this.#rest.byteLength) throw invalid(`Tensor ${name}: the body ends before its data does`);
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  end(): void {
    if (this.#rest.byteLength > 0) throw invalid(`${this.#rest.byteLength} bytes of the body belong to no tensor`);
  }
}

function open(body: Uint8Array, jsonLength = body.byteLength): { json: Parameters; blobs: Blobs } {
  if (jsonLength > body.byteLength) throw invalid('The body ends before its JSON part does');
  return { json: parse(body.subarray(0, jsonLength)), blobs: new Blobs(body.subarray(jsonLength)) };
}

function parse(bytes: Uint8Array): Parameters {
  let json: unknown;
  try {
    json = parseExactly(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    throw invalid('The body is not JSON');
  }
  return record(json, 'The body');
}

function record(value: unknown, what: string): Parameters {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is not an object`);
  return value as Parameters;
}

/** Servers in Python write null for what is absent. */
function parametersOf(json: Parameters): Parameters {
  return record(json['parameters'] ?? {}, 'parameters');
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is not a list`);
  return value;
}

function nameOf(json: Parameters, what: string): string {
  const name = json['name'];
  if (typeof name !== 'string' || name === '') throw invalid(`${what} without a name`);
  return name;
}

function requestedOutputs(value: unknown, binaryOutput: boolean): RequestedOutput[] {
  const outputs = list(value, 'outputs').map((entry) => {
    const json = record(entry, 'An output');
    const parameters = parametersOf(json);
    const { binary_data: binary = binaryOutput } = parameters;
    if (typeof binary !== 'boolean') throw invalid('binary_data is neither true nor false');
    const shared = sharedPlaceOf(parameters);
    return { name: nameOf(json, 'An output'), binary, ...(shared === undefined ? {} : { shared }) };
  });
  refuseDuplicates(outputs, 'outputs');
  return outputs;
}

function tensorsOf(value: unknown, what: string, blobs: Blobs, readShared = noSharedMemory): Tensor[] {
  const tensors = list(value, what).map((entry) => tensorOf(record(entry, 'A tensor'), blobs, readShared));
  refuseDuplicates(tensors, what);
  blobs.end();
  return tensors;
}

function refuseDuplicates(named: readonly { readonly name: string }[], what: string): void {
  if (new Set(named.map(({ name }) => name)).size < named.length) throw invalid(`${what}: a name occurs twice`);
}

function tensorOf(json: Parameters, blobs: Blobs, readShared: SharedReader): Tensor {
  const name = nameOf(json, 'A tensor');
  const { datatype } = json;
  const data = json['data'] ?? undefined;
  if (!isDatatype(datatype)) throw invalid(`Tensor ${name}: datatype is unknown or not supported`);
  const elements = elementsOf(name, json['shape']);
  const shape = json['shape'] as readonly number[];
  const parameters = parametersOf(json);
  const shared = sharedPlaceOf(parameters);
  const { binary_data_size: size } = parameters;
  if (shared !== undefined) {
    if (size !== undefined || data !== undefined) throw invalid(`Tensor ${name}: give shared memory or data`);
    return { name, datatype, shape, data: fromBytes(name, datatype, elements, readShared(shared)) };
  }
  if ((size === undefined) === (data === undefined)) {
    throw invalid(`Tensor ${name}: give either data or binary_data_size`);
  }
  if (size === undefined) return { name, datatype, shape, data: fromJson(name, datatype, shape, data) };
  if (!Number.isSafeInteger(size) || (size as number) < 0 || size !== (byteLengthOf(datatype, elements) ?? size)) {
    throw invalid(`Tensor ${name}: binary_data_size does not fit datatype and shape`);
  }
  return { name, datatype, shape, data: fromBytes(name, datatype, elements, blobs.take(name, size as number)) };
}
