/**
 * Tensors on the wire of the Open Inference Protocol v2: little-endian bytes of the binary tensor extension, or JSON
 * arrays, flat or nested, row-major. Strict: what does not fit its datatype or shape is refused, never rounded.
 */
import { WetreadError } from '../../src/errors.ts';
import type { Datatype, Tensor } from '../../src/inference/tensor.ts';
import { textElements, textsOf } from '../../src/inference/text-elements.ts';
import { wholeNumber } from './json-text.ts';

export type TensorData = Tensor['data'];

type NumericDatatype = Exclude<Datatype, 'BYTES'>;

interface Layout {
  readonly array: { new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData };
  readonly bytes: number;
  /** Inclusive range of whole numbers; absent for floating point. */
  readonly range?: readonly [number | bigint, number | bigint];
}

const LAYOUTS: Readonly<Record<NumericDatatype, Layout>> = {
  BOOL: { array: Uint8Array, bytes: 1 },
  UINT8: { array: Uint8Array, bytes: 1, range: [0, 0xff] },
  UINT16: { array: Uint16Array, bytes: 2, range: [0, 0xffff] },
  UINT32: { array: Uint32Array, bytes: 4, range: [0, 0xffffffff] },
  UINT64: { array: BigUint64Array, bytes: 8, range: [0n, 2n ** 64n - 1n] },
  INT8: { array: Int8Array, bytes: 1, range: [-0x80, 0x7f] },
  INT16: { array: Int16Array, bytes: 2, range: [-0x8000, 0x7fff] },
  INT32: { array: Int32Array, bytes: 4, range: [-0x80000000, 0x7fffffff] },
  INT64: { array: BigInt64Array, bytes: 8, range: [-(2n ** 63n), 2n ** 63n - 1n] },
  FP16: { array: Float16Array, bytes: 2 },
  FP32: { array: Float32Array, bytes: 4 },
  FP64: { array: Float64Array, bytes: 8 },
};

/** A JSON tensor of more elements blocks the event loop for too long: larger ones travel in binary. */
export const MAX_JSON_ELEMENTS = 4_000_000;

export function isDatatype(text: unknown): text is Datatype {
  return text === 'BYTES' || (typeof text === 'string' && Object.hasOwn(LAYOUTS, text));
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}

/** Number of elements of a shape. @throws `request-invalid` where it is no list of whole numbers of a sane size. */
export function elementsOf(name: string, shape: unknown): number {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw invalid(`Tensor ${name}: shape is not a list of whole numbers`);
  }
  const elements = (shape as number[]).reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(elements)) throw invalid(`Tensor ${name}: shape is too large`);
  return elements;
}

/** Undefined for BYTES: its elements differ in length. */
export function byteLengthOf(datatype: Datatype, elements: number): number | undefined {
  return datatype === 'BYTES' ? undefined : LAYOUTS[datatype].bytes * elements;
}

/** The tensor's memory as it lies, no copy. */
export function bytesOf(tensor: Tensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** A view of `bytes`, or a copy where its position breaks the alignment of the datatype. */
export function fromBytes(name: string, datatype: Datatype, elements: number, bytes: Uint8Array): TensorData {
  if (datatype === 'BYTES') return textsFromBytes(name, elements, bytes);
  const { array: TypedArray, bytes: size } = LAYOUTS[datatype];
  if (bytes.byteLength !== elements * size) {
    throw invalid(`Tensor ${name}: ${bytes.byteLength} bytes of data, its shape asks for ${elements * size}`);
  }
  if (datatype === 'BOOL' && bytes.some((value) => value > 1)) throw invalid(`Tensor ${name}: BOOL is neither 0 nor 1`);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new TypedArray(aligned.buffer, aligned.byteOffset, elements);
}

function textsFromBytes(name: string, elements: number, bytes: Uint8Array): TensorData {
  checkCount(name, textsOf(bytes).length, elements);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkCount(name: string, count: number, elements: number): void {
  if (count !== elements) throw invalid(`Tensor ${name}: ${count} elements of data, its shape asks for ${elements}`);
}

/** @throws `request-invalid` where count, nesting or a value do not fit. */
export function fromJson(name: string, datatype: Datatype, shape: readonly number[], data: unknown): TensorData {
  const elements = elementsOf(name, shape);
  if (elements > MAX_JSON_ELEMENTS) throw invalid(`Tensor ${name}: too large for JSON, send it in binary`);
  const values = flatten(name, shape, data);
  checkCount(name, values.length, elements);
  if (datatype === 'BYTES') return textsFromJson(name, values);
  const { array: TypedArray, bytes } = LAYOUTS[datatype];
  const target = new TypedArray(new ArrayBuffer(elements * bytes), 0, elements);
  for (let index = 0; index < elements; index += 1) target[index] = element(name, datatype, values[index]);
  return target;
}

function textsFromJson(name: string, values: readonly unknown[]): TensorData {
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.length < values.length) throw invalid(`Tensor ${name}: a value of data is not BYTES`);
  return textElements(texts);
}

/** Nested data must have the sizes of the shape at every level; flat data must be flat throughout. */
function flatten(name: string, shape: readonly number[], data: unknown): readonly unknown[] {
  if (!Array.isArray(data)) throw invalid(`Tensor ${name}: data is not a list`);
  if (shape.length < 2 || !Array.isArray(data[0])) return data;
  if (data.length !== shape[0]) throw invalid(`Tensor ${name}: the nesting of data does not follow its shape`);
  return data.flatMap((inner) => {
    const values = flatten(name, shape.slice(1), inner);
    const expected = shape.slice(1).reduce((product, size) => product * size, 1);
    if (values.length !== expected) throw invalid(`Tensor ${name}: the nesting of data does not follow its shape`);
    return values;
  });
}

function element(name: string, datatype: NumericDatatype, value: unknown): never {
  const { range } = LAYOUTS[datatype];
  const fits = range === undefined ? fitsFloat(datatype, value) : fitsRange(range, value);
  if (!fits) throw invalid(`Tensor ${name}: a value of data is not ${datatype}`);
  // One cast for all array types: which of them takes a bigint or a number is fixed by the same datatype.
  return (datatype === 'INT64' || datatype === 'UINT64' ? BigInt(value as number | bigint) : Number(value)) as never;
}

function fitsRange([low, high]: NonNullable<Layout['range']>, value: unknown): boolean {
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
  return isWhole && value >= low && value <= high;
}

function fitsFloat(datatype: Datatype, value: unknown): boolean {
  if (datatype === 'BOOL') return typeof value === 'boolean';
  if (typeof value !== 'number') return false;
  if (datatype === 'FP64') return Number.isFinite(value);
  return Number.isFinite(datatype === 'FP32' ? Math.fround(value) : Math.f16round(value));
}

/** For JSON.stringify. @throws `request-invalid` for what JSON cannot carry: NaN, infinities, too many elements. */
export function toJson(tensor: Tensor): readonly (number | boolean | string | object)[] {
  const { name, datatype, data } = tensor;
  if (datatype === 'BYTES') return textsOf(data as Uint8Array);
  if (data.length > MAX_JSON_ELEMENTS) throw invalid(`Tensor ${name}: too large for JSON, ask for binary_data`);
  return Array.from<number | bigint, number | boolean | object>(data as Iterable<number | bigint>, (raw) => {
    if (typeof raw === 'bigint') return Number.isSafeInteger(Number(raw)) ? Number(raw) : wholeNumber(raw);
    if (!Number.isFinite(raw)) throw invalid(`Tensor ${name}: JSON cannot carry its values, ask for binary_data`);
    return datatype === 'BOOL' ? raw === 1 : raw;
  });
}
