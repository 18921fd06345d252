/**
 * Messages between the service and its session process, on a socket pair: the length of the JSON, UINT32 little-endian,
 * the JSON, then the tensors that it lists. Tensors are written from where they lie and read into memory of their own.
 */
import type { ErrorCode } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import type { Graph } from './graph.ts';

export type Order =
  | { readonly kind: 'find-providers' }
  | { readonly kind: 'load'; readonly graph: Graph }
  | { readonly kind: 'unload'; readonly graph: Graph }
  | { readonly kind: 'run'; readonly graph: Graph; readonly outputs: readonly string[] };

export type Answer =
  | { readonly value: unknown }
  | { readonly fault: { readonly code: ErrorCode; readonly message: string } };

export interface Message<T> {
  readonly body: T;
  readonly tensors: readonly Tensor[];
}

type ListedTensor = Omit<Tensor, 'data'> & { readonly bytes: number };

/** @returns views, to be written one after the other */
export function encodeMessage({ body, tensors }: Message<object>): readonly Uint8Array[] {
  const listed = tensors.map(
    ({ name, datatype, shape, data }): ListedTensor => ({ name, datatype, shape, bytes: data.byteLength }),
  );
  const json = Buffer.from(JSON.stringify({ body, tensors: listed }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.byteLength);
  const blobs = tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return [length, json, ...blobs.filter(({ byteLength }) => byteLength > 0)];
}

/** @param read resolves to the next bytes, exactly so many, in memory that nobody else uses */
export async function decodeMessage<T>(read: (bytes: number) => Uint8Array | Promise<Uint8Array>): Promise<Message<T>> {
  const length = Buffer.from(await read(4)).readUInt32LE();
  const { body, tensors } = JSON.parse(Buffer.from(await read(length)).toString('utf8')) as {
    body: T;
    tensors: readonly ListedTensor[];
  };
  const filled: Tensor[] = [];
  for (const { bytes, ...about } of tensors) filled.push({ ...about, data: typed(about, await read(bytes)) });
  return { body, tensors: filled };
}

const ARRAYS = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Float16Array,
  FP32: Float32Array,
  FP64: Float64Array,
  BYTES: Uint8Array,
} as const satisfies Record<Tensor['datatype'], unknown>;

function typed({ datatype }: Pick<Tensor, 'datatype'>, { buffer, byteOffset, byteLength }: Uint8Array): Tensor['data'] {
  const TypedArray = ARRAYS[datatype];
  return new TypedArray(buffer as ArrayBuffer, byteOffset, byteLength / TypedArray.BYTES_PER_ELEMENT);
}
