/** Constants of an ONNX graph: shape, element type and raw little-endian data. */
import onnxProto from 'onnx-proto';

const { TensorProto } = onnxProto.onnx;
const { DataType } = TensorProto;

/** The element types that graphs of this project use. */
export type ElementType = 'BOOL' | 'UINT8' | 'INT16' | 'INT32' | 'INT64' | 'FLOAT';

/** The number of an element type in `TensorProto.DataType`; also the value of Cast's attribute `to`. */
export function elementTypeNumber(type: ElementType): number {
  return DataType[type];
}

export interface TensorLiteral {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function floats(values: readonly number[], shape: readonly number[] = [values.length]): TensorLiteral {
  return literal('FLOAT', new Float32Array(values), shape);
}

export function int64s(values: readonly number[], shape: readonly number[] = [values.length]): TensorLiteral {
  return literal('INT64', BigInt64Array.from(values, BigInt), shape);
}

export function uint8s(values: readonly number[], shape: readonly number[] = [values.length]): TensorLiteral {
  return literal('UINT8', new Uint8Array(values), shape);
}

export function bools(values: readonly boolean[], shape: readonly number[] = [values.length]): TensorLiteral {
  return literal('BOOL', Uint8Array.from(values, Number), shape);
}

function literal(elementType: ElementType, data: ArrayBufferView, shape: readonly number[]): TensorLiteral {
  return { elementType, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

export function tensorProto(tensor: TensorLiteral, name?: string): onnxProto.onnx.ITensorProto {
  return {
    ...(name === undefined ? {} : { name }),
    dims: [...tensor.shape],
    dataType: elementTypeNumber(tensor.elementType),
    rawData: tensor.data,
  };
}
