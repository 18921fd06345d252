/** Tensors of the Open Inference Protocol v2, little-endian, row-major. */
export type Datatype =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'FP32'
  | 'FP64'
  | 'BYTES';

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** The array that the datatype says; of BOOL one byte each, of BYTES the elements as they travel (`text-elements.ts`). */
  readonly data:
    | Uint8Array
    | Uint16Array
    | Uint32Array
    | BigUint64Array
    | Int8Array
    | Int16Array
    | Int32Array
    | BigInt64Array
    | Float16Array
    | Float32Array
    | Float64Array;
}

export interface InferenceRequest {
  readonly model: string;
  /** The server's choice where absent. */
  readonly version?: string;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs that are wanted. */
  readonly outputs: readonly string[];
}

export interface InferenceResponse {
  readonly outputs: readonly Tensor[];
  /** Execution provider that ran it, such as `cpu`. */
  readonly provider: string;
}
