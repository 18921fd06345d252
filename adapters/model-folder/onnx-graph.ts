/**
 * Reads what an ONNX file says of itself (onnx.proto3, IR 3 to 14) without loading it into a runtime: a runtime opens
 * the files that a graph names, so what it names is looked at before.
 */
import { WetreadError } from '../../src/errors.ts';
import { DATATYPE_BITS, type GraphFacts, type GraphValue, type StoredTensor } from '../../src/inference/graph-facts.ts';
import { type Field, fieldsOf, numbersOf, textOf } from './protobuf.ts';

/** `TensorProto.DataType` by number, as the Open Inference Protocol v2 names them. */
const DATATYPES: Readonly<Record<number, string>> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  4: 'UINT16',
  5: 'INT16',
  6: 'INT32',
  7: 'INT64',
  8: 'BYTES',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
  12: 'UINT32',
  13: 'UINT64',
  16: 'BF16',
};
/** FLOAT4, INT4, UINT4 and the two-bit types, of which several share a byte: the fewest bits that an element can have. */
const FEWEST_BITS = 2;
/** Graphs in nodes of graphs: an If in a Loop in an If is three. */
const DEEPEST = 32;

/** @throws WetreadError `package-invalid` where the bytes are no ONNX model. */
export function readGraph(model: Uint8Array): GraphFacts {
  const tensors: StoredTensor[] = [];
  let opset = 0;
  let graph: Uint8Array | undefined;
  for (const field of fieldsOf(model)) {
    if (field.number === 7) graph = field.bytes;
    if (field.number === 8) opset = defaultOpset(field) ?? opset;
    if (field.number === 20) for (const inner of fieldsOf(field.bytes)) collectGraph(inner.bytes, tensors, 1);
    if (field.number === 25) collectFunction(field.bytes, tensors);
  }
  if (graph === undefined) throw new WetreadError('package-invalid', 'is not an ONNX file');
  collectGraph(graph, tensors, 1);
  const { inputs, outputs, filled } = interfaceOf(graph);
  return { opset, inputs: inputs.filter(({ name }) => !filled.has(name)), outputs, tensors };
}

/** `OperatorSetIdProto`: undefined for the operators of other domains. */
function defaultOpset({ bytes }: Field): number | undefined {
  let domain = '';
  let version = 0;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) domain = textOf(field);
    if (field.number === 2) version = field.value;
  }
  return domain === '' || domain === 'ai.onnx' ? version : undefined;
}

/** Every tensor of a `GraphProto`: initializers, sparse ones, and those in attributes of nodes. */
function collectGraph(graph: Uint8Array, tensors: StoredTensor[], depth: number): void {
  if (depth > DEEPEST) throw new WetreadError('package-invalid', 'nests graphs too deeply');
  for (const { number, bytes } of fieldsOf(graph)) {
    if (number === 1) collectNode(bytes, tensors, depth);
    if (number === 5) tensors.push(tensorOf(bytes));
    if (number === 15) collectSparse(bytes, tensors);
  }
}

function collectFunction(functionProto: Uint8Array, tensors: StoredTensor[]): void {
  for (const { number, bytes } of fieldsOf(functionProto)) {
    if (number === 7) collectNode(bytes, tensors, 1);
    if (number === 11) collectAttribute(bytes, tensors, 1);
  }
}

function collectNode(node: Uint8Array, tensors: StoredTensor[], depth: number): void {
  for (const { number, bytes } of fieldsOf(node)) if (number === 5) collectAttribute(bytes, tensors, depth);
}

/** `AttributeProto`: t, g, tensors, graphs, sparse_tensor, sparse_tensors. */
function collectAttribute(attribute: Uint8Array, tensors: StoredTensor[], depth: number): void {
  for (const { number, bytes } of fieldsOf(attribute)) {
    if (number === 5 || number === 10) tensors.push(tensorOf(bytes));
    if (number === 6 || number === 11) collectGraph(bytes, tensors, depth + 1);
    if (number === 22 || number === 23) collectSparse(bytes, tensors);
  }
}

/** `SparseTensorProto`: values and indices. Its own dims are those of a tensor that the runtime makes. */
function collectSparse(sparse: Uint8Array, tensors: StoredTensor[]): void {
  for (const { number, bytes } of fieldsOf(sparse)) if (number === 1 || number === 2) tensors.push(tensorOf(bytes));
}

/** Fields of `TensorProto` that hold values: float, int32, string, int64, raw, double, uint64 data. */
const DATA_FIELDS: ReadonlySet<number> = new Set([4, 5, 6, 7, 9, 10, 11]);
const RAW_DATA = 9;
/** A number that stands alone took at least this much. */
const SMALLEST_FIELD = 1;

function tensorOf(tensor: Uint8Array): StoredTensor {
  const shape: number[] = [];
  const entries = new Map<string, string>();
  let [name, datatype, isExternal, bytes, raw] = ['', 0, false, 0, false];
  for (const field of fieldsOf(tensor)) {
    if (field.number === 1) shape.push(...numbersOf(field));
    if (field.number === 2) datatype = field.value;
    if (field.number === 8) name = textOf(field);
    if (field.number === 13) entries.set(...entryOf(field));
    if (field.number === 14) isExternal = field.value === 1;
    if (!DATA_FIELDS.has(field.number)) continue;
    bytes += Math.max(field.bytes.length, SMALLEST_FIELD);
    raw ||= field.number === RAW_DATA;
  }
  const known = DATATYPE_BITS[DATATYPES[datatype] ?? ''];
  const common = {
    name,
    shape,
    bitsPerElement: known ?? FEWEST_BITS,
    inline: { bytes, raw: raw && known !== undefined },
  };
  // A runtime may go by either sign, so both count.
  return isExternal || entries.size > 0 ? { ...common, external: externalOf(entries) } : common;
}

/** `StringStringEntryProto`. */
function entryOf({ bytes }: Field): [string, string] {
  let [key, value] = ['', ''];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) key = textOf(field);
    if (field.number === 2) value = textOf(field);
  }
  return [key, value];
}

function externalOf(entries: ReadonlyMap<string, string>): NonNullable<StoredTensor['external']> {
  const length = entries.get('length');
  return {
    location: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    ...(length === undefined ? {} : { length: Number(length) }),
  };
}

interface Interface {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Inputs that need not be given, because the graph holds a value for them. */
  readonly filled: ReadonlySet<string>;
}

function interfaceOf(graph: Uint8Array): Interface {
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const filled = new Set<string>();
  for (const { number, bytes } of fieldsOf(graph)) {
    if (number === 5) filled.add(tensorOf(bytes).name);
    if (number === 11) inputs.push(graphValue(bytes));
    if (number === 12) outputs.push(graphValue(bytes));
  }
  return { inputs, outputs, filled };
}

/** `ValueInfoProto` with a `TypeProto.Tensor`; sequences, maps and the like have no datatype here. */
function graphValue(valueInfo: Uint8Array): GraphValue {
  let name = '';
  let type: Uint8Array | undefined;
  for (const field of fieldsOf(valueInfo)) {
    if (field.number === 1) name = textOf(field);
    if (field.number === 2) type = [...fieldsOf(field.bytes)].find(({ number }) => number === 1)?.bytes;
  }
  let datatype = 'unknown';
  let shape: (number | string)[] | undefined;
  for (const field of fieldsOf(type ?? new Uint8Array())) {
    if (field.number === 1) datatype = DATATYPES[field.value] ?? 'unknown';
    if (field.number === 2) shape = [...fieldsOf(field.bytes)].map(({ bytes }) => dimensionOf(bytes));
  }
  return { name, datatype, shape };
}

function dimensionOf(dimension: Uint8Array): number | string {
  for (const field of fieldsOf(dimension)) {
    if (field.number === 1) return field.value;
    if (field.number === 2) return textOf(field);
  }
  return '';
}
