/** What a graph file says of itself, without being run: its inputs and outputs, and every tensor stored for it. */

/** A graph's input or output. */
export interface GraphValue {
  readonly name: string;
  /** As the Open Inference Protocol v2 names it, such as `INT16`; `unknown` for what the protocol has no name for. */
  readonly datatype: string;
  /** A number is a fixed size, a name one that varies; undefined where the graph does not even state the rank. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** Weights or constants, in the graph file or in a file that it names (`TensorProto.external_data`). */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bitsPerElement: number;
  /** Bytes in the graph file, and whether they are `raw_data`, whose length is that of the tensor. */
  readonly inline: { readonly bytes: number; readonly raw: boolean };
  readonly external?: { readonly location: string; readonly offset: number; readonly length?: number };
}

export interface GraphFacts {
  /** Version of the default operator set. */
  readonly opset: number;
  /** Without those that have a stored value. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Of the graph, its nodes, its subgraphs and functions. */
  readonly tensors: readonly StoredTensor[];
}

/** Bits of an element by datatype; undefined for strings, which have no fixed size. */
export const DATATYPE_BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  UINT8: 8,
  INT8: 8,
  UINT16: 16,
  INT16: 16,
  UINT32: 32,
  INT32: 32,
  UINT64: 64,
  INT64: 64,
  FP16: 16,
  BF16: 16,
  FP32: 32,
  FP64: 64,
};
