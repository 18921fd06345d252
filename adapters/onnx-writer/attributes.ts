/** Node attributes of an ONNX graph. A plain number is an INT; floats are marked, because ONNX tells the two apart. */
import onnxProto from 'onnx-proto';
import { type TensorLiteral, tensorProto } from './tensor-literal.ts';

const { AttributeType } = onnxProto.onnx.AttributeProto;

export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: TensorLiteral }
  | { readonly graph: onnxProto.onnx.IGraphProto };

export type Attributes = Readonly<Record<string, Attribute>>;

export function attributeProtos(attributes: Attributes): onnxProto.onnx.IAttributeProto[] {
  return Object.entries(attributes).map(([name, value]) => ({ name, ...attributeValue(value) }));
}

function attributeValue(value: Attribute): onnxProto.onnx.IAttributeProto {
  if (typeof value === 'number') return { type: AttributeType.INT, i: value };
  if (typeof value === 'string') return { type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { type: AttributeType.FLOAT, f: value.float };
  if ('tensor' in value) return { type: AttributeType.TENSOR, t: tensorProto(value.tensor) };
  if ('graph' in value) return { type: AttributeType.GRAPH, g: value.graph };
  return { type: AttributeType.INTS, ints: [...value] };
}
